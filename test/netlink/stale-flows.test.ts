import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import {
  canMakeNamespaces,
  createLab,
  createTemporaryFolder,
  kernelFamilies,
  listenOnAll,
  pollUntil,
  startWaypost,
  writeManifest,
} from '../lab/mod.ts';
import type { Lab, Place, RunningWaypost } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { nodeObject, ready, service, slices, terminating } from '../packets/objects.ts';
import { insert, readTable } from './table.ts';
import type { Entry } from './table.ts';

const number = 7;
const echo = service('echo', number, { type: 'LoadBalancer', external: true });
const nodePort = echo.nodePort;

/** Where a client may send to, and from where it does. */
function frontends(lab: Lab, family: Family): readonly { readonly from: Place; readonly to: string; readonly port: number }[] {
  const outside = lab.outside;
  return [
    { from: lab.place('c1'), to: echo.clusterIp.addresses[family] ?? '', port: 80 },
    { from: outside, to: lab.node1.addresses[family], port: nodePort },
    { from: outside, to: echo.externalIp.addresses[family] ?? '', port: 80 },
    { from: outside, to: echo.loadBalancerIp.addresses[family] ?? '', port: 80 },
  ];
}

describeWhere(await canMakeNamespaces(), 'UDP flows that a change has left behind', () => {
  let lab: Lab;
  let folder: TemporaryFolder;
  let manifests: string;
  let agent: RunningWaypost;

  beforeAll(async () => {
    lab = await createLab({ podsOnNode1: ['c1', 'p1', 'p2'], podsOnNode2: [] });
    await Promise.all(['p1', 'p2'].map((pod) => lab.place(pod).listen(listenOnAll([8080]))));
    await lab.gateway.listen(listenOnAll([nodePort]));
  });
  afterAll(() => lab?.close());

  beforeEach(async () => {
    folder = await createTemporaryFolder('waypost-flows-');
    manifests = join(folder.path, 'manifests');
    await mkdir(manifests);
    await writeManifest(manifests, 'node.json', [nodeObject()]);
    await lab.flushConntrack();
  });
  afterEach(async () => {
    await agent?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  const start = async (): Promise<void> => void (agent = await startWaypost(lab.node1, { manifests }));
  const serve = (): Promise<void> => writeManifest(manifests, 'service.json', [echo.object]);
  const back = (...pods: readonly Parameters<typeof slices>[1][number][]): Promise<void> =>
    writeManifest(manifests, 'slices.json', [...slices('echo', pods)]);

  /** A client socket with a port of its own that got an answer from the pod. */
  async function open(protocol: 'UDP' | 'TCP', family: Family, from: Place, to: string, port: number, sourcePort: number) {
    const target = { family, protocol, destination: to, port, timeoutMs: 4000, sourcePort } as const;
    const { connection, attempt } = await from.ask({ op: 'open', ...target });
    expect(attempt.verdict).toBe('answered');
    const ask = (): Promise<typeof attempt> => from.ask({ op: 'ping', connection, timeoutMs: 1000 });
    return { first: attempt.answer?.backend, ask, close: () => from.ask({ op: 'close', connection }) };
  }

  const says = (client: Awaited<ReturnType<typeof open>>, wanted: string) => async (): Promise<true | null> => {
    const attempt = await client.ask();
    return (attempt.answer?.backend ?? attempt.verdict) === wanted ? true : null;
  };
  const udpEntries = async (family: Family, port: number): Promise<Entry[]> =>
    (await readTable(lab.node1, family)).filter((entry) => entry.protocol === 'udp' && entry.destinationPort === port);
  const gone = (family: Family, port: number, id: number): Promise<true> =>
    pollUntil('the stale entry to go', async () =>
      (await udpEntries(family, port)).some((entry) => entry.id === id) ? null : true,
    );

  test.each(kernelFamilies())(
    '[SP-107] [SP-109] clients with fixed source ports follow to a new endpoint through every kind of frontend: %s',
    async (family) => {
      await serve();
      await back(ready('p1'));
      await start();
      const firstPort = family === 'IPv4' ? 46_000 : 46_050;
      const clients = await Promise.all(
        frontends(lab, family).map(({ from, to, port }, index) => open('UDP', family, from, to, port, firstPort + index)),
      );
      expect(clients.map(({ first }) => first)).toEqual(['p1', 'p1', 'p1', 'p1']);
      // p1 goes on listening: only the deletion of the entry takes a flow away from it.
      await back(ready('p2'));
      for (const client of clients) await pollUntil('the flow to move', says(client, 'p2'));
      await back();
      for (const client of clients.slice(0, 2)) await pollUntil('the flow to be refused', says(client, 'refused'));
      for (const client of clients) await client.close();
    },
  );

  test.each(kernelFamilies())(
    '[SP-108] a flow that began while there was no endpoint is answered by the first one: %s',
    async (family) => {
      await serve();
      await back();
      await start();
      const c1 = lab.place('c1');
      const to = echo.clusterIp.addresses[family] ?? '';
      // As left behind by a packet that passed before the rules were there.
      await insert(lab.node1, { protocol: 'udp', from: [c1.addresses[family], 46_100], to: [to, 80] });
      const [entry] = await udpEntries(family, 80);
      expect(entry).toMatchObject({ replySource: to, replySourcePort: 80 });
      await back(ready('p1'));
      await gone(family, 80, entry?.id ?? 0);
      const client = await open('UDP', family, c1, to, 80, 46_100);
      expect(client.first).toBe('p1');
      await client.close();
    },
  );

  test('[SP-108] a flow that began before there was a Service moves without a change of any endpoint', async () => {
    await back(ready('p1'));
    await start();
    const c1 = lab.place('c1');
    const target = {
      family: 'IPv4',
      protocol: 'UDP',
      destination: '10.96.0.7',
      port: 80,
      timeoutMs: 200,
      sourcePort: 46_150,
    } as const;
    const [lost] = await c1.connect(target);
    expect(lost?.verdict).not.toBe('answered');
    expect(await udpEntries('IPv4', 80)).toHaveLength(1);
    await serve();
    await pollUntil('the client to be answered', async () => {
      const [attempt] = await c1.connect(target);
      return attempt?.answer?.backend === 'p1' ? true : null;
    });
  });

  test('changes of the Service alone: a frontend that went, then the whole Service', async () => {
    await serve();
    await back(ready('p1'));
    await start();
    const [c1, outside] = [lab.place('c1'), lab.outside];
    const inside = await open('UDP', 'IPv4', c1, '10.96.0.7', 80, 46_200);
    const external = await open('UDP', 'IPv4', outside, echo.externalIp.addresses.IPv4 ?? '', 80, 46_201);
    const before = await udpEntries('IPv4', 80);
    const idTo = (to: string): number => before.find(({ destination }) => destination === to)?.id ?? 0;
    await writeManifest(manifests, 'service.json', [service('echo', number, { type: 'LoadBalancer' }).object]);
    await gone('IPv4', 80, idTo('198.51.100.7'));
    expect((await udpEntries('IPv4', 80)).map(({ id }) => id)).toEqual([idTo('10.96.0.7')]);
    await rm(join(manifests, 'service.json'));
    await gone('IPv4', 80, idTo('10.96.0.7'));
    await Promise.all([inside.close(), external.close()]);
  });

  test('[SP-110] restart and scaling leave flows to valid endpoints alone; so does an endpoint that terminates but serves', async () => {
    await serve();
    await back(ready('p1'));
    await start();
    const client = await open('UDP', 'IPv4', lab.place('c1'), '10.96.0.7', 80, 46_300);
    const [before] = await udpEntries('IPv4', 80);
    await back(ready('p1'), ready('p2'));
    await agent.waitRows('both endpoints', (rows) => rows.some(({ backends }) => backends === 2));
    await agent.stop();
    await start();
    await back(terminating('p1'), ready('p2'));
    await agent.waitRows('one ready endpoint', (rows) => rows.some(({ backends }) => backends === 1));
    // A stale neighbour shows that the pass after the last change has been over the table.
    await insert(lab.node1, { protocol: 'udp', from: ['10.244.1.99', 1], to: ['10.96.0.7', 80], replier: ['10.244.1.98', 8080] });
    const stale = (await udpEntries('IPv4', 80)).find(({ source }) => source === '10.244.1.99');
    await back(terminating('p1'), ready('p2'), ready('c1'));
    await gone('IPv4', 80, stale?.id ?? 0);
    expect((await udpEntries('IPv4', 80)).map(({ id }) => id)).toEqual([before?.id]);
    expect((await client.ask()).answer?.backend).toBe('p1');
    await client.close();
  });

  test('[SP-111] TCP and SCTP entries stay, and so does a foreign UDP flow that shares the port number of a node port', async () => {
    await serve();
    await back(ready('p1'));
    await start();
    const c1 = lab.place('c1');
    const tcp = await open('TCP', 'IPv4', c1, '10.96.0.7', 80, 46_400);
    const foreign = await open('UDP', 'IPv4', c1, lab.gateway.addresses.IPv4, nodePort, 46_401);
    expect(foreign.first).toBe('gateway');
    const node = await open('UDP', 'IPv4', lab.outside, lab.node1.addresses.IPv4, nodePort, 46_402);
    await insert(lab.node1, {
      protocol: 'sctp',
      from: ['10.244.1.99', 1],
      to: ['10.96.0.7', 80],
      replier: ['10.244.1.98', 8080],
    });
    const ids = async (): Promise<number[]> =>
      (await readTable(lab.node1, 'IPv4'))
        .filter(({ protocol, destination }) => protocol !== 'udp' || destination === lab.gateway.addresses.IPv4)
        .filter(({ sourcePort }) => [46_400, 46_401, 1].includes(sourcePort))
        .map(({ id }) => id)
        .toSorted();
    const before = await ids();
    expect(before).toHaveLength(3);
    await back(ready('p2'));
    await pollUntil('the node-port flow to move', says(node, 'p2'));
    expect(await ids()).toEqual(before);
    expect((await tcp.ask()).answer?.backend).toBe('p1');
    expect((await foreign.ask()).answer?.backend).toBe('gateway');
    await Promise.all([tcp, foreign, node].map((each) => each.close()));
  });
});
