import { expect, test } from 'vitest';
import { fail, succeed } from '../model/mod.ts';
import { cleanPlanes } from './cleanup.ts';

test('[SP-160] cleanup says what it removed, and one family that fails does not stop the other', async () => {
  let out = '';
  const terminal = {
    out: (text: string): void => {
      out += text;
    },
    err: (): void => {},
  };
  const planes = [
    { family: 'IPv4', mode: 'iptables', cleanup: async () => fail('WP_IPTABLES_BUSY', 'the lock is held') },
    { family: 'IPv6', mode: 'iptables', cleanup: async () => succeed(['chain nat KUBE-SERVICES', 'chain nat KUBE-NODEPORTS']) },
    { family: 'IPv6', mode: 'nftables', cleanup: async () => succeed([]) },
  ] as const;
  const problems = await cleanPlanes(planes, null, terminal);
  expect(problems).toEqual([{ code: 'WP_IPTABLES_BUSY', message: 'IPv4 iptables: the lock is held' }]);
  expect(out).toBe(
    'IPv6 iptables: removed 2\n  chain nat KUBE-SERVICES\n  chain nat KUBE-NODEPORTS\nIPv6 nftables: nothing of ours was there\n',
  );
});
