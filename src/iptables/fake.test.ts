import { expect, test } from 'vitest';
import { createFakeIptables } from './fake.ts';

const dump = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-A - [0:0]
:KUBE-B - [0:0]
-A PREROUTING -j KUBE-B
-A KUBE-A -j LOG --log-prefix "x"
-A KUBE-A
-A KUBE-B -p tcp -m tcp --dport 80 -j KUBE-A
COMMIT
`;

test('what is loaded is dumped sorted, foreign rules included', () => {
  const fake = createFakeIptables('IPv4');
  const shuffled = dump
    .replace(':KUBE-A - [0:0]\n:KUBE-B - [0:0]', ':KUBE-B - [0:0]\n:KUBE-A - [3:4]')
    .replace('-p tcp -m tcp --dport 80', '-p tcp --dport 80');
  expect(fake.load(shuffled).ok).toBe(true);
  expect(fake.dump()).toBe(dump);
  expect(fake.load(fake.dump()).ok).toBe(true);
  expect(fake.dump()).toBe(dump);
});

test('a load that cannot be read changes nothing', () => {
  const fake = createFakeIptables('IPv4');
  fake.load(dump);
  expect(fake.load('*nat\n').ok).toBe(false);
  expect(fake.dump()).toBe(dump);
});

test('a jump from a foreign rule holds a chain', async () => {
  const fake = createFakeIptables('IPv4');
  fake.load('*nat\n:A - [0:0]\n:B - [0:0]\n-A A -m limit --limit 5/sec -m comment --comment -j -j B\nCOMMIT\n');
  const { failure } = await fake.restore([
    { table: 'nat', operations: [{ kind: 'delete-chain', table: 'nat', chain: 'B', owner: null }] },
  ]);
  expect(failure?.problem.code).toBe('WP_IPTABLES_IN_USE');
  expect(fake.restores).toBe(1);
});

test('a new kernel has nothing to dump, and empty batches are not counted', async () => {
  const fake = createFakeIptables('IPv6');
  expect(await fake.restore([])).toEqual({ bytes: 0, failure: null });
  expect([fake.dump(), fake.restores]).toEqual(['', 0]);
});
