import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProxyMode } from '../../src/model/mod.ts';
import { expectKubeProxy, goBackBesideKubeProxy, readShared } from '../handover/way-back.ts';
import { syncKubeProxy } from '../handover/kube-proxy-sync.ts';
import { runToEnd, web, webObjects, whoAnswers } from '../handover/node.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { holdConnection } from '../lifecycle/held-connections.ts';
import type { HeldConnection } from '../lifecycle/held-connections.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun, readServers } from './tools.ts';
import { longRuns, netlinkVariant } from './variants.ts';

const variant = netlinkVariant();

/** What IPVS mode sets and remembers. */
const sysctls = ['net.ipv4.vs.conntrack', 'net.ipv4.vs.expire_nodest_conn', 'net.ipv4.vs.expire_quiescent_template'] as const;

type Order = 'cleanup first' | 'kube-proxy first';
type Pair = readonly [theirs: ProxyMode, ours: ProxyMode, order: Order];

describeWhere(variant.capability, 'from kube-proxy and back to it, where either side has virtual servers', () =>
  testPairs([
    ['ipvs', 'nftables', 'kube-proxy first'],
    ['nftables', 'ipvs', 'cleanup first'],
  ]),
);

describeWhere(longRuns, 'the same, for pairs that take the same ways in other company', () =>
  testPairs([
    ['ipvs', 'iptables', 'cleanup first'],
    ['iptables', 'ipvs', 'kube-proxy first'],
    ['ipvs', 'ipvs', 'kube-proxy first'],
  ]),
);

function testPairs(pairs: readonly Pair[]): void {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    for (const name of ['p1', 'p2']) await lab.place(name).listen(listenOnAll([8080]));
    await mustRun(lab.node1, 'modprobe', 'ip_vs');
  });

  afterAll(() => lab?.close());

  test.each(pairs)(
    '[SP-159][SP-161][IPVS-54] from its %s mode to our %s mode, and back with %s: no connection is lost, nothing of ours stays',
    async (theirs, ours, order) => {
      const clean = await readSysctls(lab);
      await goThereAndBack(lab, theirs, ours, order);
      await empty(lab);
      expect(await readSysctls(lab)).toBe(clean);
    },
  );
}

async function goThereAndBack(lab: Lab, theirs: ProxyMode, ours: ProxyMode, order: Order): Promise<void> {
  await syncKubeProxy(lab, theirs);
  const before = await readSysctls(lab);
  const alone = await readShared(lab);
  const target = { family: 'IPv4', destination: web.clusterIp.addresses.IPv4 ?? '', port: 80 } as const;
  const held = await holdConnection(lab.outside, target, ['p1']);

  await using cluster = await createLiveCluster(lab, { ...configOf(variant), mode: ours }, ours === 'ipvs' ? variant.flags : []);
  await cluster.put(webObjects);
  await waitForTakeover(lab, cluster, ours);
  await held.expectAlive('after the takeover');

  const later = await holdConnection(lab.outside, target, ['p2']);
  await cluster.stop();
  // Through virtual servers a connection has no other way: it goes with its server.
  const surviving = [...(theirs === 'ipvs' ? [] : [held]), ...(ours === 'ipvs' ? [] : [later])];
  if (order === 'kube-proxy first') await goBackBesideKubeProxy(lab, theirs, alone, surviving);
  else await goBackClean(lab, theirs, before, surviving);
}

async function waitForTakeover(lab: Lab, cluster: LiveCluster, ours: ProxyMode): Promise<void> {
  const patience = { timeoutMs: 60_000, everyMs: 250, explain: () => cluster.output };
  await pollUntil('our rules to serve', async () => ((await whoAnswers(lab, 'IPv4')) === 'p2' ? true : null), patience);
  for (const family of lab.families) {
    expect(await whoAnswers(lab, family)).toBe('p2');
    expect(await whoAnswers(lab, family, 'node-port')).toBe('p2');
  }
  const isGone = async (): Promise<true | null> => (leftovers(await readShared(lab), ours).length === 0 ? true : null);
  await pollUntil('chains of kube-proxy to go', isGone, patience);
  expect(cluster.output).not.toContain('WP_CLI_LEFTOVER');
}

/** Nothing is left of us before kube-proxy writes its rules again. */
async function goBackClean(lab: Lab, theirs: ProxyMode, before: string, held: readonly HeldConnection[]): Promise<void> {
  const cleaned = await runToEnd(lab.node1, ['cleanup']);
  expect(cleaned).toEqual({ code: 0, output: expect.any(String) as string });
  expect(leftovers(await readShared(lab), null)).toEqual([]);
  // Those on addresses of the node may be another program's, and stay.
  const servers = (await readServers(lab)).split('\n').filter((line) => line !== '' && !line.includes(`:${web.nodePort} `));
  expect(servers).toEqual([]);
  const state = 'nft list tables | grep -c waypost; ip rule | grep -c 22359; ip route show table local proto 87 | wc -l';
  expect((await lab.node1.exec('sh', ['-c', state])).stdout).toBe('0\n0\n0\n');
  expect(await readSysctls(lab)).toBe(before);
  await syncKubeProxy(lab, theirs);
  await expectKubeProxy(lab, held, 'after the cleanup and the first sync of kube-proxy');
}

function readSysctls({ node1 }: Lab): Promise<string> {
  return mustRun(node1, 'sh', '-c', `sysctl -n ${sysctls.join(' ')}`);
}

/** As after a reboot. */
async function empty({ node1 }: Lab): Promise<void> {
  const off = sysctls.map((name) => `${name}=0`).join(' ');
  const script = `nft flush ruleset; ipset destroy; ipvsadm -C; ip link delete kube-ipvs0 2>/dev/null; sysctl -qw ${off}`;
  await mustRun(node1, 'sh', '-c', script);
}

/** What kube-proxy alone, or in mode null anybody, has chains, tables and sets of. */
function leftovers(shared: readonly string[], ours: ProxyMode | null): readonly string[] {
  const kept = /KUBE-FIREWALL$/;
  const theirs = /WAYPOSTOLD|KUBE-LOAD-BALANCER|KUBE-IPVS|KUBE-NODE-PORT$|^KUBE-(?:6-)?(?:CLUSTER-IP|LOOP-BACK)|default\/old/;
  return shared.filter((line) => !kept.test(line) && (ours === null || theirs.test(line)));
}
