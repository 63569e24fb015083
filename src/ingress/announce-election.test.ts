import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { electOwner } from './announce-election.ts';
import type { MemberVerdict } from './announce-members.ts';
import { network } from './announce-world.fixture.ts';

const addresses = Array.from({ length: 250 }, (_, at) => parseAddress(`192.0.2.${at + 1}`) as Address);
const names = Array.from({ length: 8 }, (_, at) => `node-${at}`);
const live = (node: string): MemberVerdict => ({ node, state: 'live', networks: [network] });
const ownerOf = (address: Address, nodes: readonly string[]) => electOwner({ address, eligible: names }, nodes.map(live));

test('the order in which members are seen decides nothing, and who goes moves only what it had [INGRESS-49]', () => {
  const some = fc.uniqueArray(fc.constantFrom(...names), { minLength: 2 });
  fc.assert(
    fc.property(some, fc.constantFrom(...addresses), (nodes, address) => {
      const owner = ownerOf(address, nodes);
      expect(ownerOf(address, nodes.toReversed())).toEqual(owner);
      for (const gone of nodes) {
        if (owner.kind === 'owner' && owner.node === gone) continue;
        expect(
          ownerOf(
            address,
            nodes.filter((node) => node !== gone),
          ),
        ).toEqual(owner);
      }
    }),
  );
});

test('names that differ in one digit get their share', () => {
  const shares = new Map<string, number>();
  for (const address of addresses) {
    const owner = ownerOf(address, names);
    if (owner.kind === 'owner') shares.set(owner.node, (shares.get(owner.node) ?? 0) + 1);
  }
  const fair = addresses.length / names.length;
  for (const name of names) {
    expect(shares.get(name)).toBeGreaterThan(fair / 2);
    expect(shares.get(name)).toBeLessThan(fair * 2);
  }
});

test('agents of all versions agree: these owners are for ever', () => {
  const owners = addresses.slice(0, 6).map((address) => ownerOf(address, names));
  expect(owners.map((owner) => (owner.kind === 'none' ? '' : owner.node))).toMatchInlineSnapshot(`
    [
      "node-4",
      "node-1",
      "node-6",
      "node-1",
      "node-7",
      "node-4",
    ]
  `);
});

test('only who lives, accepts and is on the network is good for it', () => {
  const [address] = addresses;
  if (address === undefined) throw new Error('no address');
  const elsewhere: MemberVerdict = { ...live('node-1'), networks: [] };
  const dead: MemberVerdict = { ...live('node-2'), state: 'dead' };
  expect(electOwner({ address, eligible: names }, [elsewhere, dead])).toEqual({ kind: 'none' });
  expect(electOwner({ address, eligible: ['node-9'] }, [live('node-1')])).toEqual({ kind: 'none' });
  const unproved: MemberVerdict = { ...live('node-3'), state: 'unproved' };
  expect(electOwner({ address, eligible: names }, [unproved])).toEqual({ kind: 'undecided', node: 'node-3' });
});
