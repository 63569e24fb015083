import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { errnoName, errnos } from './errno.ts';

/** Names that share a number; the other one is used. */
const twins = new Set(['EWOULDBLOCK', 'ENOTSUP']);

test('error numbers have the names this platform gives them', () => {
  const known = Object.entries(constants.errno).filter(([name]) => !twins.has(name));
  expect(known.length).toBeGreaterThan(70);
  expect(known.map(([, number]) => errnoName(number))).toEqual(known.map(([name]) => name));
  expect(Object.values(errnos).map(errnoName)).toEqual(Object.keys(errnos));
});

test('numbers without a name are numbers', () => {
  expect([0, 41, 58, 133, 134, 4103].map(errnoName)).toEqual([
    'errno 0',
    'errno 41',
    'errno 58',
    'EHWPOISON',
    'errno 134',
    'errno 4103',
  ]);
});
