import { expect, test } from 'vitest';
import { RecentProblems } from './recent-problems.ts';

test('the latest first, the same one once, ten minutes long, twenty at most', () => {
  let now = 0;
  const problems = new RecentProblems(() => now);
  const note = (message: string): void => problems.note({ code: 'WP_TEST_A', message });
  const messages = (): readonly string[] => problems.list().map(({ message }) => message);
  note('first');
  now = 1000;
  note('second');
  note('first');
  expect(problems.list()).toEqual([
    { code: 'WP_TEST_A', message: 'first', at: 1000, times: 2 },
    { code: 'WP_TEST_A', message: 'second', at: 1000, times: 1 },
  ]);
  now = 601_000;
  expect(messages()).toHaveLength(2);
  now = 601_001;
  expect(messages()).toEqual([]);
  for (let index = 0; index < 30; index += 1) note(String(index));
  expect(messages()).toHaveLength(20);
  expect(messages()[0]).toBe('29');
});
