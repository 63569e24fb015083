import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFakeIptables } from './fake.ts';
import { createFaultyPort } from './faulty.ts';
import type { Batch } from './port.ts';

const section = (chain: string): Batch[number] => ({
  table: 'nat',
  operations: [{ kind: 'write-chain', table: 'nat', chain, rules: ['-j ACCEPT'], owner: 'shop/cart' }],
});
const batch: Batch = [section('A'), section('B'), section('C')];

/** A small generator of numbers from 0 up to 1 (Numerical Recipes' linear congruence). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('a port that never fails is the port', async () => {
  const fake = createFakeIptables('IPv4');
  const port = createFaultyPort(fake, { probability: 0, random: seeded(1) });
  expect((await port.restore(batch)).failure).toBeNull();
  expect((await port.save(['nat'])).ok).toBe(true);
  expect(fake.dump()).toContain(':C - ');
});

test('failures leave the sections before, and sometimes lie about the last', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const fake = createFakeIptables('IPv4');
      const port = createFaultyPort(fake, { probability: 1, random: seeded(seed) });
      expect((await port.save(['nat'])).ok).toBe(false);
      const { failure } = await port.restore(batch);
      const written = ['A', 'B', 'C'].filter((chain) => fake.dump().includes(`:${chain} - `));
      const lied = failure?.section === 2 && written.length === 3;
      expect(lied || written.length === failure?.section).toBe(true);
      seen.add(`${failure?.section} ${lied} ${failure?.operation !== null}`);
    }),
    { numRuns: 200 },
  );
  // Three sections, each with and without a culprit, and the lie with and without.
  expect(seen.size).toBe(8);
});

test('failures of the port behind come through', async () => {
  const fake = createFakeIptables('IPv4');
  const missing: Batch = [{ table: 'nat', operations: [{ kind: 'delete-chain', table: 'nat', chain: 'X', owner: null }] }];
  const { failure } = await createFaultyPort(fake, { probability: 0, random: seeded(1) }).restore(missing);
  expect(failure?.problem.code).toBe('WP_IPTABLES_NO_CHAIN');
});
