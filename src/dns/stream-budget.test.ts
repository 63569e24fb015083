import { describe, expect, test } from 'vitest';
import { ConnectionBudget } from './stream-budget.ts';
import { HandClock } from './stream.fixture.ts';

interface Sample {
  readonly name: string;
  lastActivity: number;
  outstanding: number;
  expiry: number;
}

function setUp() {
  const clock = new HandClock();
  const budget = new ConnectionBudget(clock);
  const closed: string[] = [];
  const make = (name: string, lastActivity: number, outstanding = 0) => {
    const sample: Sample = { name, lastActivity, outstanding, expiry: Number.POSITIVE_INFINITY };
    return Object.assign(sample, {
      isExpired: (now: number) => now >= sample.expiry,
      destroy: () => void closed.push(name),
    });
  };
  return { clock, budget, closed, make };
}

describe('the budget of connections', () => {
  test('[DNS-92] closes the one that was idle for longest, and one that waits for an answer only after all others', () => {
    const { budget, closed, make } = setUp();
    const [busy, old, young] = [make('busy', 1, 1), make('old', 5), make('young', 9)];
    for (const connection of [busy, young, old]) budget.admit(connection, 3);
    budget.admit(make('a', 10), 3);
    budget.admit(make('b', 11, 1), 3);
    budget.admit(make('c', 12, 1), 3);
    expect(closed).toEqual(['old', 'young', 'a']);
    budget.admit(make('d', 13), 3);
    expect([closed.at(-1), budget.count]).toEqual(['busy', 3]);
  });

  test('always has room for one', () => {
    const { budget, closed, make } = setUp();
    budget.admit(make('a', 1), 0);
    budget.admit(make('b', 2), 0);
    expect([closed, budget.count]).toEqual([['a'], 1]);
  });

  test('[DNS-92] closes those whose time is over, with one timer for all and none when there are none', () => {
    const { budget, closed, make, clock } = setUp();
    const [first, second] = [make('first', 0), make('second', 0)];
    expect(clock.waiting).toBe(0);
    budget.admit(first, 10);
    budget.admit(second, 10);
    expect(clock.waiting).toBe(1);
    first.expiry = clock.now() + 3000;
    clock.advance(2900);
    expect(closed).toEqual([]);
    clock.advance(600);
    expect([closed, budget.count, clock.waiting]).toEqual([['first'], 1, 1]);
    budget.release(first);
    expect(clock.waiting).toBe(1);
    budget.release(second);
    expect([budget.count, clock.waiting]).toEqual([0, 0]);
  });
});
