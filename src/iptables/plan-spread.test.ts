import { describe, expect, it } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Backend, Frontend, Pool } from '../model/mod.ts';
import { frontendsOf } from './frontends.fixture.ts';
import { setsOf, spreadRules } from './plan-spread.ts';
import type { ClientMemory } from './plan-spread.ts';

function poolOf(...weights: readonly number[]): Pool {
  const backends = weights.map((weight, index): Backend => {
    const address = parseAddress(`10.244.0.${index + 1}`);
    if (address === null) throw new Error('bad address in a test');
    return { address, port: 8080, weight, local: false };
  });
  return { key: 'ns/a:http/TCP#cluster', backends };
}

function frontendOf(affinity: number | null): Frontend {
  const shape = { name: 'a', number: 1, backends: [1], localBackends: [], nodePort: 0, ranges: false };
  const [frontend] = frontendsOf({ ...shape, externalLocal: false, internalLocal: false, affinity });
  if (frontend === undefined) throw new Error('no frontend');
  return frontend;
}

/** The share of all new connections that each back end gets, in parts of 100. */
function sharesOf(pool: Pool): Readonly<Record<string, number>> {
  let left = 1;
  const shares: Record<string, number> = {};
  for (const { matches, target } of spreadRules(pool, frontendOf(null), 'sets')) {
    const random = matches.find((match) => match.kind === 'random');
    const chance = random === undefined ? 1 : random.threshold / 2 ** 31;
    if (target?.kind === 'dnat') shares[target.address ?? ''] = Math.round(left * chance * 100);
    left *= 1 - chance;
  }
  return shares;
}

describe('weights', () => {
  it('set the share of new connections', () => {
    expect(sharesOf(poolOf(1, 1))).toEqual({ '10.244.0.1': 50, '10.244.0.2': 50 });
    expect(sharesOf(poolOf(3, 1))).toEqual({ '10.244.0.1': 75, '10.244.0.2': 25 });
    expect(sharesOf(poolOf(2, 5, 3))).toEqual({ '10.244.0.1': 20, '10.244.0.2': 50, '10.244.0.3': 30 });
  });

  it('of 0 draw nobody, wherever they stand', () => {
    expect(sharesOf(poolOf(0, 3, 1))).toEqual({ '10.244.0.2': 75, '10.244.0.3': 25 });
    expect(sharesOf(poolOf(3, 1, 0))).toEqual({ '10.244.0.1': 75, '10.244.0.2': 25 });
  });

  it('of 0 everywhere count as 1 each', () => {
    expect(sharesOf(poolOf(0, 0))).toEqual({ '10.244.0.1': 50, '10.244.0.2': 50 });
  });

  it.each<ClientMemory>(['sets', 'recent'])('of 0 lose clients with affinity too (%s)', (memory) => {
    const rules = spreadRules(poolOf(0, 1), frontendOf(60), memory);
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.flatMap(({ target }) => (target?.kind === 'dnat' ? [target.address] : []))).not.toContain('10.244.0.1');
  });

  it('of 0 need no set of clients', () => {
    const frontend = frontendOf(60);
    const route = { verdict: 'forward', pool: poolOf(0, 1, 2), masquerade: false } as const;
    expect(setsOf([{ ...frontend, routes: { pod: route, node: route, outside: route } }]).size).toBe(2);
  });
});
