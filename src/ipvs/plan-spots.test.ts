import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Spots } from './plan-spots.ts';
import { spotOf, targetOf } from './target.ts';
import { frontendsOf, plainShape } from './wish.fixture.ts';

const steps = fc.array(fc.record({ service: fc.constantFrom('ns/a', 'ns/b', 'ns/c'), numbers: fc.uniqueArray(fc.nat(3)) }), {
  maxLength: 20,
});

function frontends(numbers: readonly number[]): ReturnType<typeof frontendsOf> {
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
        const affected = spots.claim(service, frontends(numbers));
        for (const number of [0, 1, 2, 3]) {
          const [was, is] = [before.get(number) ?? null, ownerOf(wanted, number)];
          const [frontend] = frontends([number]);
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

test('a spot is written as a server’s address is', () => {
  expect(spotOf({ address: null, protocol: 'UDP', port: 53 })).toBe('UDP *:53');
  expect(frontendsOf(plainShape, 'IPv6').map(spotOf)).toEqual(['TCP [fd00:10:96::1]:80']);
});
