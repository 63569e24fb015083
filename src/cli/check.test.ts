import { describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import type { Finding, FindingLevel, NodeFacts } from './check-facts.ts';
import { goodNode } from './check-facts.fixture.ts';
import { formatFindings, planFindings, problemsOf } from './check-findings.ts';
import { findModule } from './check-kernel.ts';
import { findDropPolicies } from './check-network.ts';
import { runCheck } from './check.ts';
import { gatherNodeFacts } from './driver-check.ts';

const usual = {
  'proxy-mode': 'ipvs',
  'cluster-cidr': '10.244.0.0/16,fd00:244::/48',
  'service-cidrs': '10.96.0.0/12,fd00:96::/108',
};

function configOf(flags: Readonly<Record<string, string>>): EffectiveConfig {
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return loaded.config;
}

/** The findings of some levels, as `level code message`. */
function find(
  facts: Partial<NodeFacts>,
  flags: Readonly<Record<string, string>> = {},
  levels: readonly FindingLevel[] = ['error', 'warning'],
): readonly string[] {
  return planFindings(configOf({ ...usual, ...flags }), { ...goodNode, ...facts })
    .filter(({ level }) => levels.includes(level))
    .map(({ level, code, message }) => `${level} ${code.replace('WP_CLI_CHECK_', '')} ${message}`);
}

function sysctls(changes: Readonly<Record<string, string | null>>, writable = true): NodeFacts['sysctls'] {
  const map = new Map(goodNode.sysctls);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) map.delete(name);
    else map.set(name, { value, writable });
  }
  return map;
}

describe('a node on which all is well', () => {
  test.each(['ipvs', 'nftables', 'iptables'])('has neither errors nor warnings in mode %s', (mode) => {
    expect(find({}, { 'proxy-mode': mode })).toEqual([]);
    expect(find({}, { 'proxy-mode': mode }, ['ok']).length).toBeGreaterThan(2);
  });

  test('[IPVS-63] is told the limits of ipvs mode, and in no other mode', () => {
    const notes = find({}, {}, ['note']).join('\n');
    expect(notes).toMatch(/source port is 20/);
    expect(notes).toMatch(/thresholds of IPVS count closed connections/);
    expect(notes).toMatch(/every node schedules on its own/);
    expect(find({}, { 'proxy-mode': 'nftables' }, ['note'])).toEqual([]);
  });
});

describe('kernel and programs', () => {
  test('[IPVS-65] a missing module is an error that says what to do', () => {
    const nothing = { loadedModules: '', installedModules: 'kernel/net/netfilter/ipvs/ip_vs_rr.ko:\n', virtualServers: null };
    expect(find(nothing)).toEqual(['error IPVS kernel 6.1.0-50-amd64 has no module ip_vs, which mode ipvs needs']);
    expect(find({}, { 'ipvs-scheduler': 'wlc' })).toEqual([
      'error SCHEDULER kernel 6.1.0-50-amd64 has no module ip_vs_wlc, which ipvs.scheduler wlc needs',
    ]);
    expect(find({ installedModules: null })[0]).toMatch(/^warning SCHEDULER whether kernel .* ip_vs_rr cannot be seen from here/);
  });

  test.each([
    ['ip_vs', 'loaded'],
    ['ip_vs_rr', 'installed'],
    ['ip_vs_mh', 'installed'],
    ['ip_vs_r', 'absent'],
    ['br_netfilter', 'loaded'],
  ])('the module %s is %s', (name, state) => {
    expect(findModule(name, goodNode)).toBe(state);
  });

  test('[IPVS-33] connection tracking of IPVS has to be there and settable', () => {
    const without = sysctls({ 'net.ipv4.vs.conntrack': null });
    expect(find({ sysctls: without })).toEqual([
      'error CONNTRACK net.ipv4.vs.conntrack is needed to rewrite source addresses, and this kernel is built without it',
    ]);
    expect(find({ sysctls: sysctls({ 'net.ipv4.vs.conntrack': '0' }, false) })[0]).toMatch(/this process may not set it/);
    expect(find({ sysctls: sysctls({ 'net.ipv4.vs.conntrack': '1' }, false) })).toEqual([]);
    expect(find({ sysctls: without, virtualServers: null })).toEqual([]);
    const config = '# CONFIG_IP_VS_NFCT is not set\n';
    expect(find({ sysctls: without, virtualServers: null, kernelConfig: config })[0]).toMatch(/built without it/);
  });

  test('an old kernel, a missing capability and missing programs', () => {
    expect(find({ kernelRelease: '5.4.0-1-generic' }).map((line) => line.split(' ')[1])).toEqual(['NFTABLES', 'REUSE']);
    expect(find({ status: 'CapEff:\t0000000000000000\n' })[0]).toMatch(
      /^error CAPABILITY the capability CAP_NET_ADMIN is missing/,
    );
    const bare = { programs: new Set<string>() };
    expect(find(bare)).toEqual([]);
    expect(find(bare, { 'ipvs-driver': 'exec', 'nftables-driver': 'exec' })).toEqual([
      'error PROGRAM the program nft is not installed, and nftables.driver exec needs it',
      'error PROGRAM the program ipvsadm is not installed, and ipvs.driver exec needs it',
    ]);
    expect(find(bare, { 'proxy-mode': 'iptables' })).toEqual([
      'error PROGRAM the program iptables-restore is not installed, and mode iptables needs it',
    ]);
  });
});

describe('the network', () => {
  test('[IPVS-25] pods on a bridge that the packet filter does not see', () => {
    const off = sysctls({ 'net.bridge.bridge-nf-call-iptables': '0', 'net.bridge.bridge-nf-call-ip6tables': null });
    const expected = [
      'error BRIDGE IPv4 pods on the bridge cni0 cannot reach each other through Services: net.bridge.bridge-nf-call-iptables is 0',
      'error BRIDGE IPv6 pods on the bridge cni0 cannot reach each other through Services: br_netfilter is not loaded',
    ];
    expect(find({ sysctls: off })).toEqual(expected);
    expect(
      find({
        sysctls: off,
        bridges: [
          { name: 'cni0', ports: 0 },
          { name: 'docker0', ports: 4 },
        ],
      }),
    ).toEqual([]);
    const byName = { 'detect-local-mode': 'BridgeInterface', 'pod-bridge-interface': 'docker0' };
    expect(find({ sysctls: off }, byName)[0]).toMatch(/IPv4 pods on the bridge docker0/);
    expect(find({ sysctls: off }, { 'detect-local-mode': 'NodeCIDR' })).toEqual([]);
  });

  test('[IPVS-36] addresses of the node or of pods inside a range of Services', () => {
    expect(find({}, { 'service-cidrs': '192.0.0.0/16' })).toEqual([
      'error RANGE the address 192.0.2.11 of eth0 is inside serviceCIDRs 192.0.0.0/16: its traffic would be lost',
    ]);
    expect(find({}, { 'service-cidrs': '10.244.128.0/17' })).toEqual([
      'error RANGE clusterCIDR 10.244.0.0/16 and serviceCIDRs 10.244.128.0/17 overlap: pods there would be lost',
    ]);
    const left = [...goodNode.addresses, { device: 'kube-ipvs0', address: '10.96.0.1' as never }];
    expect(find({ addresses: left })).toEqual([]);
    expect(find({}, { 'service-cidrs': '' }, ['note']).join('\n')).toMatch(/RANGE serviceCIDRs is not set/);
  });

  test('firewalls that drop by default where requests pass', () => {
    const chains =
      'table inet fw {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n\tchain fw {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n' +
      '\tchain out {\n\t\ttype filter hook output priority 10; policy drop;\n\t}\n\tchain other {\n\t}\n}\n';
    expect(findDropPolicies(chains)).toEqual(['the chain in of table inet fw', 'the chain out of table inet fw']);
    expect(find({ chains })).toHaveLength(2);
    expect(find({ chains }, { 'proxy-mode': 'nftables' })).toEqual([]);
    expect(find({ legacyPolicies: '-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-P OUTPUT ACCEPT\n' })[0]).toMatch(
      /INPUT of iptables-legacy/,
    );
  });

  test('forwarding that is off is no matter where a start sets it', () => {
    const off = sysctls({ 'net.ipv4.ip_forward': '0' });
    expect(find({ sysctls: off })).toEqual([]);
    expect(find({ sysctls: off }, { 'proxy-mode': 'iptables' })[0]).toMatch(/^warning FORWARD/);
  });
});

/** `/proc/net/ip_vs` of Debian's 6.1 kernel. */
const servers = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
UDP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0035 rr persistent 75000 80000000
TCP  0A600001:01BB rr${'  '}
  -> 0A010101:192B      Masq    1      0          0${'         '}
TCP  C000020B:7561 rr${'  '}
FWM  57000010 rr${' '}
FWM  00000063 wlc${' '}
`;

describe('what others have in the kernel', () => {
  test('[IPVS-53] foreign virtual servers are counted; marks in our range and servers on node addresses stand out', () => {
    const facts = {
      virtualServers: servers,
      addresses: [...goodNode.addresses, { device: 'kube-ipvs0', address: '10.96.0.1' as never }],
    };
    expect(find(facts, {}, ['error', 'warning'])).toEqual([
      'error SERVERS 1 virtual servers of another program have a mark in the range of ours, such as 1459617808',
      'warning SERVERS 1 virtual servers are on addresses of the node, such as TCP 192.0.2.11:30049',
    ]);
    expect(find(facts, {}, ['note']).join('\n')).toMatch(/SERVERS 2 virtual servers may be another program's/);
    expect(find({ virtualServers: 'TCP nonsense\n' })[0]).toMatch(
      /^warning SERVERS what virtual servers there are cannot be read/,
    );
    const running = { ...facts, chains: 'table ip waypost {\n}\n' };
    expect(find(running).map((line) => line.split(' ')[0])).toEqual(['warning']);
  });

  test('routing rules and marks that meet the capture bit', () => {
    const IPv4 =
      '0:\tfrom all lookup local\n75:\tfrom all fwmark 0x1000/0x1000 lookup 22359\n80:\tfrom all lookup 22359\n90:\tfrom all fwmark 0x1001 lookup 5\n' +
      '91:\tfrom all fwmark 0x1000/0xfff lookup 5\n92:\tfrom all fwmark 0x200/0xf00 lookup 2004\n32766:\tfrom all lookup main\n';
    expect(find({ routingRules: { IPv4, IPv6: null } })).toEqual([
      'warning MARK the routing rule "from all lookup 22359" leads to table 22359 too',
      'warning MARK the routing rule "from all fwmark 0x1001 lookup 5" goes by bit 12 of the packet mark too',
    ]);
    const mangleRules =
      '*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i x -j MARK --set-xmark 0x1000/0x1000\n-A PREROUTING -j MARK --set-mark 0x4000\n';
    expect(find({ mangleRules })).toEqual([
      'warning MARK 1 rules of table mangle set bit 12 of the packet mark, such as "-A PREROUTING -i x -j MARK --set-xmark 0x1000/0x1000"',
    ]);
    expect(find({ mangleRules, routingRules: { IPv4, IPv6: null } }, { 'ipvs-capture-bit': '20' })).toHaveLength(1);
  });

  test('kube-proxy that runs, and what it has left', () => {
    expect(find({ processes: new Set(['kube-proxy']) })[0]).toMatch(/^warning PREDECESSOR kube-proxy is running on this node/);
    const chains = 'table ip kube-proxy {\n}\ntable ip nat {\n\tchain KUBE-SERVICES {\n\t}\n}\n';
    expect(find({ chains }, {}, ['note']).join('\n')).toMatch(/has left the tables kube-proxy, the chains KUBE-\*:/);
  });
});

describe('advice on the configuration', () => {
  test('[IPVS-58] idle time-outs below the keepalive of the kernel', () => {
    expect(find({}, { 'ipvs-tcp-timeout': '900s' })).toEqual([
      'warning IDLE idle TCP connections are forgotten after 900 s, but kept alive every 7200 s only: they will be reset',
    ]);
    expect(find({}, { 'ipvs-tcp-timeout': '2h1s' })).toEqual([]);
    expect(find({ sysctls: sysctls({ 'net.ipv4.tcp_keepalive_time': '8000' }) })[0]).toMatch(/after 7500 s/);
  });

  test('[IPVS-19] schedulers with which nodes do not agree', () => {
    const installed = { installedModules: ['sh', 'dh', 'ovf'].map((name) => `x/ip_vs_${name}.ko:`).join('\n') };
    expect(find(installed, { 'ipvs-scheduler': 'sh' })[0]).toMatch(/^warning HASH the scheduler sh/);
    expect(find(installed, { 'ipvs-scheduler': 'dh' })[0]).toMatch(/^warning HASH the scheduler dh/);
    expect(find(installed, { 'ipvs-scheduler': 'ovf' }, ['note']).join('\n')).toMatch(/ovf knows TCP only/);
  });
});

describe('the command', () => {
  async function run(facts: Partial<NodeFacts>, output: 'text' | 'json', flags: Readonly<Record<string, string>> = usual) {
    const printed = { out: '', err: '' };
    const terminal = {
      out: (text: string) => void (printed.out += text),
      err: (text: string) => void (printed.err += text),
    };
    const texts = new Map(Object.entries(flags).map(([name, value]) => [name, [value]]));
    const code = await runCheck(texts, output, terminal, async () => ({ ...goodNode, ...facts }));
    return { code, ...printed };
  }

  test('prints one line for each finding, the worst first, and fails for errors only', async () => {
    const good = await run({}, 'text');
    expect(good.code).toBe(0);
    expect(good.out).toMatch(/^mode ipvs\nok {7}the kernel module ip_vs is loaded\n/);
    const warned = await run({ processes: new Set(['kube-proxy']) }, 'text');
    expect(warned.code).toBe(0);
    expect(warned.out).toMatch(/^mode ipvs\nwarning {2}kube-proxy is running .*: keep kube-proxy off the node/);
    expect((await run({ installedModules: '' }, 'text')).code).toBe(1);
  });

  test('prints JSON with the same findings', async () => {
    const { out } = await run({}, 'json');
    const report = JSON.parse(out) as { readonly mode: string; readonly findings: readonly Finding[] };
    expect(report).toEqual({ version: 1, mode: 'ipvs', findings: planFindings(configOf(usual), goodNode) });
  });

  test('says what is wrong with the configuration first', async () => {
    const { code, out, err } = await run({}, 'text', { 'proxy-mode': 'x' });
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/mode must be one of/);
  });
});

test('a start logs errors and warnings, with what to do', () => {
  const findings: readonly Finding[] = [
    { level: 'error', code: 'WP_CLI_CHECK_IPVS', message: 'no ip_vs', advice: 'install it' },
    { level: 'warning', code: 'WP_CLI_CHECK_IDLE', message: 'short', advice: '' },
    { level: 'note', code: 'WP_CLI_CHECK_LIMIT', message: 'port 20', advice: '' },
    { level: 'ok', code: 'WP_CLI_CHECK_RANGE', message: 'fine', advice: '' },
  ];
  expect(problemsOf(findings)).toEqual([
    { code: 'WP_CLI_CHECK_IPVS', message: 'no ip_vs: install it' },
    { code: 'WP_CLI_CHECK_IDLE', message: 'short' },
  ]);
  expect(formatFindings(findings)).toBe('error    no ip_vs: install it\nwarning  short\nnote     port 20\nok       fine\n');
});

test('this node can be looked at, without a tool failing it', async () => {
  const facts = await gatherNodeFacts();
  expect(facts.kernelRelease).toMatch(/^\d+\.\d+/);
  expect(facts.status).toContain('CapEff');
  expect(facts.sysctls.get('net.ipv4.ip_forward')?.value).toMatch(/^[01]$/);
  expect(planFindings(configOf(usual), facts).length).toBeGreaterThan(5);
});
