import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll } from '../lab/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { at, ready, service, slices } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun, target, verdictOf } from './tools.ts';
import { netlinkVariant } from './variants.ts';

/** What the kernel's balancer does with packets, as far as the data plane builds on it or the documentation speaks of it. */
const variant = netlinkVariant();

describeWhere(variant.capability, 'the kernel’s balancer, with real packets', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  let c1: Place;

  beforeAll(async () => {
    lab = await createLab();
    c1 = lab.place('c1');
    await Promise.all(['p1', 'p2', 'p3', 'q1', 'q2'].map((name) => lab.place(name).listen(listenOnAll([8080]))));
    cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  test('[IPVS-2] a mark has to be equal in all its bits', async () => {
    await mustRun(lab.node1, 'modprobe', 'ip_vs');
    await mustRun(lab.node1, 'ipvsadm', '-A', '-f', '4711', '-s', 'rr');
    await mustRun(lab.node1, 'ipvsadm', '-a', '-f', '4711', '-r', '10.244.1.11:8080', '-m');
    const { code, stderr } = await lab.node1.exec(
      'nft',
      ['-f', '-'],
      `table ip facts {
         chain input { type filter hook input priority 95;
           tcp dport 7001 meta mark set 4711
           tcp dport 7002 meta mark set 0x10001267
         }
       }\n`,
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(await verdictOf(c1, target(at.node, 7001))).toBe('answered');
    expect(await verdictOf(c1, target(at.node, 7002))).toBe('refused');
    await mustRun(lab.node1, 'nft', 'delete', 'table', 'ip', 'facts');
    await mustRun(lab.node1, 'ipvsadm', '-D', '-f', '4711');
  });

  test('[IPVS-63] a client with source port 20 is refused, as the documentation says', async () => {
    const one = service('guarded', 1);
    await cluster.put([one.object, ...slices('guarded', [ready('p1')])]);
    const [active] = await c1.connect({ ...target(one.clusterIp, 80), sourcePort: 20, timeoutMs: 3000 });
    expect(active?.verdict).toBe('refused');
    const [other] = await c1.connect({ ...target(one.clusterIp, 80), sourcePort: 21, timeoutMs: 3000 });
    expect(other?.verdict).toBe('answered');
  });

  test('[IPVS-55] every back end is replaced, step by step under load, and no connection is lost', async () => {
    const one = service('rolling', 1, { type: 'NodePort' });
    const steps = [
      ['p1', 'p2'],
      ['p2', 'p3'],
      ['p3', 'q1'],
      ['q1', 'q2'],
    ];
    const put = (names: readonly string[]): Promise<void> =>
      cluster.put([
        one.object,
        ...slices(
          'rolling',
          names.map((name) => ready(name)),
        ),
      ]);
    await put(steps[0] ?? []);
    const load = await lab.outside.ask({ op: 'start-load', ...target(at.node, one.nodePort), workers: 3, pauseMs: 5 });
    for (const names of steps) {
      await put(names);
      await pause(300);
    }
    const report = await lab.outside.ask({ op: 'stop-load', load });
    expect({ refused: report.refused, lost: report.lost, failures: report.failures }).toEqual({
      refused: 0,
      lost: 0,
      failures: [],
    });
    expect(Object.keys(report.byBackend).toSorted()).toEqual(['p1', 'p2', 'p3', 'q1', 'q2']);
  });

  test('[IPVS-62] SCTP associations go through a ClusterIP, rotated over the back ends', async () => {
    const ports = [{ name: 'sctp', protocol: 'SCTP', port: 80 }] as const;
    const one = service('associations', 1, { ports });
    for (const name of ['p1', 'q1']) lab.place(name).spawn('ncat', ['--sctp', '-lk', '-p', '8080', '-c', `echo ${name}`]);
    await cluster.put([
      one.object,
      ...slices('associations', [ready('p1'), ready('q1')], { ports: [{ name: 'sctp', protocol: 'SCTP', port: 8080 }] }),
    ]);
    const answers = new Set<string>();
    for (let turn = 0; turn < 8 && answers.size < 2; turn += 1) {
      const { stdout } = await c1.exec('ncat', ['--sctp', '--recv-only', '-w', '10', one.clusterIp.addresses.IPv4 ?? '', '80']);
      if (stdout !== '') answers.add(stdout.trim());
      await pause(500);
    }
    expect([...answers].toSorted()).toEqual(['p1', 'q1']);
  });
});
