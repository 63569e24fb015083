import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../model/mod.ts';
import type { Address, Protocol } from '../model/mod.ts';
import { DispatchTree } from './dispatch-tree.ts';
import type { DispatchEntry } from './dispatch-tree.ts';

function entry(id: number, address: Address | null, port: number, protocol: Protocol = 'TCP'): DispatchEntry {
  return { id: `${id}`, owner: `ns/${id}`, address, protocol, port, rules: [`rule-${id}`] };
}

function v4(number: number): Address {
  return formatAddress(Uint8Array.from([10, 96, (number >> 8) & 255, number & 255]));
}

function byAddress(): DispatchTree {
  return new DispatchTree({ root: 'ROOT', childPrefix: 'B-', by: 'address and port' });
}

function contents(tree: DispatchTree): Record<string, string[]> {
  return Object.fromEntries(
    [...tree.chains()].toSorted().map((chain) => [chain, (tree.rulesOf(chain) ?? []).map((rule) => rule.text)]),
  );
}

const entries = fc.uniqueArray(
  fc.record({
    id: fc.nat(5000),
    // Few distinct low bits, so that deep splits happen.
    number: fc.oneof(fc.nat(0xffff), fc.constantFrom(0x0101, 0x0111, 0x0201)),
    port: fc.integer({ min: 1, max: 65535 }),
    protocol: fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP'),
  }),
  { selector: (one) => one.id, minLength: 0, maxLength: 400, size: 'max' },
);

describe('dispatch tree', () => {
  test('few entries stay in the root chain, in the order of their ids', () => {
    const tree = byAddress();
    tree.update([], [entry(2, v4(2), 80), entry(1, v4(1), 80)]);
    expect(contents(tree)).toEqual({ ROOT: ['rule-1', 'rule-2'] });
  });

  test('above 64 entries the chain splits by the low nibble of the address', () => {
    const tree = byAddress();
    tree.update(
      [],
      Array.from({ length: 65 }, (_, id) => entry(id, v4(id), 80)),
    );
    expect(contents(tree).ROOT?.slice(0, 2)).toEqual(['-d 0.0.0.0/0.0.0.15 -j B-0', '-d 0.0.0.1/0.0.0.15 -j B-1']);
    expect(contents(tree)['B-1']).toEqual(['rule-1', 'rule-17', 'rule-33', 'rule-49']);
  });

  test('IPv6 addresses split in the same way', () => {
    const tree = byAddress();
    const address = (low: number): Address => formatAddress(Uint8Array.from([0xfd, ...Array<number>(14).fill(0), low]));
    tree.update(
      [],
      Array.from({ length: 65 }, (_, id) => entry(id, address(id + 1), 80)),
    );
    expect(contents(tree).ROOT?.slice(0, 2)).toEqual(['-d ::/::f -j B-0', '-d ::1/::f -j B-1']);
  });

  test('one address with many ports splits by port blocks once the address is used up', () => {
    const tree = byAddress();
    tree.update(
      [],
      Array.from({ length: 200 }, (_, id) => entry(id, v4(0x1234), 30_000 + id)),
    );
    const chains = contents(tree);
    expect(chains['B-4']).toEqual(['-d 0.0.0.48/0.0.0.240 -j B-43']);
    expect(chains['B-4321']).toEqual(['-p tcp -m tcp --dport 28672:32767 -j B-4321T7']);
    expect(Math.max(...Object.values(chains).map((rules) => rules.length))).toBeLessThanOrEqual(64);
  });

  test('chains stay short at 10,000 Services and names fit into the kernel', () => {
    const tree = byAddress();
    tree.update(
      [],
      Array.from({ length: 10_000 }, (_, id) => entry(id, v4(id * 3), 80)),
    );
    const chains = contents(tree);
    expect(Math.max(...Object.values(chains).map((rules) => rules.length))).toBeLessThanOrEqual(64);
    expect(Math.max(...Object.keys(chains).map((name) => name.length))).toBeLessThanOrEqual(28);
  });

  test('property: any history that ends in a set of entries ends in the chains of a fresh build', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.nat(399), { maxLength: 300 }), (specs, removals) => {
        const all = specs.map((one) => entry(one.id, v4(one.number), one.port, one.protocol));
        const tree = byAddress();
        tree.update([], all);
        const gone = [...new Set(removals.flatMap((index) => all[index] ?? []))];
        tree.update(gone, []);
        const fresh = byAddress();
        fresh.update([], all.filter((one) => !gone.includes(one)).toReversed());
        expect(contents(tree)).toEqual(contents(fresh));
      }),
      { numRuns: 60 },
    );
  });

  test('property: every chain that changes is named as touched', () => {
    fc.assert(
      fc.property(entries, fc.nat(399), (specs, index) => {
        const all = specs.map((one) => entry(one.id, v4(one.number), one.port, one.protocol));
        const tree = byAddress();
        tree.update([], all);
        const before = contents(tree);
        const victim = all[index % Math.max(1, all.length)];
        if (victim === undefined) return;
        const touched = tree.update([victim], [{ ...victim, id: 'moved', address: v4(0x9999) }]);
        const after = contents(tree);
        const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
          (chain) => JSON.stringify(before[chain]) !== JSON.stringify(after[chain]),
        );
        expect(changed.filter((chain) => !touched.has(chain))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
