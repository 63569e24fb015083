import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TrafficCounters } from '../../src/model/mod.ts';
import type { ConnectionsReport } from '../../src/observe/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import { askRepeatedly, createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { at, ready, service, slices } from '../packets/objects.ts';
import { servedAfterRefusal, tryAfterRefusal } from '../packets/refused-port.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun, target, verdictOf } from './tools.ts';
import { netlinkVariant } from './variants.ts';

const escape = (text: string): string => text.replaceAll(/[.[\]]/g, String.raw`\$&`);

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

  test('a client port that was refused is served as soon as there is a back end', async () => {
    expect(await tryAfterRefusal(lab, (objects) => cluster.put(objects), 1)).toEqual(servedAfterRefusal);
  });

  test('[IPVS-24] a connection is the balancer’s, by address and by mark, and a remote pod sees who the client is', async () => {
    const one = service('traced', 1, { type: 'NodePort' });
    await cluster.put([one.object, ...slices('traced', [ready('q1')])]);
    const remote = lab.place('q1').addresses;
    for (const family of ['IPv4', 'IPv6'] as const) {
      const end = (address: string, port: number): string => `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
      const inside = await c1.ask({ op: 'open', ...target(one.clusterIp, 80, family) });
      expect(inside.attempt.answer).toMatchObject({ backend: 'q1', source: c1.addresses[family] });
      const outside = await lab.outside.ask({ op: 'open', ...target(at.node, one.nodePort, family) });
      const listed = (await mustRun(lab.node1, 'ipvsadm', '-Lnc')).split('\n').map((line) => line.trim().split(/\s+/));
      // Protocol, seconds left, state, client, where it connected to, destination.
      const flows = listed.map(([, , state, client, virtual, destination]) => [state, client, virtual, destination].join(' '));
      const clusterIp = one.clusterIp.addresses[family] ?? '';
      const [from, to] = [end(c1.addresses[family], inside.attempt.answer?.sourcePort ?? 0), end(remote[family], 8080)];
      expect(flows).toContain(`ESTABLISHED ${from} ${end(clusterIp, 80)} ${to}`);
      const byMark = new RegExp(` ${escape(end(at.node.addresses[family], one.nodePort))} ${escape(to)}$`);
      expect(flows).toContainEqual(expect.stringMatching(byMark));
      await c1.ask({ op: 'close', connection: inside.connection });
      await lab.outside.ask({ op: 'close', connection: outside.connection });
    }
  });

  test('connections, packets and octets of a destination grow by what went through it, and are what ipvsadm prints', async () => {
    const one = service('counted', 1);
    await cluster.put([one.object, ...slices('counted', [ready('p2')])]);
    for (const family of ['IPv4', 'IPv6'] as const) {
      const address = one.clusterIp.addresses[family] ?? '';
      const server = `${family === 'IPv6' ? `[${address}]` : address}:80`;
      const before = await countedOf(server);
      expect(await askRepeatedly(c1, target(one.clusterIp, 80, family), 3)).toEqual(['p2', 'p2', 'p2']);
      // The kernel adds up what its processors counted every two seconds (net/netfilter/ipvs/ip_vs_est.c).
      const after = await pollUntil('the kernel to have added up', async () => {
        const now = await countedOf(server);
        return (now.inPackets ?? 0) >= 9 && (now.outPackets ?? 0) >= 6 ? now : null;
      });
      expect([before.connections, after.connections]).toEqual([0, 3]);
      // Of each connection a SYN, an ACK and a FIN from the client, a SYN and a FIN back: headers of IP and of TCP at least.
      expect(after.inBytes).toBeGreaterThanOrEqual(40 * (after.inPackets ?? 0));
      expect(after.outBytes).toBeGreaterThanOrEqual(40 * (after.outPackets ?? 0));
      // Asked for until no last packet is added up between the two.
      await pollUntil('both to say the same', async () => {
        const printed = await mustRun(lab.node1, 'ipvsadm', '-Ln', '--stats', '--exact', '-t', server);
        const { connections, inPackets, outPackets, inBytes, outBytes } = await countedOf(server);
        const told = [connections, inPackets, outPackets, inBytes, outBytes].join(' ');
        return printed.trim().split('\n').at(-1)?.trim().split(/\s+/).slice(2).join(' ') === told ? true : null;
      });
    }
  });

  async function countedOf(server: string): Promise<TrafficCounters> {
    const { body } = await lab.node1.get('http://127.0.0.1:10249/connections');
    const { families } = JSON.parse(body) as ConnectionsReport;
    const found = families.flatMap(({ servers }) => servers).find((one) => one.server === `TCP ${server}`)?.destinations[0];
    if (found === undefined) throw new Error(`no destination of TCP ${server}: ${body}`);
    return found;
  }

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
