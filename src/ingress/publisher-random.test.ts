import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientClasses } from '../model/mod.ts';
import type { Backend, Frontend, Pool, PortRange } from '../model/mod.ts';
import { draw, end, facts, port, requestOf, scene, shape } from './publisher.fixture.ts';
import type { EndShape, PortShape, Shape } from './publisher.fixture.ts';

const ports: fc.Arbitrary<readonly PortShape[]> = fc.uniqueArray(
  fc
    .record({ number: fc.integer({ min: 80, max: 86 }), target: fc.constantFrom(0, 0, 84, 8080, 8081), udp: fc.boolean() })
    .map(({ number, target, udp }) => port(number, { target: target === 0 ? number : target, protocol: udp ? 'UDP' : 'TCP' })),
  { selector: ({ name }) => name, minLength: 1, maxLength: 4 },
);

const ranges: fc.Arbitrary<readonly PortRange[]> = fc
  .option(fc.record({ first: fc.integer({ min: 78, max: 86 }), size: fc.nat(4) }), { freq: 2 })
  .map((found) => (found === null ? [] : [{ protocol: 'TCP', first: found.first, last: found.first + found.size }]));

const nodeNames = ['node-1', 'node-2', 'node-3'] as const;

const ends: fc.Arbitrary<readonly EndShape[]> = fc
  .array(
    fc.record({
      node: fc.constantFrom(...nodeNames, null),
      weight: fc.constantFrom(0, 1, 1, 3),
      missing: fc.constantFrom(null, 'tcp-80', 'udp-81'),
      odd: fc.constantFrom(null, null, 'tcp-82'),
    }),
    { maxLength: 5 },
  )
  .map((list) =>
    list.map(({ node, weight, missing, odd }, index) => {
      const targets = { ...(missing === null ? {} : { [missing]: null }), ...(odd === null ? {} : { [odd]: 9000 + index }) };
      return end(`10.244.0.${index + 1}`, node, { weight, targets });
    }),
  );

const services: fc.Arbitrary<Shape> = fc
  .record({
    index: fc.nat(5),
    ports,
    ranges,
    ends,
    vips: fc.subarray(['203.0.113.5', '203.0.113.6'], { minLength: 1 }),
    sticky: fc.boolean(),
    scope: fc.constantFrom('port', 'service'),
    mode: fc.constantFrom(null, 'mesh', 'local', 'dsr'),
    externalLocal: fc.boolean(),
    createdAt: fc.nat(2),
  })
  .map(({ index, ranges: portRanges, sticky, scope, mode, externalLocal, createdAt, ...rest }) =>
    shape({
      ...rest,
      name: `s${index}`,
      service: { createdAt, externalLocal, affinity: sticky ? { timeoutSeconds: 60 } : null },
      publishing: { affinityScope: scope, mode, portRanges },
    }),
  );

/** What a cluster of Services comes to, when each that was touched is published anew until nothing changes. */
function settle(history: readonly Shape[]): ReadonlyMap<string, readonly string[]> {
  const waiting = new Set<string>();
  const one = scene({ touch: (keys) => keys.forEach((key) => waiting.add(key)), settings: { limits } });
  const shapes = new Map<string, Shape>();
  const results = new Map<string, readonly string[]>();
  const publish = (of: Shape): void => void results.set(of.name, draw(one.publish(of)));
  for (const of of history) {
    shapes.set(of.name, of);
    publish(of);
  }
  for (let round = 0; waiting.size > 0; round += 1) {
    if (round > 50) throw new Error('Services touch each other for ever');
    const keys = [...waiting];
    waiting.clear();
    for (const key of keys) publish(shapes.get(key.replace('shop/', '')) ?? shape());
  }
  return new Map([...results].toSorted());
}

const limits = { portsPerService: 3, rangesPerService: 1, marksPerNamespace: 8 };

describe('any Services in any order', () => {
  const cluster = fc.uniqueArray(services, { selector: ({ name }) => name, minLength: 1, maxLength: 6 });

  it('[INGRESS-5] come to the same', () => {
    const histories = fc.record({
      wanted: cluster,
      before: fc.array(services, { maxLength: 6 }),
      seed: fc.infiniteStream(fc.nat()),
    });
    fc.assert(
      fc.property(histories, ({ wanted, before, seed }) => {
        const names = new Set(wanted.map(({ name }) => name));
        const past = before.filter(({ name }) => names.has(name));
        const shuffled = wanted.map((of) => ({ of, at: seed.next().value })).toSorted((a, b) => a.at - b.at);
        const other = shuffled.map(({ of }) => of);
        expect(settle([...past, ...other])).toEqual(settle(wanted));
      }),
      { numRuns: 120 },
    );
  });

  it('[INGRESS-5] never have one destination twice', () => {
    fc.assert(
      fc.property(cluster, (wanted) => {
        const one = scene();
        for (const of of wanted) one.publish(of);
        const taken = wanted.flatMap((of) =>
          one
            .publish(of)
            .filter(({ kind }) => kind === 'LoadBalancerIP')
            .map(spotOf),
        );
        expect(taken.filter((a) => taken.some((b) => a.service !== b.service && meet(a, b)))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('lead to back ends that the Service has, and never to an empty list', () => {
    fc.assert(
      fc.property(services, (of) => {
        const request = requestOf(of);
        const known = new Set(
          request.frontends.flatMap(poolsOf).flatMap(({ backends }) => backends.map(({ address }) => address)),
        );
        const made = scene().publisher.publish(request);
        expect(made.flatMap(poolsOf).filter(({ backends }) => backends.length === 0)).toEqual([]);
        const all = made.flatMap(poolsOf).flatMap(({ backends }) => backends);
        expect(all.filter(({ address, delivery }) => delivery === undefined && !known.has(address))).toEqual([]);
        expect(made.filter(({ publication }) => publication !== null).map(({ affinity }) => affinity)).not.toContainEqual(
          expect.anything(),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('have one list of back ends for each key of a pool, and one way of publishing for each group', () => {
    fc.assert(
      fc.property(services, (of) => {
        const made = scene().publish(of);
        expect(differing(made.flatMap(poolsOf).map(({ key, backends }) => [key, backends]))).toEqual([]);
        const groups = made.flatMap(({ publication, scheduler, routes }): [string, unknown][] => {
          if (publication === null) return [];
          const { lastPort: _last, rewritePort: _port, plain: _plain, ...shared } = publication;
          return [[publication.group, { ...shared, scheduler, routes }]];
        });
        expect(differing(groups)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('placement in mode dsr', () => {
  it('[INGRESS-39] [INGRESS-40] every node balances over the same nodes with the same weights', () => {
    fc.assert(
      fc.property(services, fc.integer({ min: 0, max: 5 }), (of, turn) => {
        const placed = of.ends.filter(({ node }) => node !== null);
        const direct = { ...of, ends: placed, publishing: { ...of.publishing, mode: 'dsr' as const } };
        const [first, ...others] = nodeNames.map((nodeName) => weightsSeen(direct, nodeName));
        // The order in which a node learns of back ends is no part of what it decides.
        const turned = weightsSeen({ ...direct, ends: [...placed.slice(turn), ...placed.slice(0, turn)] }, 'node-1');
        for (const seen of [...others, turned]) expect(seen).toEqual(first);
      }),
      { numRuns: 300 },
    );
  });

  it('[INGRESS-39] nodes without back ends of the Service hold exactly the same list', () => {
    fc.assert(
      fc.property(services, (of) => {
        const direct = {
          ...of,
          ends: of.ends.filter(({ node }) => node === 'node-1'),
          publishing: { ...of.publishing, mode: 'dsr' as const },
        };
        const [second, third] = ['node-2', 'node-3'].map((nodeName) => outsidePools(scene({ nodeName }).publish(direct)));
        expect(second).toEqual(third);
      }),
    );
  });
});

/** For each published frontend: node and weight of what clients outside are balanced over, sorted. */
function weightsSeen(of: Shape, nodeName: string): readonly string[] {
  const nodeAt = new Map([...(facts.nodes ?? [])].map(([name, { addresses }]) => [addresses[0], name]));
  return outsidePools(scene({ nodeName }).publish(of)).map(({ frontend, backends }) => {
    const weights = new Map<string, number>();
    for (const { address, weight, delivery } of backends) {
      const at = delivery === undefined ? nodeName : (nodeAt.get(address) ?? 'nowhere');
      weights.set(at, (weights.get(at) ?? 0) + weight);
    }
    return `${frontend} ${JSON.stringify([...weights].toSorted())}`;
  });
}

function outsidePools(
  frontends: readonly Frontend[],
): readonly { readonly frontend: string; readonly backends: readonly Backend[] }[] {
  return frontends
    .filter(({ kind }) => kind === 'LoadBalancerIP')
    .map(({ id, routes }) => ({
      frontend: id,
      backends: routes.outside.verdict === 'forward' ? routes.outside.pool.backends : [],
    }));
}

/** Keys that come with more than one value. */
function differing(entries: readonly (readonly [string, unknown])[]): readonly string[] {
  const seen = new Map<string, string>();
  return entries.flatMap(([key, value]) => {
    const text = JSON.stringify(value);
    const known = seen.get(key) ?? text;
    seen.set(key, known);
    return known === text ? [] : [key];
  });
}

function poolsOf({ routes }: Frontend): readonly Pool[] {
  return clientClasses.flatMap((client) => {
    const route = routes[client];
    return route.verdict === 'forward' ? [route.pool] : [];
  });
}

interface Spot {
  readonly service: string;
  readonly place: string;
  readonly first: number;
  readonly last: number;
}

function spotOf({ service, address, protocol, port: first, publication }: Frontend): Spot {
  return { service, place: `${protocol} ${address ?? '*'}`, first, last: publication?.lastPort ?? first };
}

function meet(a: Spot, b: Spot): boolean {
  return a.place === b.place && a.first <= b.last && b.first <= a.last;
}
