import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeConfig } from '../../src/config/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { labConfig } from '../lab/config.ts';
import {
  canMakeNamespaces,
  createLab,
  createTemporaryFolder,
  pollUntil,
  startWaypost,
  writeManifest,
  hasEachFamily,
} from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import { nodeObject, ready, service, slices } from './objects.ts';

/** What others rely on besides packets: names in the kernel, exit codes, the health of a node. */

const subject = service('subject', 1, { type: 'NodePort' });
const objects = [nodeObject(), subject.object, ...slices('subject', [ready('p1'), ready('q1')])];

async function withAgent(
  lab: Lab,
  config: Readonly<Record<string, unknown>>,
  then: (agent: RunningWaypost, folder: string) => Promise<void>,
  waitHealthy = true,
): Promise<void> {
  await using folder = await createTemporaryFolder('waypost-contracts-');
  await writeManifest(folder.path, 'cluster.json', objects);
  const agent = await startWaypost(lab.node1, { manifests: folder.path, config, waitHealthy });
  await then(agent, folder.path);
  await agent.stop();
}

test('[SP-47] the word primary beside a CIDR is refused', () => {
  const config = (nodePortAddresses: readonly string[]): boolean =>
    makeConfig(new Map(), { name: 'test', text: JSON.stringify(labConfig({ nodePortAddresses })) }).ok;
  expect(config(['primary'])).toBe(true);
  expect(config(['primary', '10.0.0.0/8'])).toBe(false);
  expect(config(['10.0.0.0/8', 'primary'])).toBe(false);
});

describeWhere(await canMakeNamespaces(), 'contracts of the running agent', () => {
  test('[SP-162] chains, mark bit and rules that other programs rely on are there, in both families', async () => {
    await using lab = await createLab();
    await withAgent(lab, {}, async () => {
      for (const tool of ['iptables', 'ip6tables']) {
        const saved = await lab.node1.exec('sh', ['-c', `${tool}-nft-save; ${tool}-legacy-save`]);
        for (const chain of ['MARK-MASQ', 'POSTROUTING', 'SERVICES', 'NODEPORTS', 'FORWARD', 'PROXY-CANARY'])
          expect(saved.stdout).toMatch(new RegExp(`^:KUBE-${chain} - `, 'm'));
        expect(saved.stdout).toMatch(/^-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000\/0x4000$/m);
        expect(saved.stdout).toMatch(/^-A KUBE-POSTROUTING -m mark ! --mark 0x4000\/0x4000 -j RETURN$/m);
        expect(saved.stdout).not.toContain('KUBE-IPTABLES-HINT');
        expect(saved.stdout).not.toContain('KUBE-KUBELET-CANARY');
        expect(saved.stdout.includes('KUBE-FIREWALL')).toBe(tool === 'iptables');
      }
    });
  });

  test('[SP-113] forwarded INVALID packets are dropped, unless conntrack was liberal at the start', async () => {
    await using lab = await createLab();
    const find = async (): Promise<boolean> => {
      const { stdout } = await lab.node1.exec('sh', ['-c', 'iptables-nft-save -t filter; iptables-legacy-save -t filter']);
      return /^-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP$/m.test(stdout);
    };
    await withAgent(lab, {}, async () => expect(await find()).toBe(true));
    const set = await lab.node1.exec('sysctl', ['-w', 'net.netfilter.nf_conntrack_tcp_be_liberal=1']);
    expect(set.code).toBe(0);
    await withAgent(lab, {}, async () => expect(await find()).toBe(false));
  });

  test('[SP-147] the process asks to be spared when memory is short, and runs where that is not allowed', async () => {
    await using lab = await createLab();
    await withAgent(lab, { oomScoreAdj: -999 }, async (agent) => {
      const value = (await readFile(`/proc/${agent.process.pid}/oom_score_adj`, 'utf8')).trim();
      const refused = agent.process.output.includes('the kernel does not take oomScoreAdj -999');
      expect([value === '-999', refused]).toContain(true);
    });
  });

  test('[SP-120] cordon, NotReady and a vanished Node do not make the node unhealthy', async () => {
    await using lab = await createLab();
    await withAgent(lab, {}, async (agent, folder) => {
      const health = async () => lab.node1.get('http://127.0.0.1:10256/healthz');
      const base = nodeObject();
      const cordoned = {
        ...base,
        spec: {
          ...(base['spec'] as object),
          unschedulable: true,
          taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
        },
        status: { ...(base['status'] as object), conditions: [{ type: 'Ready', status: 'False' }] },
      };
      const mark = (name: string) => service(name, 90).object;
      const without = objects.slice(1);
      for (const [name, list] of [
        ['cordoned', [cordoned, ...without]],
        ['vanished', without],
      ] as const) {
        await writeManifest(folder, 'cluster.json', [...list, mark(name)]);
        await agent.waitRows(name, (rows) => hasEachFamily(rows, `default/${name}`, lab.families));
        const { status, body } = await health();
        expect([name, status, JSON.parse(body)]).toMatchObject([name, 200, { nodeEligible: true, healthy: true }]);
      }
      // The same path does tell a node that is about to go.
      const leaving = { ...base, spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } };
      await writeManifest(folder, 'cluster.json', [leaving, ...without]);
      await pollUntil('/healthz to say 503', async () => ((await health()).status === 503 ? true : null));
    });
  });

  test('[SP-30] without IPv6 in the kernel it runs for IPv4 alone, and not at all where IPv6 comes first', async () => {
    await using lab = await createLab();
    const off = await lab.node1.exec('sysctl', ['-w', 'net.ipv6.conf.all.disable_ipv6=1']);
    expect(off.code).toBe(0);
    await withAgent(lab, {}, async (agent) => {
      const rows = await agent.waitRows('rows', (all) => all.length > 0);
      expect(new Set(rows.map(({ family }) => family))).toEqual(new Set(['IPv4']));
    });
    await withAgent(
      lab,
      { bindAddress: '::' },
      async (agent) => {
        expect(await agent.process.exited).toBe(1);
        expect(agent.process.output).toContain('the kernel has no IPv6');
      },
      false,
    );
  });
});
