import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frontend } from '../model/mod.ts';
import { Spots } from './plan-spots.ts';
import { publishedFrontends, publishedShape } from './publications.fixture.ts';
import { overlaps, rewriteTarget, spotOf, targetOf } from './target.ts';
import { frontendsOf, plainShape } from './wish.fixture.ts';

const steps = fc.array(fc.record({ service: fc.constantFrom('ns/a', 'ns/b', 'ns/c'), numbers: fc.uniqueArray(fc.nat(3)) }), {
  maxLength: 20,
});

function numbered(numbers: readonly number[]): ReturnType<typeof frontendsOf> {
  return numbers.flatMap((number) => frontendsOf({ ...plainShape, number }));
}

test('the first by name has each spot, and everybody whose spots changed hands is named', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const spots = new Spots();
      const wanted = new Map<string, readonly number[]>();
      for (const { service, numbers } of list) {
        const before = new Map([0, 1, 2, 3].map((number) => [number, ownerOf(wanted, number)]));
        wanted.set(service, numbers);
        const affected = spots.claim(service, numbered(numbers));
        for (const number of [0, 1, 2, 3]) {
          const [was, is] = [before.get(number) ?? null, ownerOf(wanted, number)];
          const [frontend] = numbered([number]);
          if (frontend === undefined) throw new Error('a shape without frontends');
          expect(spots.ownerOf(targetOf(frontend))).toBe(is);
          const others = was === is ? [] : [was, is].filter((one) => one !== null && one !== service);
          for (const other of others) expect(affected).toContain(other);
        }
        for (const [name, own] of wanted) {
          expect(spots.denied(name)).toHaveLength(own.filter((number) => ownerOf(wanted, number) !== name).length);
        }
      }
    }),
  );
});

function ownerOf(wanted: ReadonlyMap<string, readonly number[]>, number: number): string | null {
  return [...wanted].flatMap(([service, numbers]) => (numbers.includes(number) ? [service] : [])).toSorted()[0] ?? null;
}

interface Ask {
  readonly service: string;
  readonly created: number;
  readonly spans: readonly { readonly port: number; readonly size: number; readonly to: number }[];
}

const asks: fc.Arbitrary<Ask> = fc.record({
  service: fc.constantFrom('ns/a', 'ns/b', 'ns/c', 'ns/d'),
  created: fc.nat(3),
  spans: fc.uniqueArray(fc.record({ port: fc.nat(9), size: fc.constantFrom(0, 0, 0, 2, 5), to: fc.constantFrom(0, 0, 3, 7) }), {
    maxLength: 3,
    selector: ({ port }) => port,
  }),
});

function framed({ service, created, spans }: Ask): Frontend[] {
  const [frontend] = publishedFrontends(publishedShape);
  if (frontend === undefined || frontend.publication === null) throw new Error('a shape without a publication');
  const { publication } = frontend;
  return spans.map(({ port, size, to }) => ({
    ...frontend,
    service,
    port: 100 + port,
    precedence: String(created),
    publication: { ...publication, lastPort: 100 + port + size, rewritePort: size === 0 && to > 0 ? 100 + to : null },
  }));
}

/** One after the other by precedence, ports of clients before ports that packets are rewritten to. */
function modelOwners(wanted: ReadonlyMap<string, readonly Frontend[]>): Map<string, string> {
  const claims = [...wanted].flatMap(([service, frontends]) =>
    frontends.flatMap((one) => {
      const rewritten = rewriteTarget(one);
      const asked = [{ service, rank: `0 ${one.precedence} ${service}`, target: targetOf(one) }];
      return rewritten === null ? asked : [...asked, { service, rank: `1 ${one.precedence} ${service}`, target: rewritten }];
    }),
  );
  const winners: typeof claims = [];
  for (const claim of claims.toSorted((a, b) => (a.rank < b.rank ? -1 : 1))) {
    const isTaken = winners.some((one) => one.service !== claim.service && overlaps(one.target, claim.target));
    if (!isTaken) winners.push(claim);
  }
  return new Map(winners.map(({ target, service }) => [spotOf(target), service]));
}

test('[INGRESS-5] of Services with ports in common the older one has all of its spot, and everybody whose spots changed hands is named', () => {
  fc.assert(
    fc.property(fc.array(asks, { maxLength: 12 }), (list) => {
      const spots = new Spots();
      const wanted = new Map<string, readonly Frontend[]>();
      for (const ask of list) {
        const before = modelOwners(wanted);
        wanted.set(ask.service, framed(ask));
        const affected = spots.claim(ask.service, framed(ask));
        const after = modelOwners(wanted);
        for (const frontend of [...wanted.values()].flat()) {
          for (const target of [targetOf(frontend), rewriteTarget(frontend) ?? targetOf(frontend)]) {
            expect(spots.ownerOf(target)).toBe(after.get(spotOf(target)) ?? null);
          }
        }
        for (const spot of new Set([...before.keys(), ...after.keys()])) {
          if (before.get(spot) === after.get(spot)) continue;
          const others = [before.get(spot), after.get(spot)].filter((one) => one !== undefined && one !== ask.service);
          for (const other of others) expect(affected).toContain(other);
        }
        expect(affected).not.toContain(ask.service);
      }
      for (const [service, frontends] of wanted) {
        const after = modelOwners(wanted);
        const asked = frontends.flatMap((one) => [targetOf(one), rewriteTarget(one) ?? targetOf(one)]).map(spotOf);
        const denied = new Set(asked.filter((spot) => after.get(spot) !== service));
        expect(new Set(spots.denied(service).map(({ spot }) => spot))).toEqual(denied);
      }
    }),
    { numRuns: 300 },
  );
});

test('a port is held by whoever has it, alone or in a range', () => {
  const spots = new Spots();
  spots.claim('ns/a', framed({ service: 'ns/a', created: 1, spans: [{ port: 2, size: 5, to: 0 }] }));
  const { address, protocol } = framed({ service: 'ns/a', created: 1, spans: [{ port: 0, size: 0, to: 0 }] })[0] ?? {
    address: null,
    protocol: 'TCP',
  };
  expect(spots.holderOf({ address, protocol, port: 104 })).toBe('ns/a');
  expect(spots.holderOf({ address, protocol, port: 90, lastPort: 102 })).toBe('ns/a');
  expect(spots.holderOf({ address, protocol, port: 108 })).toBeNull();
  spots.claim('ns/a', []);
  expect(spots.holderOf({ address, protocol, port: 104 })).toBeNull();
});

test('a spot is written as a server’s address is', () => {
  expect(spotOf({ address: null, protocol: 'UDP', port: 53 })).toBe('UDP *:53');
  expect(spotOf({ address: null, protocol: 'UDP', port: 53, lastPort: 60 })).toBe('UDP *:53-60');
  expect(frontendsOf(plainShape, 'IPv6').map(spotOf)).toEqual(['TCP [fd00:10:96::1]:80']);
});
