import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReverseIndex } from './reverse-index.ts';
import type { RawAddress } from './zone-address.ts';

interface Owner {
  readonly name: string;
  readonly addresses: Set<RawAddress>;
}

const anAddress = fc.constantFrom(
  ...Array.from({ length: 200 }, (_, index) => `\u000a\u0000\u0000${String.fromCharCode(index)}`),
);
const step = fc.record({ owner: fc.nat({ max: 9 }), address: anAddress });

describe('ReverseIndex', () => {
  it('[DNS-66] knows every owner of every address after any adding and removing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
        const owners: readonly Owner[] = Array.from({ length: 10 }, (_, index) => ({
          name: `owner ${index}`,
          addresses: new Set(),
        }));
        const index = new ReverseIndex<Owner>();
        for (const { owner: number, address } of steps) {
          const owner = owners[number];
          if (owner === undefined) continue;
          if (owner.addresses.delete(address)) index.remove(address, owner);
          else {
            owner.addresses.add(address);
            index.add(address, owner);
          }
        }
        expect(index.size).toBe(owners.reduce((sum, { addresses }) => sum + addresses.size, 0));
        for (const { address } of steps) {
          const holders = owners.filter((owner) => owner.addresses.has(address));
          expect(
            index
              .candidates(address)
              .filter((owner) => owner.addresses.has(address))
              .toSorted(byName),
          ).toEqual(holders);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('names an owner once, and nobody for an address that nobody has', () => {
    const index = new ReverseIndex<Owner>();
    const owner = { name: 'a', addresses: new Set<RawAddress>() };
    index.add('\u0001\u0002\u0003\u0004', owner);
    index.add('\u0001\u0002\u0003\u0004', owner);
    index.remove('\u0001\u0002\u0003\u0005', owner);
    expect(index.candidates('\u0001\u0002\u0003\u0004')).toEqual([owner]);
    expect(index.candidates('\u0001\u0002\u0003\u0005')).toEqual([]);
  });

  it('[DNS-66] one address of a thousand owners keeps them all', () => {
    const index = new ReverseIndex<Owner>();
    const owners = Array.from({ length: 1000 }, (_, number) => ({ name: String(number), addresses: new Set<RawAddress>() }));
    for (const owner of owners) index.add('\u0001\u0001\u0001\u0001', owner);
    for (const owner of owners.slice(0, 500)) index.remove('\u0001\u0001\u0001\u0001', owner);
    expect(new Set(index.candidates('\u0001\u0001\u0001\u0001'))).toEqual(new Set(owners.slice(500)));
  });
});

function byName(a: Owner, b: Owner): number {
  return a.name < b.name ? -1 : 1;
}
