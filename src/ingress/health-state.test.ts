import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginState, damping, judgeAnswer } from './health-state.ts';
import type { HealthState } from './health-state.ts';

const rules = { rise: 2, fall: 3 };
const word = (answers: string, state: HealthState = beginState(0), step = 1000, from = 0) =>
  [...answers].reduce((next, letter, index) => judgeAnswer(next, letter === '+', from + index * step, rules), state);

describe('the verdict on a back end', () => {
  it.each([
    ['', 'unknown'],
    ['+', 'live'],
    ['-', 'unknown'],
    ['--', 'unknown'],
    ['---', 'dead'],
    ['--+--', 'live'],
    ['+--', 'live'],
    ['+---', 'dead'],
    ['+--+--+--', 'live'],
    ['+---+', 'dead'],
    ['+---++', 'live'],
    ['+---+-+-+', 'dead'],
    ['+---+-++', 'live'],
  ])('after %j is %s', (answers, verdict) => {
    expect(word(answers).verdict).toBe(verdict);
  });

  it('tells since when', () => {
    expect(word('+---').since).toBe(3000);
    expect(word('+---++--').since).toBe(5000);
  });
});

describe('damping', () => {
  it('lets three falls a minute pass and holds at the fourth, twice as long at each after it', () => {
    const falls: number[] = [];
    let state = beginState(0);
    const holds: (number | null)[] = [];
    for (let now = 0; now < 400_000; now += 1000) {
      const next = judgeAnswer(state, state.verdict === 'dead', now, rules);
      if (next.verdict === 'dead' && state.verdict !== 'dead') {
        falls.push(now);
        holds.push(next.heldUntil === null ? null : next.heldUntil - now);
      }
      state = next;
    }
    expect(holds.slice(0, 8)).toEqual([null, null, null, 10_000, 20_000, 40_000, 80_000, 160_000]);
    expect(falls[3]).toBeLessThan(20_000);
  });

  it('forgets after five minutes without a fall', () => {
    const held: HealthState = { ...beginState(0), verdict: 'live', holds: 5, heldUntil: 1000 };
    const late = word('---', held, 1000, 1000 + damping.calmMs);
    expect(late).toMatchObject({ verdict: 'dead', heldUntil: null, holds: 0 });
    expect(word('---', held, 1000, damping.calmMs - 2000)).toMatchObject({ verdict: 'dead', holds: 6 });
  });

  const history = fc.record({
    answers: fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 20, max: 3000 })), { minLength: 50, maxLength: 2000 }),
    rules: fc.record({ rise: fc.integer({ min: 1, max: 3 }), fall: fc.integer({ min: 1, max: 3 }) }),
  });

  it('never lets a back end fall more than six times a minute, nor stay out longer than the longest hold', () => {
    fc.assert(
      fc.property(history, ({ answers, rules: given }) => {
        let state = beginState(0);
        let now = 0;
        const falls: number[] = [];
        for (const [good, pause] of answers) {
          now += pause;
          const next = judgeAnswer(state, good, now, given);
          if (next.verdict === 'dead' && state.verdict !== 'dead') falls.push(now);
          state = next;
          expect((state.heldUntil ?? 0) - now).toBeLessThanOrEqual(damping.longestHoldMs);
        }
        const most = falls.map((from) => falls.filter((fall) => fall >= from && fall < from + damping.windowMs).length);
        expect(Math.max(0, ...most)).toBeLessThanOrEqual(6);
      }),
    );
  });

  it('lets whoever flaps as fast as it can come back once in a hold, and no more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 1000 }), (pause) => {
        let state = beginState(0);
        let falls = 0;
        for (let now = 0; now < 3_600_000; now += pause) {
          const next = judgeAnswer(state, state.verdict === 'dead', now, { rise: 1, fall: 1 });
          if (next.verdict === 'dead' && state.verdict !== 'dead') falls += 1;
          state = next;
        }
        // Three free ones, holds of 10, 20, 40 and 80 seconds, and 160 from then on.
        expect(falls).toBeLessThanOrEqual(3 + 4 + 1 + Math.ceil(3_600_000 / damping.longestHoldMs));
      }),
      { numRuns: 20 },
    );
  });

  it('always brings back what is steady within the hold and the answers that it takes', () => {
    fc.assert(
      fc.property(history, ({ answers, rules: given }) => {
        let state = beginState(0);
        let now = 0;
        for (const [good, pause] of answers) {
          now += pause;
          state = judgeAnswer(state, good, now, given);
        }
        const steady = now;
        const limit = Math.max(steady, state.heldUntil ?? 0) + given.rise * 1000;
        while (state.verdict === 'dead' && now <= limit) {
          now += 1000;
          state = judgeAnswer(state, true, now, given);
        }
        expect(state.verdict).not.toBe('dead');
      }),
    );
  });
});
