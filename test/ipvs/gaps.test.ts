import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { families } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, launcher, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab, Place, Target } from '../lab/mod.ts';
import { patient } from '../lab/patience.ts';
import type { Answers } from '../lab/resident/protocol.ts';
import type { Destination } from '../packets/flow.ts';
import { backendsOf, createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { at, ready, service, slices, terminating } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { expectMended } from './expect-mended.ts';
import { destinationsOf, mustRun, readServers, target, triesUnlike, verdictOf } from './tools.ts';
import { netlinkVariant } from './variants.ts';

/**
 * What kube-proxy's IPVS mode does otherwise or not at all: each test here fails there. Behind every title stands what
 * it does there (specification ipvs 14 and 15, service-proxy 3.4 and 11).
 */
const variant = netlinkVariant();
const sticky = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } };
const local = { externalTrafficPolicy: 'Local' };
const foreignServers = [
  '-A -f 4711 -s sh',
  '-A -t 203.0.113.50:8443 -s wlc -p 77',
  '-a -t 203.0.113.50:8443 -r 10.244.2.10:443 -m -w 9',
];
/** Seconds for which a back end that left keeps its connections in this suite. */
const drainSeconds = patient(4);

describeWhere(variant.capability, 'what kube-proxy does not do in IPVS mode, with real packets', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  let c1: Place;

  beforeAll(async () => {
    lab = await createLab();
    c1 = lab.place('c1');
    await Promise.all(['p1', 'p2', 'p3', 'q1', 'q2'].map((name) => lab.place(name).listen(listenOnAll([8080, 9090]))));
    await lab.node1.listen(listenOnAll([2222]));
    // Other programs' virtual servers, there before the agent and to be there after it.
    await mustRun(lab.node1, 'sh', '-c', `modprobe ip_vs && ${foreignServers.map((words) => `ipvsadm ${words}`).join(' && ')}`);
    // No audit is to do what the agent has to do by itself.
    const flags = [...variant.flags, '--ipvs-drain-time', `${drainSeconds}s`];
    cluster = await createLiveCluster(lab, { ...configOf(variant), ipvs: { syncPeriod: '15m' } }, flags);
    await cluster.put([]);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  test.concurrent('without an endpoint here a Local load balancer drops clients from outside (there: sent on, the answer lost)', async () => {
    const one = service('silent', 2, { type: 'LoadBalancer', spec: local });
    await cluster.putPart('silent', [one.object, ...slices('silent', [ready('q1')])]);
    expect(await verdictOf(lab.outside, target(one.loadBalancerIp, 80))).toBe('timeout');
  });

  test.concurrent('internal policy Local without an endpoint here drops (there: refused)', async () => {
    const one = service('inward', 4, { spec: { internalTrafficPolicy: 'Local' } });
    await cluster.putPart('inward', [one.object, ...slices('inward', [ready('q1')])]);
    expect(await verdictOf(c1, target(one.clusterIp, 80))).toBe('timeout');
  });

  test.concurrent('[IPVS-40] node ports are closed on Service addresses and, when asked for, open on loopback (there: never)', async () => {
    const one = service('ports', 16, { type: 'LoadBalancer' });
    await cluster.putPart('ports', [one.object, ...slices('ports', [ready('q1')])]);
    expect(await verdictOf(lab.outside, target(one.clusterIp, one.nodePort))).toBe('refused');
    expect(await verdictOf(lab.outside, target(one.loadBalancerIp, one.nodePort))).not.toBe('answered');
    expect(await verdictOf(lab.node1, target(at.loopback4, one.nodePort))).toBe('answered');
  });

  test.concurrent('[IPVS-42][IPVS-43] a connection outlives its endpoint only for the drain time (there: without end)', async () => {
    const one = service('drains', 9);
    await cluster.putPart('drains', [one.object, ...slices('drains', [ready('p1')])]);
    const { connection } = await c1.ask({ op: 'open', ...target(one.clusterIp, 80) });
    await cluster.putPart('drains', [one.object, ...slices('drains', [ready('p2')])]);
    expect((await c1.ask({ op: 'ping', connection, timeoutMs: 4000 })).answer?.backend).toBe('p1');
    expect(backendsOf(await c1.connect(target(one.clusterIp, 80), 6))).toEqual(Array.from({ length: 6 }, () => 'p2'));
    expect(await destinationsOf(lab, `-t ${one.clusterIp.addresses.IPv4}:80`)).toContain('10.244.1.11:8080');
    await pollUntil(
      'the destination to go when its time is over',
      async () =>
        (await destinationsOf(lab, `-t ${one.clusterIp.addresses.IPv4}:80`)).includes('10.244.1.11:8080') ? null : true,
      { timeoutMs: 40_000, everyMs: 250 },
    );
    expect((await c1.ask({ op: 'ping', connection, timeoutMs: 4000 })).verdict).not.toBe('answered');
    await c1.ask({ op: 'close', connection });
  });

  test.concurrent('[IPVS-43] a destination goes as soon as its last connection is closed, TIME_WAIT or not (there: two minutes later)', async () => {
    const one = service('closes', 10, { annotations: { 'waypost.dev/drain-time': '10m' } });
    await cluster.putPart('closes', [one.object, ...slices('closes', [ready('p1')])]);
    const { connection } = await c1.ask({ op: 'open', ...target(one.clusterIp, 80) });
    await cluster.putPart('closes', [one.object, ...slices('closes', [ready('p2')])]);
    await pause(3000);
    expect(await destinationsOf(lab, `-t ${one.clusterIp.addresses.IPv4}:80`)).toContain('10.244.1.11:8080');
    await c1.ask({ op: 'close', connection });
    await pollUntil(
      'the destination to go with its last connection',
      async () =>
        (await destinationsOf(lab, `-t ${one.clusterIp.addresses.IPv4}:80`)).includes('10.244.1.11:8080') ? null : true,
      // Shorter than the two minutes of TIME_WAIT, on a slow machine too.
      { timeoutMs: 15_000, everyMs: 250 },
    );
  });

  test.concurrent('[IPVS-31] a port of the node is closed on every address of a Service and open on its own (there: open on VIPs)', async () => {
    const one = service('closed', 5, { type: 'LoadBalancer', external: true });
    await cluster.putPart('closed', [one.object, ...slices('closed', [ready('p1')])]);
    const places = [lab.outside, c1, lab.node1];
    const to = (...destinations: readonly Destination[]): readonly Target[] =>
      destinations.flatMap((destination) => families.map((family) => target(destination, 2222, family)));
    const [refusals, silences] = await Promise.all([
      triesUnlike('refused', places, to(one.clusterIp, at.address('10.96.77.77', 'fd00:10:96::7777'))),
      triesUnlike('answered', places, to(one.externalIp, one.loadBalancerIp)),
    ]);
    expect(refusals).toEqual([]);
    // Nobody was answered.
    expect(silences).toHaveLength(places.length * 2 * families.length);
    expect(await triesUnlike('answered', places, to(at.node))).toEqual([]);
  });

  test.concurrent('[IPVS-37] nobody hears of a load-balancer address by ARP, without strictARP (there: every node answers)', async () => {
    const one = service('quiet', 7, { type: 'LoadBalancer', external: true });
    await cluster.putPart('quiet', [one.object, ...slices('quiet', [ready('p1')])]);
    await mustRun(lab.outside, 'ip', 'route', 'add', '198.51.100.107/32', 'dev', 'eth0');
    expect(await verdictOf(lab.outside, target(one.loadBalancerIp, 80))).not.toBe('answered');
    const { stdout } = await lab.outside.exec('ip', ['neigh', 'show', '198.51.100.107']);
    const own = JSON.parse(await mustRun(lab.node1, 'ip', '-j', 'link', 'show', 'eth0')) as readonly {
      readonly address: string;
    }[];
    expect(own[0]?.address).toMatch(/^..:..:..:..:..:..$/);
    expect(stdout).not.toContain(own[0]?.address);
    await mustRun(lab.outside, 'ip', 'route', 'del', '198.51.100.107/32', 'dev', 'eth0');
    const { stdout: addresses } = await lab.node1.exec('ip', ['-o', 'address']);
    expect(addresses).not.toContain('198.51.100.');
    expect(addresses).not.toContain('10.96.');
  });

  test.concurrent('[IPVS-47] a client port used again after its back end left connects with its first packet (there: old kernels wait)', async () => {
    const one = service('reuse', 12);
    await cluster.putPart('reuse', [one.object, ...slices('reuse', [ready('p1')])]);
    for (let port = 41_000; port < 41_010; port += 1) {
      const [before, after] = port % 2 === 0 ? (['p1', 'p2'] as const) : (['p2', 'p1'] as const);
      expect(backendsOf(await c1.connect({ ...target(one.clusterIp, 80), sourcePort: port }))).toEqual([before]);
      await cluster.putPart('reuse', [one.object, ...slices('reuse', [ready(after)])]);
      // A lost SYN is sent again after a second: an answer before that was to the first.
      const [again] = await c1.connect({ ...target(one.clusterIp, 80), sourcePort: port, timeoutMs: 950 });
      expect(again?.answer?.backend).toBe(after);
    }
  });

  test.concurrent('a pod reaches a Local load balancer that has no endpoint on this node (there: no short-circuit)', async () => {
    const one = service('short', 1, { type: 'LoadBalancer', spec: local });
    await cluster.putPart('short', [one.object, ...slices('short', [ready('q1')])]);
    for (const place of [c1, lab.node1]) {
      expect(backendsOf(await place.connect(target(one.loadBalancerIp, 80)))).toEqual(['q1']);
      expect(backendsOf(await place.connect(target(at.node, one.nodePort, 'IPv6')))).toEqual(['q1']);
    }
  });

  test.concurrent('a pod and a client from outside meet different back ends behind one Local address (there: one list)', async () => {
    const one = service('split', 3, { type: 'LoadBalancer', spec: local });
    await cluster.putPart('split', [one.object, ...slices('split', [ready('p1'), ready('q1')])]);
    expect(new Set(backendsOf(await lab.outside.connect(target(one.loadBalancerIp, 80), 12)))).toEqual(new Set(['p1']));
    expect(new Set(backendsOf(await c1.connect(target(one.loadBalancerIp, 80), 12)))).toEqual(new Set(['p1', 'q1']));
  });

  test.concurrent('[IPVS-30] an address of the service range that no Service has is refused at once (there: sent out of the cluster)', async () => {
    await cluster.putPart('any', [service('any', 6).object]);
    for (const place of [lab.outside, c1, lab.node1])
      expect(await verdictOf(place, target(at.address('10.96.200.200', 'fd00:10:96::2222'), 80))).toBe('refused');
  });

  test.concurrent('[IPVS-32] addresses of Services answer ping, external ones too (there: what is bound to an interface)', async () => {
    const one = service('echo', 8, { type: 'LoadBalancer' });
    await cluster.putPart('echo', [one.object, ...slices('echo', [ready('p1')])]);
    for (const address of ['10.96.0.8', 'fd00:10:96::8', '198.51.100.108', '2001:db8:100::1:8'])
      for (const place of [lab.outside, c1])
        expect([place.name, address, (await place.exec('ping', ['-c', '1', '-W', '3', address])).code]).toEqual([
          place.name,
          address,
          0,
        ]);
  });

  test.concurrent('[IPVS-49] an endpoint that returns during its drain keeps its connections (there: deleted and added)', async () => {
    const one = service('returns', 11, { annotations: { 'waypost.dev/drain-time': '10m' } });
    const both = [ready('p1'), ready('p2')];
    await cluster.putPart('returns', [one.object, ...slices('returns', both)]);
    const opened = await Promise.all(Array.from({ length: 8 }, () => c1.ask({ op: 'open', ...target(one.clusterIp, 80) })));
    await cluster.putPart('returns', [one.object, ...slices('returns', [terminating('p1'), ready('p2')])]);
    await cluster.putPart('returns', [one.object, ...slices('returns', both)]);
    for (const { connection, attempt } of opened) {
      expect((await c1.ask({ op: 'ping', connection, timeoutMs: 4000 })).answer).toEqual(attempt.answer);
      await c1.ask({ op: 'close', connection });
    }
    expect(new Set(backendsOf(await c1.connect(target(one.clusterIp, 80), 8)))).toEqual(new Set(['p1', 'p2']));
  });

  test.concurrent('[IPVS-45] a UDP client with one port reaches another back end with its next datagram (there: up to five minutes)', async () => {
    const one = service('datagrams', 13);
    for (const family of ['IPv4', 'IPv6'] as const) {
      await cluster.putPart('datagrams', [one.object, ...slices('datagrams', [ready('p1')])]);
      const { connection } = await c1.ask({ op: 'open', ...target(one.clusterIp, 80, family, 'UDP') });
      await cluster.putPart('datagrams', [one.object, ...slices('datagrams', [ready('p2')])]);
      expect((await c1.ask({ op: 'ping', connection, timeoutMs: 950 })).answer?.backend).toBe('p2');
      await c1.ask({ op: 'close', connection });
    }
  });

  test.concurrent('[IPVS-21] a client meets one back end through every address of a Service (there: one for each address)', async () => {
    const one = service('together', 14, { type: 'LoadBalancer', external: true, spec: sticky });
    await cluster.putPart('together', [
      one.object,
      ...slices('together', [ready('p1'), ready('p2'), ready('p3'), ready('q1'), ready('q2')]),
    ]);
    for (const place of [lab.outside, c1]) {
      const met = new Set<string>();
      for (const [to, port] of [
        [one.clusterIp, 80],
        [one.externalIp, 80],
        [one.loadBalancerIp, 80],
        [at.node, one.nodePort],
      ] as const)
        for (const name of backendsOf(await place.connect(target(to, port), 3))) met.add(name);
      expect(met.size).toBe(1);
    }
  });

  test.concurrent('[IPVS-44] a client with affinity leaves a back end that drains (there: only with a sysctl of the whole host)', async () => {
    const one = service('leaves', 15, { spec: sticky, annotations: { 'waypost.dev/drain-time': '10m' } });
    const all = ['p1', 'p2', 'p3'];
    await cluster.putPart('leaves', [
      one.object,
      ...slices(
        'leaves',
        all.map((name) => ready(name)),
      ),
    ]);
    const { connection, attempt } = await c1.ask({ op: 'open', ...target(one.clusterIp, 80) });
    const bound = attempt.answer?.backend ?? '';
    await cluster.putPart('leaves', [
      one.object,
      ...slices(
        'leaves',
        all.filter((name) => name !== bound).map((name) => ready(name)),
      ),
    ]);
    const after = new Set(backendsOf(await c1.connect(target(one.clusterIp, 80), 4)));
    expect(after.size).toBe(1);
    expect(after).not.toContain(bound);
    expect((await c1.ask({ op: 'ping', connection, timeoutMs: 4000 })).answer?.backend).toBe(bound);
    await c1.ask({ op: 'close', connection });
  });

  test.concurrent('[IPVS-18] a hash scheduler refuses nobody while a back end drains (there: mh without fallback)', async () => {
    const one = service('hashed', 17, {
      annotations: { 'waypost.dev/scheduler': 'mh', 'waypost.dev/drain-time': '10m' },
    });
    await cluster.putPart('hashed', [one.object, ...slices('hashed', [ready('p1'), ready('p2'), ready('p3')])]);
    expect(await readServers(lab)).toMatch(/-A -t 10\.96\.0\.17:80 -s mh -b mh-fallback/);
    const { connection } = await lab.outside.ask({ op: 'open', ...target(one.clusterIp, 80) });
    await cluster.putPart('hashed', [one.object, ...slices('hashed', [ready('p1')])]);
    for (const place of [lab.outside, c1, lab.node1]) expect(await verdictOf(place, target(one.clusterIp, 80))).toBe('answered');
    await lab.outside.ask({ op: 'close', connection });
  });

  test.concurrent('[IPVS-20] one Service goes by its own scheduler and weights (there: one scheduler for the node, weight 1)', async () => {
    const one = service('weighed', 18, {
      annotations: { 'waypost.dev/scheduler': 'wrr', 'waypost.dev/weights': 'node-1=1,node-2=3' },
    });
    const other = service('plain', 19);
    const endpoints = [ready('p1'), ready('q1')];
    await cluster.putPart('weighed', [one.object, ...slices('weighed', endpoints), other.object, ...slices('plain', endpoints)]);
    const met = backendsOf(await c1.connect(target(one.clusterIp, 80), 16));
    expect([met.filter((name) => name === 'p1').length, met.filter((name) => name === 'q1').length]).toEqual([4, 12]);
    const servers = await readServers(lab);
    expect(servers).toContain('-A -t 10.96.0.18:80 -s wrr');
    expect(servers).toContain('-A -t 10.96.0.19:80 -s rr');
  });

  test.concurrent('an external IP that is an address of the node serves, and the node keeps it (there: it may be cut off)', async () => {
    const one = service('own', 20, { spec: { externalIPs: Object.values(lab.node1.addresses) } });
    await cluster.putPart('own', [one.object, ...slices('own', [ready('q1')])]);
    expect(await verdictOf(lab.outside, target(at.node, 80))).toBe('answered');
    await cluster.putPart('own', [service('other', 20).object]);
    expect(await verdictOf(lab.outside, target(at.node, 2222))).toBe('answered');
    await mustRun(lab.outside, 'ping', '-c', '1', '-W', '3', lab.node1.addresses.IPv4);
  });

  test.concurrent('[IPVS-26] a process of the node talks to a ClusterIP from its own address (there: from the VIP, remote pods do not answer)', async () => {
    const one = service('source', 21);
    await cluster.putPart('source', [one.object, ...slices('source', [ready('q1')])]);
    for (const family of ['IPv4', 'IPv6'] as const) {
      const [attempt] = await lab.node1.connect(target(one.clusterIp, 80, family));
      expect(attempt?.answer).toMatchObject({ backend: 'q1', source: lab.node1.addresses[family] });
    }
  });

  test.concurrent('[IPVS-35] the source of the node follows its address without a gap (there: nothing to follow)', async () => {
    const one = service('moves', 22);
    await cluster.putPart('moves', [one.object, ...slices('moves', [ready('p1')])]);
    const { stdout } = await lab.node1.exec('ip', ['route', 'show', 'table', 'local', '10.96.0.0/16']);
    expect(stdout).toMatch(
      new RegExp(`local 10\\.96\\.0\\.0/16 dev lo .*src ${lab.node1.addresses.IPv4.replaceAll('.', '\\.')}`),
    );
  });

  test.concurrent('[IPVS-41] a Service without endpoints is refused without a word in the kernel log (there: a line for each attempt)', async () => {
    const one = service('empty', 23, { type: 'NodePort' });
    await cluster.putPart('empty', [one.object]);
    await mustRun(lab.node1, 'dmesg', '--clear');
    for (const place of [lab.outside, c1, lab.node1])
      for (const [to, port] of [
        [one.clusterIp, 80],
        [at.node, one.nodePort],
      ] as const)
        expect(await verdictOf(place, target(to, port))).toBe('refused');
    const { stdout } = await lab.node1.exec('dmesg', []);
    expect(stdout).not.toContain('no destination available');
  });

  describe('without the agent, and with the next one', () => {
    const guest = service('guest', 24);
    const gains = service('gains', 25, { type: 'NodePort' });
    const healed = service('healed', 26);
    const steady = service('steady', 27, { type: 'NodePort' });
    let before: string;
    let load: number;
    let held: Answers['open'];

    beforeAll(async () => {
      await cluster.put([
        ...[guest, gains, healed].flatMap((one) => [one.object, ...slices(one.name, [ready('p1')])]),
        steady.object,
        ...slices('steady', [ready('p1'), ready('q1')]),
      ]);
      before = await readServers(lab);
      load = await lab.outside.ask({ op: 'start-load', ...target(at.node, steady.nodePort), workers: 2, pauseMs: 20 });
      held = await c1.ask({ op: 'open', ...target(steady.clusterIp, 80) });
      await cluster.kill();
    });

    test('[IPVS-39] an address the node gains later accepts node ports without the agent (there: after a sync, with new servers)', async () => {
      await mustRun(lab.node1, 'ip', 'address', 'add', '203.0.113.78/32', 'dev', 'eth0');
      await mustRun(lab.outside, 'ip', 'route', 'add', '203.0.113.78', 'via', lab.node1.addresses.IPv4);
      expect(await verdictOf(lab.outside, target(at.address('203.0.113.78', '::'), gains.nodePort))).toBe('answered');
      const added = (await readServers(lab)).split('\n').filter((line) => !before.split('\n').includes(line));
      expect(added).toEqual([]);
      await mustRun(lab.node1, 'ip', 'address', 'del', '203.0.113.78/32', 'dev', 'eth0');
    });

    test('[IPVS-50] weights that somebody left at 0 are healed at the start (there: only since late versions)', async () => {
      const server = healed.clusterIp.addresses.IPv4 ?? '';
      await mustRun(lab.node1, 'ipvsadm', '-e', '-t', `${server}:80`, '-r', '10.244.1.11:8080', '-m', '-w', '0');
      expect(await verdictOf(c1, target(healed.clusterIp, 80))).toBe('refused');
      await cluster.restart();
      expect(await verdictOf(c1, target(healed.clusterIp, 80))).toBe('answered');
    });

    test('[IPVS-53] virtual servers of others survive syncs, by address and by mark (there: deleted in each sync)', async () => {
      await cluster.settle();
      const servers = await readServers(lab);
      for (const words of foreignServers) expect(servers).toContain(words);
    });

    test('[IPVS-51] connections and datagrams go on while the agent is killed and started again', async () => {
      expect((await c1.ask({ op: 'ping', connection: held.connection, timeoutMs: 4000 })).answer).toEqual(held.attempt.answer);
      const report = await lab.outside.ask({ op: 'stop-load', load });
      expect([report.refused, report.lost]).toEqual([0, 0]);
      expect(report.attempts).toBeGreaterThan(10);
      await c1.ask({ op: 'close', connection: held.connection });
    });
  });

  test('side rules and routes that somebody removes are put back when the kernel tells of it (there: no such rules)', async () => {
    const one = service('mended', 29, { type: 'LoadBalancer', external: true });
    await cluster.put([one.object, ...slices('mended', [ready('p1')])]);
    await expectMended({ lab, cluster, one }, ['nft delete table ip waypost', 'ip route flush table 22359']);
    expect(cluster.output).toMatch(/was repaired family=IPv4 operations=\d+ by="nft /);
  });

  test('[IPVS-54] cleanup removes what is ours, to the last route and sysctl, and nothing else', async () => {
    const one = service('gone', 28, { type: 'LoadBalancer', external: true, spec: sticky });
    await cluster.put([one.object, ...slices('gone', [ready('p1'), ready('q1')])]);
    await cluster.stop();
    await mustRun(lab.node1, launcher, 'cleanup');
    expect((await readServers(lab)).trim().split('\n').toSorted()).toEqual(foreignServers);
    const routes = 'ip rule show; ip -6 rule show; ip route show table all; ip -6 route show table all';
    const left = await lab.node1.exec('sh', ['-c', `nft list tables; ${routes}; sysctl net.ipv4.vs`]);
    expect(left.stdout).not.toMatch(/waypost|22359|10\.96\.|198\.51\.100\.1|fd00:10:96/);
    for (const name of ['conntrack', 'expire_nodest_conn']) expect(left.stdout).toContain(`net.ipv4.vs.${name} = 0\n`);
  });
});
