import { afterAll, beforeAll, expect, test } from 'vitest';
import { families } from '../../src/model/mod.ts';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Answer, Lab, Place, SocketProtocol, Target } from '../lab/mod.ts';
import type { ApiObject } from '../packets/flow.ts';
import { backendsOf, createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { hostNamed, service } from '../packets/objects.ts';
import type { PortSpec, ServiceUnderTest } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun, readServers, target, triesUnlike } from './tools.ts';
import { netlinkVariant } from './variants.ts';

const variant = netlinkVariant();
const publish = { loadBalancerClass: 'waypost.dev/ingress' };
const sticky = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 300 } } };
/** Of the mask that is set where nothing else is said. */
const largestMark = 0x0fff;
const oneScope = { 'waypost.dev/affinity-scope': 'service' };
const nodeOf: Readonly<Record<string, string>> = { node1: 'node-1', node2: 'node-2' };

interface TargetPort {
  readonly name: string;
  readonly protocol: SocketProtocol;
  readonly port: number;
}

/** HTTP, TLS and QUIC of a controller: two TCP ports and a UDP one. */
const web: readonly PortSpec[] = [
  { name: 'http', protocol: 'TCP', port: 80 },
  { name: 'https', protocol: 'TCP', port: 443 },
  { name: 'quic', protocol: 'UDP', port: 443 },
];
const webTargets: readonly TargetPort[] = [
  { name: 'http', protocol: 'TCP', port: 8080 },
  { name: 'https', protocol: 'TCP', port: 8443 },
  { name: 'quic', protocol: 'UDP', port: 8443 },
];

/** Slices of both families with ports of their own. */
function endpoints(name: string, pods: readonly string[], ports: readonly TargetPort[]): readonly ApiObject[] {
  return families.map((family) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${family.toLowerCase()}`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: family,
    ports,
    endpoints: pods.map((pod) => ({
      addresses: [hostNamed(pod).addresses[family]],
      conditions: { ready: true },
      nodeName: nodeOf[hostNamed(pod).node ?? ''],
    })),
  }));
}

describeWhere(variant.capability, 'published by firewall mark, with real packets', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  let c1: Place;

  beforeAll(async () => {
    lab = await createLab();
    c1 = lab.place('c1');
    const ports = [8080, 8443, 40_000, 40_007];
    await Promise.all(['p1', 'p2', 'p3', 'q1', 'q2'].map((name) => lab.place(name).listen(listenOnAll(ports))));
    await lab.node1.listen(listenOnAll([2222]));
    await mustRun(lab.node1, 'modprobe', 'ip_vs');
    await mustRun(lab.node1, 'ipvsadm', '-A', '-f', '4711', '-s', 'sh');
    cluster = await createLiveCluster(lab, configOf(variant), [
      ...variant.flags,
      '--ingress-enabled=true',
      '--ipvs-drain-time',
      '2s',
    ]);
    await cluster.put([]);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  const places = (): readonly Place[] => [lab.outside, c1, lab.node1];

  async function put(one: ServiceUnderTest, pods: readonly string[], ports = webTargets): Promise<void> {
    await cluster.putPart(one.name, [one.object, ...endpoints(one.name, pods, ports)]);
  }

  const onBoth = (one: ServiceUnderTest, port: number): readonly Target[] =>
    families.map((family) => target(one.loadBalancerIp, port, family));

  async function answerOf(place: Place, to: Parameters<typeof target>): Promise<Answer> {
    const [attempt] = await place.connect(target(...to));
    const answer = attempt?.answer ?? null;
    if (answer === null) throw new Error(`${place.name}: ${attempt?.verdict} (${attempt?.code}) from ${JSON.stringify(to)}`);
    return answer;
  }

  /** Numbers of mark servers by family, but for the one that is somebody else's. */
  async function marks(): Promise<Readonly<Record<Family, readonly string[]>>> {
    const lines = (await readServers(lab)).split('\n').filter((line) => line.startsWith('-A -f ') && !line.includes('-f 4711 '));
    const numbers = (six: boolean): readonly string[] =>
      lines
        .filter((line) => / -6( |$)/.test(line) === six)
        .map((line) => line.split(' ')[2] ?? '')
        // Node ports have servers of other marks, numbered by family.
        .filter((mark) => Number(mark) <= largestMark)
        .toSorted();
    return { IPv4: numbers(false), IPv6: numbers(true) };
  }

  test.concurrent('[INGRESS-7] [INGRESS-8] [INGRESS-12] [INGRESS-50] HTTP, TLS and QUIC of a client meet one pod behind rewritten ports', async () => {
    const one = service('web', 1, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: { ...publish, ...sticky } });
    await put(one, ['p1', 'p2', 'p3', 'q1']);
    for (const family of families) {
      for (const place of places()) {
        const seen = new Set<string>();
        for (let turn = 0; turn < 3; turn += 1) {
          seen.add((await answerOf(place, [one.loadBalancerIp, 80, family])).backend);
          seen.add((await answerOf(place, [one.loadBalancerIp, 443, family])).backend);
          seen.add((await answerOf(place, [one.loadBalancerIp, 443, family, 'UDP'])).backend);
        }
        expect([place.name, family, seen.size]).toEqual([place.name, family, 1]);
      }
    }
    expect(await triesUnlike('refused', places(), onBoth(one, 8080))).toEqual([]);
  });

  test.concurrent('[INGRESS-6] ports that are not published are refused, and sockets of the node are not reached', async () => {
    const one = service('unpublished', 11, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: publish });
    await put(one, ['p1']);
    expect(await triesUnlike('refused', places(), onBoth(one, 2222))).toEqual([]);
  });

  test.concurrent('[INGRESS-9] a range of ports is published, with the affinity of the other ports', async () => {
    const annotations = { ...oneScope, 'waypost.dev/port-ranges': 'tcp:40000-40010' };
    const one = service('ftp', 2, {
      type: 'LoadBalancer',
      ports: [{ name: 'control', protocol: 'TCP', port: 8080 }],
      annotations,
      spec: { ...publish, ...sticky },
    });
    await put(one, ['p1', 'p2', 'p3'], [{ name: 'control', protocol: 'TCP', port: 8080 }]);
    for (const family of families)
      for (const place of places()) {
        const control = (await answerOf(place, [one.loadBalancerIp, 8080, family])).backend;
        for (const port of [40_000, 40_007, 40_000])
          expect((await answerOf(place, [one.loadBalancerIp, port, family])).backend).toBe(control);
      }
    expect(await triesUnlike('refused', places(), onBoth(one, 40_011))).toEqual([]);
  });

  test.concurrent('[INGRESS-10] with scope port each port is balanced by itself', async () => {
    const one = service('apart', 3, { type: 'LoadBalancer', ports: web, spec: publish });
    await put(one, ['p1', 'p2', 'p3']);
    for (const family of families)
      for (const port of [80, 443]) {
        const names = backendsOf(await lab.outside.connect(target(one.loadBalancerIp, port, family), 12));
        expect(new Set(names)).toEqual(new Set(['p1', 'p2', 'p3']));
      }
  });

  test.concurrent('[INGRESS-27] a remote pod answers, and sees the node', async () => {
    const one = service('mesh', 4, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: publish });
    await put(one, ['q1']);
    for (const family of families)
      for (const port of [80, 443]) {
        const answer = await answerOf(lab.outside, [one.loadBalancerIp, port, family]);
        expect([answer.backend, answer.source]).toEqual(['q1', lab.node1.addresses[family]]);
      }
  });

  test.concurrent('[INGRESS-28] [INGRESS-29] policy Local: a pod of this node sees the client, others serve clients inside alone', async () => {
    const spec = { ...publish, externalTrafficPolicy: 'Local' };
    const one = service('local', 5, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec });
    await put(one, ['p1', 'q1']);
    for (const family of families) {
      const answer = await answerOf(lab.outside, [one.loadBalancerIp, 443, family]);
      expect([answer.backend, answer.source]).toEqual(['p1', lab.outside.addresses[family]]);
    }
    await put(one, ['q1']);
    expect(await triesUnlike('timeout', [lab.outside], onBoth(one, 443))).toEqual([]);
    for (const family of families)
      for (const place of [c1, lab.node1]) expect((await answerOf(place, [one.loadBalancerIp, 443, family])).backend).toBe('q1');
  });

  test.concurrent('[INGRESS-30] a back end reaches itself through its published address', async () => {
    const one = service('mirror', 6, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: publish });
    await put(one, ['p1']);
    for (const family of families) expect((await answerOf(lab.place('p1'), [one.loadBalancerIp, 80, family])).backend).toBe('p1');
  });

  test.concurrent('[INGRESS-44] [INGRESS-45] other sources than those allowed are dropped; without endpoints all are refused at once', async () => {
    const loadBalancerSourceRanges = families.map((family) => `${lab.outside.addresses[family]}/${family === 'IPv4' ? 32 : 128}`);
    const one = service('fenced', 7, {
      type: 'LoadBalancer',
      ports: web,
      annotations: oneScope,
      spec: { ...publish, loadBalancerSourceRanges },
    });
    await put(one, ['p1']);
    for (const family of families) expect((await answerOf(lab.outside, [one.loadBalancerIp, 443, family])).backend).toBe('p1');
    expect(await triesUnlike('timeout', [c1, lab.node1], onBoth(one, 443))).toEqual([]);
    const two = service('empty', 8, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: publish });
    await put(two, []);
    expect(await triesUnlike('refused', places(), onBoth(two, 443))).toEqual([]);
  });

  test('[INGRESS-19] bits that others put into the mark change nothing', async () => {
    const one = service('marked', 9, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: publish });
    await put(one, ['p1']);
    const chain = 'type filter hook prerouting priority -200;';
    const rules = `table inet others {
 chain early {
 ${chain}
 meta mark set meta mark or 0xabcd4000
 }
}
`;
    const { code, stderr } = await lab.node1.exec('nft', ['-f', '-'], rules);
    expect([code, stderr]).toEqual([0, '']);
    for (const family of families) expect((await answerOf(lab.outside, [one.loadBalancerIp, 443, family])).backend).toBe('p1');
    await mustRun(lab.node1, 'nft', 'delete', 'table', 'inet', 'others');
  });

  test('[INGRESS-16] [INGRESS-17] [INGRESS-46] [INGRESS-56] marks are one number for both families, survive a crash, and others’ servers stay', async () => {
    const one = service('kept', 10, { type: 'LoadBalancer', ports: web, annotations: oneScope, spec: { ...publish, ...sticky } });
    await put(one, ['p1', 'p2']);
    const before = await marks();
    expect(before.IPv4.length).toBeGreaterThan(0);
    expect(before.IPv6).toEqual(before.IPv4);
    const pod = (await answerOf(lab.outside, [one.loadBalancerIp, 80])).backend;
    await cluster.restart();
    await cluster.settle();
    expect(await marks()).toEqual(before);
    expect((await answerOf(lab.outside, [one.loadBalancerIp, 443])).backend).toBe(pod);
    expect(await readServers(lab)).toContain('-A -f 4711 -s sh');
  });

  test('[INGRESS-43] a Service that goes leaves no server, no route and no element behind', async () => {
    await cluster.clear();
    await pollUntil(
      'the servers of marks to go',
      async () => {
        const left = await marks();
        return left.IPv4.length + left.IPv6.length === 0 ? left : null;
      },
      { timeoutMs: 20_000 },
    );
    for (const [family, address] of [
      ['ip', '198.51.100.'],
      ['ip6', '2001:db8:100:'],
    ] as const)
      expect(await mustRun(lab.node1, 'nft', 'list', 'table', family, 'waypost')).not.toContain(address);
    const routes = await mustRun(lab.node1, 'sh', '-c', 'for f in -4 -6; do ip $f route show table all proto 87; done');
    expect(routes).not.toMatch(/198\.51\.100\.|2001:db8:100:/);
  });
});
