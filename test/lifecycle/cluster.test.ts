import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import type { SeenRequest } from '../api-server/fault.ts';
import { ready, service, slices } from '../packets/objects.ts';
import { createCluster, firstToken } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { expectAnswers } from './expect-answers.ts';
import { holdConnection, startLoad } from './held-connections.ts';
import { describeOwn, describeRules, differLines, ownCounters, readRules, resetRules } from './ruleset.ts';
import type { Ruleset } from './ruleset.ts';

const shop = service('shop', 1, { type: 'NodePort' });
const books = service('books', 2);
const later = service('later', 3);

describeWhere(await canMakeNamespaces(), 'the agent on an API server', () => {
  let lab: Lab;
  let cluster: Cluster;

  beforeAll(async () => {
    lab = await createLab();
    for (const name of ['p1', 'p2', 'q1']) await lab.place(name).listen(listenOnAll([8080]));
  });

  afterAll(() => lab?.close());

  beforeEach(async () => {
    await resetRules(lab, lab.node1, 'nft');
    cluster = await createCluster(lab.node1);
    cluster.put(shop.object, ...slices('shop', [ready('p1'), ready('q1')]), books.object, ...slices('books', [ready('p2')]));
  });

  afterEach(() => cluster?.[Symbol.asyncDispose]());

  const read = (): Promise<Ruleset> => readRules(lab, lab.node1, 'nft');
  const targetOf = (of: typeof shop) => ({ family: 'IPv4', destination: of.clusterIp.addresses.IPv4 ?? '', port: 80 }) as const;
  const expectFrom = (of: typeof shop, backends: readonly string[]): Promise<void> =>
    expectAnswers(lab.place('c1'), targetOf(of), backends);

  async function startHealthy(config: Readonly<Record<string, unknown>> = {}): Promise<RunningWaypost> {
    await cluster.connect();
    const agent = await cluster.startAgent({ iptables: { minSyncPeriod: '0s' }, ...config });
    await agent.waitHealthy();
    return agent;
  }

  /** Until each family's ClusterIPs are these Services' and no other, each with so many back ends, all Done. */
  async function waitServices(agent: RunningWaypost, backends: Readonly<Record<string, number>>): Promise<void> {
    const wanted = lab.families.flatMap((family) =>
      Object.entries(backends).map(([name, count]) => `${family} ${name} ${count}`),
    );
    await agent.waitRows(`the rows of ${JSON.stringify(backends)}`, (rows) => {
      const shown = rows
        .filter((row) => row.kind === 'ClusterIP')
        .map((row) => `${row.family} ${row.service.replace('default/', '')} ${row.backends}`);
      return [...new Set(shown)].toSorted().join() === wanted.toSorted().join();
    });
  }

  async function waitOutput(agent: RunningWaypost, text: string): Promise<void> {
    await pollUntil(`the agent to say ${text}`, async () => (agent.process.output.includes(text) ? true : null), {
      explain: () => agent.process.output,
    });
  }

  async function healthOf(path: '/healthz' | '/livez'): Promise<number | undefined> {
    const answer = await lab.node1.get(`http://127.0.0.1:10256${path}`).catch(() => null);
    return answer?.status;
  }

  test('Services of the API server answer packets, and changes follow', async () => {
    const agent = await startHealthy();
    await expectFrom(shop, ['p1', 'q1']);
    await expectFrom(books, ['p2']);
    await expectAnswers(lab.outside, { family: 'IPv4', destination: lab.node1.addresses.IPv4, port: shop.nodePort }, [
      'p1',
      'q1',
    ]);
    cluster.put(...slices('shop', [ready('p2')]), later.object, ...slices('later', [ready('p1')]));
    cluster.remove(books.object);
    await waitServices(agent, { shop: 1, later: 1 });
    await expectFrom(shop, ['p2']);
    await expectFrom(later, ['p1']);
    expect(describeOwn(await read())).not.toContain(`${targetOf(books).destination}/`);
    expect(cluster.server.requests.every((seen) => seen.token === firstToken)).toBe(true);
  });

  test('[SP-149] nothing is written before both lists are complete, however slow they are; then one full sync runs', async () => {
    const { server } = cluster;
    let passed = false;
    let refused = 0;
    server.intercept = ({ collection }: SeenRequest) => {
      if (collection !== 'endpointslices' || passed) return null;
      refused += 1;
      // Nothing, then half of it, then all of it drop by drop.
      if (refused === 1) return { kind: 'status', status: 500 };
      if (refused === 2) return { kind: 'cut', afterBytes: 700 };
      passed = true;
      return { kind: 'slow', pieceBytes: 200, pauseMs: 10 };
    };
    await cluster.connect();
    const agent = await cluster.startAgent({ logging: { verbosity: 4 } });
    let looks = 0;
    await pollUntil('the list of slices to be let through', async () => {
      const found = await read();
      // Asked for after the look: what was seen then was written without the slices.
      if (passed) return true;
      expect([...ownCounters(found).keys()]).toEqual([]);
      if (server.openWatches('services') > 0) looks += 1;
      return null;
    });
    expect(looks).toBeGreaterThan(5);
    await agent.waitHealthy();
    await expectFrom(shop, ['p1', 'q1']);
    const syncs = agent.process.output.split('\n').filter((line) => / (?:the first sync is complete|synced) /.test(line));
    expect(syncs).toHaveLength(lab.families.length);
    for (const line of syncs) expect(line).toContain(' services=2 ');
  });

  test('[SP-19] while the API server is away all stays as it is; when it is back with other objects they come without losing a connection', async () => {
    const agent = await startHealthy();
    const before = describeRules(await read());
    const held = await holdConnection(lab.place('c1'), targetOf(shop), ['p1', 'q1']);
    const load = await startLoad(lab.place('c1'), targetOf(shop));
    await cluster.disconnect();
    await waitOutput(agent, 'WP_KUBE_UNREACHABLE');
    expect(describeRules(await read())).toBe(before);
    expect([await healthOf('/healthz'), await healthOf('/livez')]).toEqual([200, 200]);
    await held.expectAlive('without an API server');
    await expectFrom(books, ['p2']);
    cluster.remove(books.object);
    cluster.put(later.object, ...slices('later', [ready('p2')]), ...slices('shop', [ready('p1'), ready('p2'), ready('q1')]));
    // The agent cannot simply resume: what happened meanwhile is forgotten.
    cluster.server.compact();
    await cluster.connect();
    await waitServices(agent, { shop: 3, later: 1 });
    await expectFrom(later, ['p2']);
    await expectFrom(shop, ['p1', 'p2', 'q1']);
    await held.expectAlive('after the API server came back');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.answered).toBeGreaterThan(20);
  });

  test.each(['event', 'status'] as const)(
    '[SP-20] a version that is too old (told by %s) is listed again without touching a rule',
    async (gone) => {
      const agent = await startHealthy();
      await expectFrom(shop, ['p1', 'q1']);
      const before = await read();
      const { server } = cluster;
      const listed = countLists(server.requests);
      server.gone = gone;
      server.compact();
      server.endWatches();
      await waitOutput(agent, 'WP_KUBE_EXPIRED');
      await pollUntil('all three to be listed again and watched', async () => {
        return countLists(server.requests) >= listed + 3 && server.openWatches() === 3 ? true : null;
      });
      // A marker that comes after whatever the lists would have changed.
      cluster.put(later.object, ...slices('later', [ready('p2')]));
      await waitServices(agent, { shop: 2, books: 1, later: 1 });
      const after = ownCounters(await read());
      const lost = [...ownCounters(before)].filter(([rule, packets]) => (after.get(rule) ?? -1) < packets);
      // Chains that the new Service's neighbours share are edited, not written anew.
      expect(lost).toEqual([]);
    },
  );

  test('watches that break in the middle of a line are resumed, and nothing is lost', async () => {
    const agent = await startHealthy();
    const { server } = cluster;
    const listed = countLists(server.requests);
    server.resetWatches('{"type":"MODIFIED","object":{"kind":"Serv');
    cluster.put(later.object, ...slices('later', [ready('p2')]));
    await waitServices(agent, { shop: 2, books: 1, later: 1 });
    await expectFrom(later, ['p2']);
    expect(countLists(server.requests)).toBe(listed);
  });

  test('[SP-3] the label service-proxy-name on a live Service removes its rules, and only those; without it they are back', async () => {
    const agent = await startHealthy();
    const before = describeOwn(await read());
    const labelled = service('shop', 1, { type: 'NodePort', labels: { 'service.kubernetes.io/service-proxy-name': '' } });
    cluster.put(labelled.object);
    await waitServices(agent, { books: 1 });
    expect(describeOwn(await read())).not.toContain(`${targetOf(shop).destination}/`);
    await expectFrom(books, ['p2']);
    cluster.put(shop.object);
    await waitServices(agent, { shop: 2, books: 1 });
    expect(differLines(before, describeOwn(await read()))).toBe('');
    await expectFrom(shop, ['p1', 'q1']);
  });

  test('an API server that cannot be reached at the start, then fails, then works: the agent waits, says so and comes up', async () => {
    const agent = await cluster.startAgent();
    await waitOutput(agent, 'WP_KUBE_UNREACHABLE');
    expect(agent.process.output).toContain('127.0.0.1:6443');
    // Not ready for a load balancer's traffic, but nothing a restart would cure.
    expect([await healthOf('/healthz'), await healthOf('/livez')]).toEqual([503, 200]);
    expect([...ownCounters(await read()).keys()]).toEqual([]);
    let failures = 3;
    cluster.server.intercept = () => {
      failures -= 1;
      return failures >= 0 ? { kind: 'status', status: 500 } : null;
    };
    await cluster.connect();
    await agent.waitHealthy();
    expect(failures).toBeLessThan(0);
    await expectFrom(shop, ['p1', 'q1']);
  });

  test('an expired token: rules stay, the agent says so, and a rotated token file brings it back', async () => {
    const agent = await startHealthy();
    const before = describeRules(await read());
    const { server } = cluster;
    server.tokens = new Set(['second-token']);
    server.resetWatches();
    await waitOutput(agent, 'WP_KUBE_UNAUTHORIZED');
    expect(describeRules(await read())).toBe(before);
    await expectFrom(shop, ['p1', 'q1']);
    await cluster.writeToken('second-token');
    cluster.put(later.object, ...slices('later', [ready('p2')]));
    await waitServices(agent, { shop: 2, books: 1, later: 1 });
    await expectFrom(later, ['p2']);
  });
});

/** Lists of either kind: in pages, or as the beginning of a watch (KEP-3157). */
function countLists(requests: readonly SeenRequest[]): number {
  return requests.filter(({ verb, query }) => verb === 'stream' || (verb === 'list' && query['continue'] === undefined)).length;
}
