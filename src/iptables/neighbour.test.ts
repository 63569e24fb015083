import { expect, test } from 'vitest';
import { planCleanup } from './cleanup.ts';
import { complete, kernel, planeOn, shape } from './data-plane.fixture.ts';
import type { FakeIptables } from './fake.ts';
import { settings } from './frontends.fixture.ts';
import { parseSave } from './parse.ts';

const beside = { addresses: new Set<never>() };

/** A kernel with our rules for a Service. */
async function ourKernel(): Promise<FakeIptables> {
  const port = kernel();
  await planeOn(port).apply({
    ...complete([shape]),
    settings: { ...settings, nodePorts: { kind: 'all-local', loopback: false } },
  });
  return port;
}

/** What kube-proxy rewrites with its first sync, over a dump. */
function rewrite(dump: string, chains: Readonly<Record<string, readonly string[]>>, table: string): string {
  const [before = '', rest = ''] = dump.split(`*${table}\n`);
  const [section = '', ...after] = rest.split('COMMIT\n');
  const kept = section.split('\n').filter((line) => !Object.keys(chains).some((name) => line.startsWith(`-A ${name} `)));
  const missing = Object.keys(chains).filter((name) => !section.includes(`:${name} `));
  const rules = Object.entries(chains).flatMap(([name, lines]) => lines.map((line) => `-A ${name} ${line}`));
  const text = [...missing.map((name) => `:${name} - [0:0]`), ...kept.filter((line) => line !== ''), ...rules, ''].join('\n');
  return `${before}*${table}\n${text}COMMIT\n${after.join('COMMIT\n')}`;
}

/** kube-proxy in iptables mode has synced after us. */
function syncIptablesMode(dump: string): string {
  const nat = rewrite(
    dump,
    {
      'KUBE-SERVICES': ['-d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-THEIRS'],
      'KUBE-NODEPORTS': ['-p tcp -m tcp --dport 30001 -j KUBE-SVC-THEIRS'],
      'KUBE-SVC-THEIRS': ['-j KUBE-SEP-THEIRS'],
      'KUBE-SEP-THEIRS': ['-p tcp -m tcp -j DNAT --to-destination 10.244.1.9:8080'],
    },
    'nat',
  );
  const emptied = { 'KUBE-EXTERNAL-SERVICES': [], 'KUBE-SERVICES': [], 'KUBE-NODEPORTS': [], 'KUBE-PROXY-FIREWALL': [] };
  return rewrite(nat, { ...emptied, 'KUBE-FORWARD': ['-m mark --mark 0x4000/0x4000 -j ACCEPT'] }, 'filter');
}

test('[SP-157][SP-160] beside a kube-proxy in iptables mode its chains and jumps stay, and ours go', async () => {
  const port = await ourKernel();
  port.load(syncIptablesMode(port.dump()));
  const cleaned = await planeOn(port).cleanup(beside);
  expect(cleaned.ok).toBe(true);
  const left = port.dump();
  for (const kept of [
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-THEIRS',
    '-A KUBE-SEP-THEIRS -p tcp -m tcp -j DNAT --to-destination 10.244.1.9:8080',
    ':KUBE-PROXY-CANARY',
    ':KUBE-MARK-MASQ',
    '-j KUBE-FORWARD',
  ])
    expect(left).toContain(kept);
  expect(left).not.toMatch(
    /KUBE-SVC-(?:IP|NP)|KUBE-EXT-(?:IP|NP)|KUBE-EXTERNAL-NODEPORTS|KUBE-FW-|--dst-type LOCAL .*KUBE-EXTERNAL/,
  );
});

test('beside a kube-proxy that has not synced yet all of ours goes, as without one', async () => {
  const port = await ourKernel();
  const before = kernel().dump();
  await planeOn(port).cleanup(beside);
  expect(port.dump()).toBe(before);
});

const ipvsMode = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-IP - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -m set --match-set KUBE-LOAD-BALANCER dst,dst -j KUBE-LOAD-BALANCER
-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
COMMIT
`;

test('beside one in ipvs mode the chains go that only iptables mode has', () => {
  const parsed = parseSave(ipvsMode);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  expect(planCleanup(parsed.value, true).removed).toEqual([
    'rule in filter INPUT: -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    'rule in filter INPUT: -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    'chain filter KUBE-EXTERNAL-SERVICES',
    'chain nat KUBE-SVC-IP',
  ]);
});

test('[SP-159] what ipvs mode of kube-proxy left goes with the first sync: its filter would refuse what we serve', async () => {
  const port = kernel(ipvsMode);
  const report = await planeOn(port).apply(complete([shape]));
  expect([report.problem, report.failed.size]).toEqual([null, 0]);
  const left = port.dump();
  expect(left).not.toMatch(/KUBE-IPVS-FILTER|KUBE-LOAD-BALANCER|kube-proxy firewall rules/);
  expect(left.match(/-A INPUT .*-j KUBE-PROXY-FIREWALL/g)).toHaveLength(1);
});
