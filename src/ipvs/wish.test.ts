import { expect, test } from 'vitest';
import { parseAddress, sideKey } from '../model/mod.ts';
import type { Address, SideEntry } from '../model/mod.ts';
import { emptyPlan } from './plan-types.ts';
import type { Plan } from './plan-types.ts';
import { Touched, Wish } from './wish.ts';

const address = parseAddress('198.51.100.7') as Address;

function planOf(service: string, size: number | null): Plan {
  const entry: SideEntry = { kind: 'clamp', address, size };
  return { ...emptyPlan(service, service), entries: new Map([[sideKey(entry), entry]]) };
}

test('[INGRESS-37] of the sizes that Services want for one address the smallest counts, whoever came or went first', () => {
  const wish = new Wish();
  const touched = new Touched();
  const size = (): number | null | undefined => {
    const entry = wish.entry(`clamp/${address}`);
    return entry?.kind === 'clamp' ? entry.size : undefined;
  };
  wish.replace(planOf('a', null), touched);
  expect(size()).toBe(null);
  wish.replace(planOf('b', 1440), touched);
  wish.replace(planOf('c', 1400), touched);
  expect(size()).toBe(1400);
  wish.replace(planOf('a', null), touched);
  wish.replace(planOf('b', 1440), touched);
  expect(size()).toBe(1400);
  wish.replace(planOf('c', 1460), touched);
  expect(size()).toBe(1440);
  wish.remove('b', touched);
  expect(size()).toBe(1460);
  wish.remove('c', touched);
  expect(size()).toBe(null);
  wish.remove('a', touched);
  expect(size()).toBe(undefined);
});
