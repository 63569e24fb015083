import { expect, test } from 'vitest';
import { shareGenerations } from './generations.ts';

test('what others of ours did since is no change of anybody else', () => {
  const ours = shareGenerations();
  expect(ours.latest(7)).toBe(7);
  expect(ours.committed(7)).toBe(8);
  expect(ours.committed(8)).toBe(9);
  expect([ours.latest(7), ours.latest(8), ours.latest(9)]).toEqual([9, 9, 9]);
  expect([ours.latest(6), ours.latest(10)]).toEqual([6, 10]);
});

test('a change of somebody else in between starts anew', () => {
  const ours = shareGenerations();
  ours.committed(7);
  expect(ours.committed(12)).toBe(13);
  expect([ours.latest(7), ours.latest(12)]).toEqual([7, 13]);
});

test('the count goes from the last number to 1', () => {
  const ours = shareGenerations();
  expect(ours.committed(0xff_ff_ff_ff)).toBe(1);
});

test('one call waits for the other, also for one that fails', async () => {
  const ours = shareGenerations();
  const order: string[] = [];
  const first = ours.inTurn(async () => {
    await Promise.resolve();
    order.push('first');
    throw new Error('it fails');
  });
  const second = ours.inTurn(async () => {
    order.push('second');
  });
  await expect(first).rejects.toThrow('it fails');
  await second;
  expect(order).toEqual(['first', 'second']);
});
