import { describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import type { Address } from '../model/mod.ts';
import type { KubeProxySettings } from './kube-proxy-facts.ts';
import { bareNode, ipvsNode, iptablesSave, nftTable } from './migrate-facts.fixture.ts';
import type { MigrationFacts } from './migrate-facts.ts';
import { planMigration } from './migrate-findings.ts';

const base = { 'cluster-cidr': '10.244.0.0/16', 'service-cidrs': '10.96.0.0/12' };

function load(flags: Readonly<Record<string, string>>): ReturnType<typeof makeConfig> {
  return makeConfig(new Map(Object.entries({ ...base, ...flags }).map(([name, value]) => [name, [value]])), null);
}

function configOf(flags: Readonly<Record<string, string>>): EffectiveConfig {
  const loaded = load(flags);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return loaded.config;
}

function theirs(flags: Readonly<Record<string, string>>): KubeProxySettings {
  return { from: 'their file', loaded: load(flags) };
}

/** Findings as `level CODE message`, the common beginning of codes cut off. */
function find(
  facts: Partial<MigrationFacts>,
  ours: Readonly<Record<string, string>> = { 'proxy-mode': 'iptables' },
  settings: KubeProxySettings | null = theirs({ 'proxy-mode': 'iptables' }),
): readonly string[] {
  const { findings } = planMigration(configOf(ours), settings, { ...bareNode, ...facts });
  return findings.map(({ level, code, message }) => `${level} ${code.replace(/WP_CLI_CHECK_(?:MIGRATE_)?/, '')} ${message}`);
}

const leftIptables = { rules: { IPv4: iptablesSave, IPv6: '' } };
const running = { kubeProxy: { process: { pid: 4711, argv: ['kube-proxy'], file: null }, page: null } } as const;

test('a node without any kube-proxy is said to be one, and nothing else', () => {
  expect(planMigration(configOf({ 'proxy-mode': 'iptables' }), null, bareNode)).toEqual({
    kubeProxy: { state: 'absent', mode: null },
    findings: [expect.objectContaining({ level: 'ok', message: expect.stringMatching(/^no kube-proxy runs/) as string })],
  });
});

describe('what it has in the kernel', () => {
  test('[SP-159] its chains: how many Services, what becomes of them in each mode of ours', () => {
    expect(find(leftIptables)).toContain(
      'note TAKEOVER IPv4, mode iptables: 9 chains KUBE-*, of 2 service ports: the first sync replaces it in one transaction for each table; KUBE-FIREWALL and chains that others jump to stay',
    );
    const removed = /^note TAKEOVER IPv4, mode iptables: .*serves until the first sync and is removed right after it/;
    for (const mode of ['nftables', 'ipvs'])
      expect(find(leftIptables, { 'proxy-mode': mode })).toContainEqual(expect.stringMatching(removed));
  });

  test('rules in the layout of ours are no kube-proxy’s', () => {
    const own = iptablesSave.replace('-A KUBE-SERVICES -d', '-A KUBE-SERVICES -j KUBE-SVC-IP\n-A KUBE-SERVICES -d');
    expect(planMigration(configOf({}), null, { ...bareNode, rules: { IPv4: own, IPv6: '' } }).kubeProxy.state).toBe('absent');
  });

  test('its table, and that ours of the same name is another', () => {
    const facts = { tables: { IPv4: nftTable, IPv6: 'table ip6 kube-proxy {\n\tchain lane_service {\n\t}\n}\n' } };
    const found = find(facts).filter((line) => line.includes('TAKEOVER'));
    expect(found).toEqual([
      expect.stringMatching(
        /^note TAKEOVER IPv4, mode nftables: the nftables table ip kube-proxy, of 1 service ports: it serves/,
      ),
    ]);
  });

  test('[IPVS-53] its virtual servers, those of others, and those that nobody can tell apart', () => {
    const found = find(ipvsNode, { 'proxy-mode': 'ipvs' }, theirs({ 'proxy-mode': 'ipvs' }));
    expect(found).toContain(
      'note TAKEOVER IPv4, mode ipvs: 1 addresses of kube-ipvs0, 1 virtual servers on them, 2 sets KUBE-*, the chains of that mode, of 1 addresses and ports: servers that Services want stay and are adopted, all else of it goes after the first sync',
    );
    expect(found).toContainEqual(
      expect.stringMatching(/^warning SERVERS 1 virtual servers are on addresses of the node, such as TCP 192.0.2.11 port 30000/),
    );
    expect(found).toContainEqual(
      expect.stringMatching(/^note SERVERS 2 virtual servers are another program's, such as TCP 203.0.113.50 port 80/),
    );
    expect(found).toContainEqual(expect.stringMatching(/^note PROXY kube-proxy has no future in ipvs mode/));
    expect(found.filter((line) => line.includes('PREDECESSOR'))).toEqual([]);
  });

  test('a mark that is another one than ours would be', () => {
    expect(find(leftIptables)).toContain('ok MARK the mark for masquerading is 0x4000 before and after');
    const other = { rules: { IPv4: iptablesSave.replaceAll('0x4000', '0x8000'), IPv6: '' } };
    expect(find(other)).toContainEqual(expect.stringMatching(/^warning MARK .* is 0x8000 now and would be 0x4000/));
    expect(find({ tables: { IPv4: nftTable, IPv6: null } })).toContainEqual(expect.stringMatching(/^ok MARK/));
  });
});

describe('its settings', () => {
  test('the same settings are said to be the same', () => {
    expect(find(leftIptables)).toContain(
      'ok SETTING the settings of kube-proxy (their file) are those that the agent would run with',
    );
  });

  test('each that is another one is named with both values', () => {
    const found = planMigration(
      configOf({ 'proxy-mode': 'nftables' }),
      theirs({ 'proxy-mode': 'iptables', 'iptables-sync-period': '1m' }),
      {
        ...bareNode,
        ...leftIptables,
      },
    ).findings.filter(({ code }) => code === 'WP_CLI_CHECK_MIGRATE_SETTING');
    const texts = found.map(({ message, advice }) => `${message} / ${advice}`);
    expect(texts).toContain('mode is "iptables" for kube-proxy and would be "nftables" for the agent / ');
    expect(texts).toContain(
      'iptables.syncPeriod is "1m0s" for kube-proxy and would be "30s" for the agent / set iptables.syncPeriod to "1m0s" to keep it',
    );
  });

  test('what Services do otherwise in another mode', () => {
    const found = find(ipvsNode, { 'proxy-mode': 'nftables' }, theirs({ 'proxy-mode': 'ipvs', 'ipvs-scheduler': 'wlc' }));
    expect(found).toContainEqual(expect.stringMatching(/^warning SETTING node ports are accepted at the primary addresses/));
    expect(found).toContainEqual(expect.stringMatching(/^warning SETTING mode nftables draws at random: the scheduler wlc/));
    expect(found).toContainEqual(expect.stringMatching(/^note SETTING the interface kube-ipvs0 goes/));
    expect(find(leftIptables, { 'proxy-mode': 'ipvs' })).toContainEqual(
      expect.stringMatching(/^warning SETTING node ports on 127.0.0.1 are not served in mode ipvs/),
    );
  });

  test('what cannot be used is an error, what has no effect a warning', () => {
    expect(find(leftIptables, {}, theirs({ 'proxy-mode': 'userspace' }))).toContainEqual(
      expect.stringMatching(/^error CONFIG their file: .*mode must be one of/),
    );
    const text = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmodus: ipvs\n';
    const unknown = { from: 'f', loaded: makeConfig(new Map(), { name: 'f', text }) };
    expect(find(leftIptables, {}, unknown)).toContainEqual(
      expect.stringMatching(/^warning CONFIG f: f:3: modus is no known field/),
    );
  });

  test('settings that cannot be known are asked for', () => {
    expect(find(running, {}, null)).toContain(
      'warning CONFIG the settings of kube-proxy are not known: no process and no page tells them',
    );
    const hidden = { process: { pid: 4711, argv: ['kube-proxy'], file: { name: '/x', text: null } }, page: null };
    expect(find({ kubeProxy: hidden }, {}, null)).toContain(
      'warning CONFIG the configuration /x of process 4711 cannot be read from here',
    );
  });
});

describe('one that runs', () => {
  const sockets = [{ protocol: 'TCP', address: '::' as Address, port: 10_256 }] as const;

  test('is named, and the ports that both want', () => {
    const found = find({ ...running, ...leftIptables, sockets });
    expect(found).toContain('note PROXY kube-proxy runs on this node (process 4711, mode iptables)');
    expect(found).toContain(
      'note PORT port 10256 (healthzBindAddress) is taken as long as kube-proxy runs: an agent beside it tries again every 5 s',
    );
    expect(find({ ...running, sockets }, { 'bind-address-hard-fail': 'true' })).toContainEqual(
      expect.stringMatching(/^warning PORT port 10256 .*ends with an error \(bindAddressHardFail\)/),
    );
    expect(find({ ...leftIptables, sockets }).filter((line) => line.includes('PORT'))).toEqual([]);
  });
});

test('kernel parameters: what kube-proxy has set and stays, what a start changes, and what it may not', () => {
  const parameters = new Map([
    ['/proc/sys/net/ipv4/vs/conntrack', { value: '1', writable: true }],
    ['/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established', { value: '432000', writable: true }],
    ['/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait', { value: '60', writable: false }],
  ]);
  const found = find({ ...ipvsNode, parameters }, { 'proxy-mode': 'nftables' }, theirs({ 'proxy-mode': 'ipvs' }));
  expect(found).toContain('note SYSCTL kube-proxy has set what the agent has no use for, and it stays: net.ipv4.vs.conntrack=1');
  expect(found).toContain(
    'note SYSCTL the agent would set net.netfilter.nf_conntrack_tcp_timeout_established to 86400; it is 432000',
  );
  expect(found).toContainEqual(expect.stringMatching(/^warning SYSCTL .*close_wait to 3600; it is 60, and this process may not/));
});

test('what the node cannot do for the mode is told too, a scheduler that is not there first of all', () => {
  const { findings } = planMigration(
    configOf({ 'proxy-mode': 'ipvs', 'ipvs-scheduler': 'wlc' }),
    theirs({ 'proxy-mode': 'ipvs' }),
    ipvsNode,
  );
  expect(findings[0]).toMatchObject({ level: 'error', code: 'WP_CLI_CHECK_SCHEDULER' });
});
