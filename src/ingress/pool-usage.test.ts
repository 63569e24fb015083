import { expect, test } from 'vitest';
import { addressOf, poolOf } from './pool-service.fixture.ts';
import { measurePools } from './pool-usage.ts';

test('each pool and family has a row; a shared address counts once, one of no pool not at all', () => {
  const pools = [poolOf('a', ['10.0.0.0/29', '2001:db8::/64']), poolOf('b', ['10.1.0.1-10.1.0.3'])];
  const used = ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.1.0.3', '198.51.100.1'].map(addressOf);
  expect(measurePools(pools, used)).toEqual([
    { pool: 'a', family: 'IPv4', used: 2, free: 4 },
    { pool: 'a', family: 'IPv6', used: 0, free: 2 ** 64 },
    { pool: 'b', family: 'IPv4', used: 1, free: 2 },
  ]);
});
