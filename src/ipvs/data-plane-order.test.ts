import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { families } from '../model/mod.ts';
import type { Address, Family, Frontend } from '../model/mod.ts';
import { applyFrontends, createNode, startWorld } from './data-plane.fixture.ts';
import type { FakeNode } from './data-plane.fixture.ts';
import { publishedFrontends, publishedShapes } from './publications.fixture.ts';
import type { PublishedShape } from './publications.fixture.ts';
import type { IpvsOptions } from './settings.ts';
import { overlaps, rewriteTarget, targetOf } from './target.ts';
import { traceNode } from './tracer.fixture.ts';
import type { TracedEnd, TracedPacket } from './tracer.fixture.ts';
import { serverKeyText } from './virtual-server.ts';
import { addressOf, frontendsOf, nodeAddress, podAddress, shapes } from './wish.fixture.ts';
import type { Shape } from './wish.fixture.ts';

/** A node that calls back after each single thing that is done to it. */
function watchNode(node: FakeNode, seen: () => Promise<void>): FakeNode {
  const after = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    await seen();
    return result;
  };
  return {
    ...node,
    servers: {
      ...node.servers,
      async apply(operations) {
        const verdicts = [];
        for (const operation of operations) verdicts.push(...(await after(node.servers.apply([operation]))).verdicts);
        return { verdicts, bytes: 0, messages: operations.length };
      },
    },
    side: new Proxy(node.side, {
      get: (side, name) => {
        if (name === 'apply') return (change: Parameters<typeof side.apply>[0]) => after(side.apply(change));
        const value: unknown = Reflect.get(side, name);
        return typeof value === 'function' ? value.bind(side) : value;
      },
    }),
    routes: new Proxy(node.routes, {
      get: (routes, name) => {
        if (name === 'changeRoutes')
          return (...args: Parameters<typeof routes.changeRoutes>) => after(routes.changeRoutes(...args));
        if (name === 'changeRules') return (...args: Parameters<typeof routes.changeRules>) => after(routes.changeRules(...args));
        const value: unknown = Reflect.get(routes, name);
        return typeof value === 'function' ? value.bind(routes) : value;
      },
    }),
  };
}

/** Packets to all that the frontends serve, from a pod, the node and outside. */
function packetsTo(frontends: readonly Frontend[], family: Family): TracedPacket[] {
  const outside = addressOf(family === 'IPv4' ? '203.0.113.9' : '2001:db8:113::9');
  const senders: readonly (readonly [Address, string | null])[] = [
    [podAddress(77, family), 'pod-x'],
    [podAddress(3, family), 'pod-3'],
    [nodeAddress(family), null],
    [outside, 'eth0'],
  ];
  return frontends.flatMap(({ address, protocol, port, publication }) =>
    [...new Set([port, publication?.lastPort ?? port])].flatMap((one) =>
      senders.map(([source, inInterface]) => {
        return { family, source, destination: address ?? nodeAddress(family), protocol, port: one, inInterface };
      }),
    ),
  );
}

/** Everything that can become of each packet, as texts. */
async function traceAll(
  { servers, side, routes }: FakeNode,
  packets: readonly TracedPacket[],
  family: Family,
): Promise<Set<string>[]> {
  const [listed, ways, rules] = [await servers.list(), await routes.listRoutes(null), await routes.listRules()];
  const { settings, entries } = side;
  if (!listed.ok || !ways.ok || !rules.ok || settings === null) throw new Error('a fake without faults failed');
  const node = {
    entries,
    settings,
    servers: new Map(listed.value.map((server) => [serverKeyText(server.key), server])),
    routes: ways.value,
    rules: rules.value,
    localAddresses: new Set([nodeAddress(family)]),
  };
  return packets.map((packet) => new Set(traceNode(node, packet).flatMap(factsOf)));
}

const none: ReadonlySet<string> = new Set();

/** Where a packet is forwarded to and whether its source is rewritten are two facts: a change may mix them on its way. */
function factsOf(end: TracedEnd): string[] {
  if (end.verdict !== 'forward') return [end.verdict];
  return [`to ${end.address}:${end.port}`, end.masquerade ? 'masqueraded' : 'as it is'];
}

const refusals = new Set(['reject', 'drop', 'leaves']);

/**
 * What must not be met on the way from one set of facts to another. Where both forward everything, only that. Where one
 * does not, packets may be refused or pass by for a moment, but none goes to a back end, or with a source, that neither
 * knows, and none to a socket of the node. `places`: all back ends of the destination, before or afterwards, for the pools
 * of a Service and who is sent to which may change at once.
 */
function findOdd(
  facts: ReadonlySet<string>,
  start: ReadonlySet<string>,
  end: ReadonlySet<string>,
  places: ReadonlySet<string>,
): string[] {
  const known = start.union(end);
  const steady = known.isDisjointFrom(refusals) && !known.has('local');
  return [...facts].filter((fact) => !known.has(fact) && !places.has(fact) && (steady || !refusals.has(fact)));
}

/** The back ends of the Services that serve the destination of each packet, before or afterwards. */
function placesOf(packets: readonly TracedPacket[], frontends: readonly Frontend[], family: Family): ReadonlySet<string>[] {
  return packets.map(({ destination, protocol, port }) => {
    const asked = { address: destination, protocol, port };
    const serving = frontends.filter((one) =>
      [targetOf(one), rewriteTarget(one) ?? targetOf(one)].some((target) =>
        overlaps({ ...target, address: target.address ?? nodeAddress(family) }, asked),
      ),
    );
    // An address may be new where a server is not: until the change is through, it holds what the Service had before.
    const services = new Set(serving.map(({ service }) => service));
    const ports = new Set([port, ...serving.map((one) => rewriteTarget(one)?.port ?? port)]);
    const routes = frontends.filter(({ service }) => services.has(service)).flatMap((one) => Object.values(one.routes));
    const pools = routes.flatMap((route) => (route.verdict === 'forward' ? [route.pool] : []));
    return new Set(
      pools.flatMap(({ backends }) =>
        backends.flatMap((backend) =>
          (backend.port === 0 ? [...ports] : [backend.port]).map((one) => `to ${backend.address}:${one}`),
        ),
      ),
    );
  });
}

type Services = Readonly<Record<string, readonly Frontend[]>>;

function plainServices(list: readonly Shape[], family: Family): Services {
  return Object.fromEntries(list.map((shape) => [`ns/${shape.name}`, frontendsOf(shape, family)]));
}

function publishedServices(list: readonly PublishedShape[], family: Family): Services {
  return Object.fromEntries(list.map((shape) => [`ns/${shape.name}`, publishedFrontends(shape, family)]));
}

/** Makes a change, watches every state in between, and gives what packets should not have met. */
async function watchChange(
  family: Family,
  more: Partial<IpvsOptions>,
  before: Services,
  after: Services,
): Promise<readonly unknown[]> {
  const kernel = createNode(family);
  const published = [before, after].flatMap((one) => Object.values(one).flat());
  const frontends = published.flatMap((one) => [one, ...(one.publication?.plain ? [one.publication.plain] : [])]);
  const packets = packetsTo(published, family);
  const states: Set<string>[][] = [];
  let watching = false;
  const watched = watchNode(kernel, async () => {
    if (watching) states.push(await traceAll(kernel, packets, family));
  });
  const world = startWorld(family, more, watched);
  await applyFrontends(world, before, true);
  const first = await traceAll(kernel, packets, family);
  watching = true;
  expect(await applyFrontends(world, after, true)).toMatchObject({ problem: null, failed: new Map() });
  const last = await traceAll(kernel, packets, family);
  const places = placesOf(packets, frontends, family);
  return states.flatMap((state) =>
    state.flatMap((ends, at) => {
      const [start, end] = [first[at] ?? none, last[at] ?? none];
      const odd = findOdd(ends, start, end, places[at] ?? none);
      return odd.length === 0 ? [] : [{ packet: packets[at], start, end, ends, odd }];
    }),
  );
}

const options: readonly (readonly [string, Partial<IpvsOptions>])[] = [
  ['with service ranges', {}],
  ['without service ranges', { serviceCidrs: [] }],
];

describe.each(families)('the order of a change, %s', (family) => {
  test.each(options)(
    '%s no packet goes on the way where it went neither before nor afterwards, and no hole opens',
    async (_, more) => {
      expect.hasAssertions();
      const lists = fc.array(shapes, { minLength: 1, maxLength: 2 }).map((list) => plainServices(list, family));
      await fc.assert(
        fc.asyncProperty(lists, lists, async (before, after) => {
          expect(await watchChange(family, more, before, after)).toEqual([]);
        }),
        { numRuns: 25 },
      );
    },
  );

  test('[INGRESS-43] nor does a packet to what is published', async () => {
    expect.hasAssertions();
    const lists = fc.array(publishedShapes, { maxLength: 2 }).map((list) => publishedServices(list, family));
    await fc.assert(
      fc.asyncProperty(lists, lists, async (before, after) => {
        expect(await watchChange(family, {}, before, after)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
