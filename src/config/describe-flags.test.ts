import { expect, test } from 'vitest';
import { describeFlags } from './describe-flags.ts';
import { makeConfig } from './load-config.ts';
import { rows } from './fields.ts';

function flagsOf(given: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const loaded = makeConfig(new Map(Object.entries(given).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return describeFlags(loaded.config);
}

test('every flag that sets a field has its value in force, as one would write it', () => {
  const flags = flagsOf({
    'nodeport-addresses': '10.0.0.0/8,fd00::/8',
    'iptables-sync-period': '1m30s',
    'feature-gates': 'ComponentStatusz=true,AllowServiceExternalIPs=false',
    'masquerade-all': 'true',
    manifests: '/etc/waypost/services',
  });
  expect(Object.fromEntries(flags)).toMatchObject({
    'nodeport-addresses': '10.0.0.0/8,fd00::/8',
    'iptables-sync-period': '1m30s',
    'feature-gates': expect.stringContaining('AllowServiceExternalIPs=false') as string,
    'masquerade-all': 'true',
    'proxy-mode': 'iptables',
    'cluster-cidr': '',
    manifests: '/etc/waypost/services',
    master: '',
  });
  expect([...flags.keys()]).toEqual(expect.arrayContaining(rows.flatMap(({ flag }) => (flag === null ? [] : [flag.name]))));
});

test('a flag that several fields share shows that of the active mode', () => {
  const flags = flagsOf({ 'proxy-mode': 'nftables', 'iptables-sync-period': '7s', 'masquerade-all': 'true' });
  expect(flags.get('iptables-sync-period')).toBe('7s');
  expect(flags.get('masquerade-all')).toBe('true');
});
