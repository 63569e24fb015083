import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, pollUntil } from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import { addressesOf, hostNamed, ready, unready } from '../packets/objects.ts';
import type { ApiObject } from '../packets/flow.ts';
import {
  createDnsLab,
  kubeDnsAddress,
  namespaceObject,
  serviceIn,
  slicesIn,
  standInAnswer,
  standInPod,
  startAsker,
  startStandIn,
  statusOf,
  upstreamAnswer,
  upstreamPod,
} from './system-lab.ts';
import type { DnsLab } from './system-lab.ts';

const can = await canMakeNamespaces();
const server = kubeDnsAddress.IPv4;
const zone = 'svc.cluster.local';

describeWhere(can, 'changes of the cluster and answers to pods', () => {
  let lab: Lab;
  let dns: DnsLab;
  let agent: RunningWaypost;
  let ask: Awaited<ReturnType<typeof startAsker>>;
  const took: number[] = [];

  beforeAll(async () => {
    lab = await createLab();
    dns = await createDnsLab(lab);
    await startStandIn(lab.place(standInPod), standInAnswer, 1);
    ask = await startAsker(lab.place('c1'));
    const corefile = await dns.write(
      'Corefile',
      `.:53 {\n  kubernetes cluster.local in-addr.arpa ip6.arpa {\n    pods verified\n    ttl 30\n  }\n  forward . ${lab.place(upstreamPod).addresses.IPv4}\n  cache 30 {\n    disable success cluster.local\n    disable denial cluster.local\n  }\n  health :8080\n  ready :8181\n}\n`,
    );
    agent = await dns.start(['--dns-config', corefile]);
  });

  afterAll(async () => {
    const sorted = took.toSorted((a, b) => a - b);
    process.stderr.write(
      `changes seen by pods: ${sorted.length}, median ${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, slowest ${Math.round(sorted.at(-1) ?? 0)} ms\n`,
    );
    await dns?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  /** Until the answer is this one: at most 5 s (specification 15.5). */
  async function becomes(change: () => void, expected: Readonly<Record<string, string>>): Promise<void> {
    change();
    const since = performance.now();
    for (const [question, wanted] of Object.entries(expected)) {
      const [name = '', type = 'A'] = question.split(' ');
      let last = '';
      await pollUntil(
        `${question} to be ${wanted}`,
        async () => {
          last = await ask(server, name, type);
          return last === wanted ? true : null;
        },
        { timeoutMs: 5000, everyMs: 2, explain: () => `it is ${last}\n${agent.process.output}` },
      );
    }
    took.push(performance.now() - since);
  }

  const put = (...objects: readonly ApiObject[]): void => dns.cluster.put(...objects);
  const remove = (...objects: readonly ApiObject[]): void => dns.cluster.remove(...objects);
  const headless = { clusterIP: 'None', clusterIPs: ['None'] };
  const address = (pod: string): string => hostNamed(pod).addresses.IPv4;

  test('[DNS-118] Services come, change and go', async () => {
    const one = serviceIn('shop', 'one', 1, { families: ['IPv4'] });
    const { IPv4, IPv6 } = addressesOf(1).cluster;
    expect(await ask(server, `one.shop.${zone}`)).toBe('NXDOMAIN');
    await becomes(() => put(one), { [`one.shop.${zone}`]: IPv4, [`one.shop.${zone} AAAA`]: 'NODATA' });
    await becomes(() => put(serviceIn('shop', 'one', 1)), { [`one.shop.${zone} AAAA`]: IPv6 });
    await becomes(() => put(serviceIn('shop', 'one', 1, { ports: [{ name: 'web', protocol: 'TCP', port: 8443 }] })), {
      [`_web._tcp.one.shop.${zone} SRV`]: `8443 one.shop.${zone}`,
      [`_tcp._tcp.one.shop.${zone} SRV`]: 'NXDOMAIN',
    });
    const external = serviceIn('shop', 'one', 1, {
      type: 'ExternalName',
      spec: { externalName: 'ok.test', clusterIPs: [], clusterIP: '' },
    });
    await becomes(() => put(external), { [`one.shop.${zone}`]: `${upstreamAnswer} ok.test` });
    await becomes(() => put(serviceIn('shop', 'one', 2)), { [`one.shop.${zone}`]: addressesOf(2).cluster.IPv4 });
    await becomes(() => remove(one), { [`one.shop.${zone}`]: 'NXDOMAIN' });
  });

  test('[DNS-118] endpoints come, change and go', async () => {
    const db = serviceIn('shop', 'db', 3, { spec: headless });
    const name = `db.shop.${zone}`;
    const both = (...pods: readonly string[]): string => pods.map(address).toSorted().join(' ');
    await becomes(() => put(db, ...slicesIn('shop', 'db', [ready('p1'), ready('p2')])), { [name]: both('p1', 'p2') });
    await becomes(() => put(...slicesIn('shop', 'db', [ready('p1'), unready('p2')])), { [name]: both('p1') });
    await becomes(() => put(...slicesIn('shop', 'db', [unready('p1'), unready('p2')])), { [name]: 'NXDOMAIN' });
    await becomes(() => put(...slicesIn('shop', 'db', [ready('p1'), ready('p2')])), { [name]: both('p1', 'p2') });
    const further = slicesIn('shop', 'db', [ready('q1')], { suffix: 'b' });
    await becomes(() => put(...further), { [name]: both('p1', 'p2', 'q1') });
    // A slice that names another Service is that one's.
    const lent = slicesIn('shop', 'db', [ready('q1')], { suffix: 'b', labels: { 'kubernetes.io/service-name': 'else' } });
    await becomes(() => put(...lent), { [name]: both('p1', 'p2') });
    await becomes(() => put(...further), { [name]: both('p1', 'p2', 'q1') });
    await becomes(() => remove(...further), { [name]: both('p1', 'p2') });
    const named = (hostname: string): readonly ApiObject[] =>
      slicesIn('shop', 'db', [ready('p1')]).map((slice) => ({
        ...slice,
        endpoints: (slice['endpoints'] as readonly object[]).map((endpoint) => ({ ...endpoint, hostname })),
      }));
    await becomes(() => put(...named('first')), { [`first.${name}`]: both('p1') });
    await becomes(() => put(...named('second')), { [`second.${name}`]: both('p1'), [`first.${name}`]: 'NXDOMAIN' });
    expect(await ask(server, name)).toBe(both('p1'));
  });

  test('[DNS-118] namespaces and pods come and go', async () => {
    const inside = serviceIn('late', 'web', 4);
    put(inside);
    await becomes(() => put(namespaceObject('late')), {
      [`web.late.${zone}`]: addressesOf(4).cluster.IPv4,
      [`late.${zone}`]: 'NODATA',
    });
    await becomes(() => remove(namespaceObject('late')), { [`web.late.${zone}`]: 'NXDOMAIN', [`late.${zone}`]: 'NXDOMAIN' });
    const pod: ApiObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'lone', namespace: 'shop' },
      spec: { nodeName: 'node-2' },
      status: { phase: 'Running', podIP: '10.244.2.77', podIPs: [{ ip: '10.244.2.77' }] },
    };
    const name = '10-244-2-77.shop.pod.cluster.local';
    expect(await ask(server, name)).toBe('NXDOMAIN');
    await becomes(() => put(pod), { [name]: '10.244.2.77' });
    await becomes(() => remove(pod), { [name]: 'NXDOMAIN' });
  });

  test('[DNS-118] what is written beside names and addresses alters nothing', async () => {
    const [stable, marker] = [serviceIn('shop', 'stable', 5), serviceIn('shop', 'marker', 6)];
    await becomes(() => put(stable), { [`stable.shop.${zone}`]: addressesOf(5).cluster.IPv4 });
    const before = await ask(server, 'cluster.local', 'SOA');
    const other = serviceIn('shop', 'stable', 5, { annotations: { 'example.org/note': 'new' } });
    const load = await dns.startLoad(lab.place('c1'), server, `stable.shop.${zone}`);
    await becomes(
      () => {
        put(other);
        remove(other);
        put(other);
        put(other);
      },
      { [`stable.shop.${zone}`]: addressesOf(5).cluster.IPv4 },
    );
    await becomes(() => put(marker), { [`marker.shop.${zone}`]: addressesOf(6).cluster.IPv4 });
    expect(await ask(server, 'cluster.local', 'SOA')).not.toBe(before);
    const { lost } = await load.stop();
    expect(lost).toBe(0);
  });

  test('[DNS-117][DNS-120] the API server is gone: every answer as before; it is back with other objects: no answer turns negative meanwhile', async () => {
    put(serviceIn('shop', 'kept', 7), serviceIn('shop', 'leaves', 8), serviceIn('shop', 'pool', 9, { spec: headless }));
    const pool = slicesIn('shop', 'pool', [ready('p1')]);
    await becomes(() => put(...pool), { [`pool.shop.${zone}`]: address('p1') });
    const questions = [
      `kept.shop.${zone}`,
      `leaves.shop.${zone}`,
      `pool.shop.${zone}`,
      `10-244-1-10.pool.shop.${zone}`,
      `comes.shop.${zone}`,
      `nobody.${zone}`,
      'ok.test',
      '1.0.96.10.in-addr.arpa PTR',
      '7.0.96.10.in-addr.arpa PTR',
    ];
    const answers = async (): Promise<readonly string[]> =>
      Promise.all(questions.map((question) => ask(server, ...(question.split(' ') as [string, string?]))));
    const before = await answers();
    const loads = await Promise.all(
      [`kept.shop.${zone}`, `pool.shop.${zone}`].map((name) => dns.startLoad(lab.place('c1'), server, name)),
    );
    await dns.cluster.disconnect();
    await pollUntil('the agent to miss the server', async () =>
      agent.process.output.includes('WP_KUBE_UNREACHABLE') ? true : null,
    );
    expect(await answers()).toEqual(before);
    expect(await statusOf(lab.node1, 8181, '/ready')).toBe(200);
    remove(serviceIn('shop', 'leaves', 8));
    put(serviceIn('shop', 'comes', 11));
    // What happened meanwhile is forgotten: all has to be listed again, and slowly.
    dns.cluster.server.compact();
    dns.cluster.server.intercept = ({ collection }) =>
      collection === 'endpointslices' ? { kind: 'slow', pieceBytes: 300, pauseMs: 10 } : null;
    await dns.cluster.connect();
    let refused = 0;
    await pollUntil(
      'the new objects',
      async () => {
        if (/NXDOMAIN|NODATA|SERVFAIL/.test(await ask(server, `pool.shop.${zone}`))) refused += 1;
        const [gone, come] = [await ask(server, `leaves.shop.${zone}`), await ask(server, `comes.shop.${zone}`)];
        return gone === 'NXDOMAIN' && come === addressesOf(11).cluster.IPv4 ? true : null;
      },
      { timeoutMs: 20_000, everyMs: 2, explain: () => agent.process.output },
    );
    dns.cluster.server.intercept = () => null;
    expect(refused).toBe(0);
    const [kept, pooled] = await Promise.all(loads.map((load) => load.stop()));
    expect(kept).toEqual({ asked: kept?.asked, lost: 0, byAnswer: { [addressesOf(7).cluster.IPv4]: kept?.asked } });
    expect(pooled).toEqual({ asked: pooled?.asked, lost: 0, byAnswer: { [address('p1')]: pooled?.asked } });
    expect(kept?.asked).toBeGreaterThan(100);
  });
});
