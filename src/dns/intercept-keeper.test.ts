import { describe, expect, test } from 'vitest';
import { fail, interceptLease, succeed } from '../model/mod.ts';
import type { Clock, InterceptRules, InterceptWish, Outcome } from '../model/mod.ts';
import { createInterceptKeeper } from './intercept-keeper.ts';
import type { InterceptKeeper, InterceptState } from './intercept-keeper.ts';

const { beatMs, seconds } = interceptLease;
const wish: InterceptWish = { captures: [], clients: [] };
const refused = fail('WP_NFT_DENIED', 'another process owns the table');

/** Turns by hand. */
class HandClock implements Clock {
  #now = 1_000_000;
  #timers: { readonly due: number; readonly callback: () => void }[] = [];
  now = (): number => this.#now;
  after = (delay: number, callback: () => void): (() => void) => {
    const timer = { due: this.#now + delay, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  };
  get waiting(): number {
    return this.#timers.length;
  }
  async turn(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = this.#timers.toSorted((one, other) => one.due - other.due);
      if (next === undefined || next.due > end) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = next.due;
      next.callback();
      // oxlint-disable-next-line no-await-in-loop -- what the timer began goes on before the next one
      await settle();
    }
    this.#now = end;
  }
}

async function settle(): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop
  for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
}

class Rules implements InterceptRules {
  readonly calls: string[] = [];
  beats = 0;
  answer: Outcome<void> = succeed(undefined);
  found: Outcome<boolean> = succeed(true);
  async set(): Promise<Outcome<void>> {
    this.calls.push('set');
    return this.answer;
  }
  beat(): void {
    this.beats += 1;
  }
  async check(): Promise<Outcome<boolean>> {
    this.calls.push('check');
    return this.found;
  }
  async clear(): Promise<Outcome<void>> {
    this.calls.push('clear');
    return this.answer;
  }
  async release(): Promise<Outcome<void>> {
    this.calls.push('release');
    return this.answer;
  }
  async close(): Promise<void> {
    this.calls.push('close');
  }
}

function make(): { keeper: InterceptKeeper; clock: HandClock; rules: Rules; states: InterceptState['kind'][] } {
  const clock = new HandClock();
  const rules = new Rules();
  const states: InterceptState['kind'][] = [];
  const keeper = createInterceptKeeper({ rules, clock, onChange: ({ kind }) => states.push(kind) });
  return { keeper, clock, rules, states };
}

describe('[DNS-124] an interception', () => {
  test('is kept alive by beats, several for each lease, and by nothing once it is withdrawn', async () => {
    const { keeper, clock, rules, states } = make();
    await clock.turn(10 * beatMs);
    expect(rules.beats).toBe(0);
    expect(await keeper.want(wish)).toEqual({ kind: 'on' });
    await clock.turn(seconds * 1000);
    expect(rules.beats).toBeGreaterThanOrEqual(3);
    expect(await keeper.want(null)).toEqual({ kind: 'off' });
    const { beats } = rules;
    await clock.turn(seconds * 1000);
    expect(rules.beats).toBe(beats);
    expect(states).toEqual(['on', 'off']);
    expect(rules.calls).toEqual(['set', 'clear']);
  });

  test('that is refused is tried again each second, and the state says why', async () => {
    const { keeper, clock, rules, states } = make();
    rules.answer = refused;
    expect(await keeper.want(wish)).toEqual({ kind: 'failed', problem: refused.problem });
    await clock.turn(3000);
    expect(rules.calls).toEqual(['set', 'set', 'set', 'set']);
    expect(rules.beats).toBe(0);
    rules.answer = succeed(undefined);
    await clock.turn(1000);
    expect(keeper.state).toEqual({ kind: 'on' });
    expect(states).toEqual(['failed', 'on']);
  });

  test('that somebody removed is written again within a minute; a look that fails changes nothing', async () => {
    const { keeper, clock, rules } = make();
    await keeper.want(wish);
    await clock.turn(60_000);
    expect(rules.calls).toEqual(['set', 'check']);
    rules.found = fail('WP_NFT_BUSY', 'it changes all the time');
    await clock.turn(60_000);
    expect(rules.calls).toEqual(['set', 'check', 'check']);
    rules.found = succeed(false);
    await clock.turn(60_000);
    expect(rules.calls).toEqual(['set', 'check', 'check', 'check', 'set']);
  });

  test('ends in order: released, withdrawn, no timer left, and closed once', async () => {
    const { keeper, clock, rules } = make();
    await keeper.want(wish);
    expect(await keeper.release()).toEqual({ kind: 'off' });
    await clock.turn(120_000);
    expect(rules.beats).toBe(0);
    await keeper.close();
    await keeper.close();
    expect(rules.calls).toEqual(['set', 'release', 'clear', 'close']);
    expect(clock.waiting).toBe(0);
  });
});
