import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HealthCheckSpec } from '../model/mod.ts';
import { DueHeap } from './health-heap.ts';
import type { Due } from './health-heap.ts';
import { grainMs, nextStart, phaseOf, planTiming } from './health-schedule.ts';
import { makeBench, manners, tcp, tcpSpec } from './health.fixture.ts';
import type { Manner } from './health.fixture.ts';

const numbers: fc.Arbitrary<HealthCheckSpec> = fc
  .record({
    intervalMs: fc.integer({ min: 100, max: 10_000 }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    rise: fc.integer({ min: 1, max: 6 }),
    fall: fc.integer({ min: 1, max: 10 }),
  })
  .map(({ intervalMs, share, rise, fall }) => {
    const timeoutMs = Math.max(1, Math.round(intervalMs * share));
    return tcpSpec({ intervalMs, timeoutMs, rise, fall });
  });

describe('the plan of a check', () => {
  it.each([
    // interval, time-out, fall -> spacing, time-out
    [1000, 500, 3, 1000, 500],
    [1000, 660, 3, 1000, 660],
    [1000, 700, 3, 900, 700],
    [1000, 1000, 3, 500, 833],
    [1000, 500, 1, 500, 500],
    [1000, 1000, 1, 500, 500],
    [1000, 100, 1, 900, 100],
    [1005, 100, 3, 1000, 100],
  ])('every %i ms, time-out %i, fall %i: each %i ms, time-out %i', (intervalMs, timeoutMs, fall, spacing, timeout) => {
    const plan = planTiming(tcpSpec({ intervalMs, timeoutMs, fall }));
    expect([plan.spacingMs, plan.timeoutMs]).toEqual([spacing, timeout]);
  });

  it('never asks more than twice as often as said, but for the grain, nor waits longer than said', () => {
    fc.assert(
      fc.property(numbers, (spec) => {
        const plan = planTiming(spec);
        expect(plan.spacingMs).toBeGreaterThan(spec.intervalMs / 2 - grainMs - 1);
        expect(plan.spacingMs).toBeLessThanOrEqual(spec.intervalMs);
        expect(plan.timeoutMs).toBeLessThanOrEqual(spec.timeoutMs);
        expect(plan.timeoutMs).toBeGreaterThanOrEqual(Math.min(spec.timeoutMs, Math.floor(spec.intervalMs / 2)));
      }),
    );
  });

  it('keeps to the phase while all is well, however late a check began', () => {
    const timing = planTiming(tcpSpec());
    const next = (startedAt: number) => nextStart(timing, 350, { startedAt, answeredAt: startedAt, failures: 0 });
    expect([next(5350), next(5357), next(6349), next(6351)]).toEqual([6350, 6350, 6350, 7350]);
  });

  it('spreads back ends evenly', () => {
    const timing = planTiming(tcpSpec());
    const slots = new Map<number, number>();
    for (let index = 0; index < 10_000; index += 1) {
      const phase = phaseOf(`10.${index >> 14}.${(index >> 7) & 127}.${index & 127} 80 TCP`, timing);
      slots.set(phase, (slots.get(phase) ?? 0) + 1);
    }
    const even = (10_000 * grainMs) / 1000;
    expect(slots.size).toBe(1000 / grainMs);
    expect(Math.max(...slots.values())).toBeLessThan(1.35 * even);
    expect(Math.min(...slots.values())).toBeGreaterThan(0.65 * even);
  });
});

describe('the bound', () => {
  const moment = fc.integer({ min: 0, max: 20_000 });
  const failing = fc.constantFrom<Manner>(manners.silent, manners.refuses, manners.refusesAtOnce);

  it('a back end that stops answering is out after fall x interval, whenever and however it stops', () => {
    fc.assert(
      fc.property(numbers, moment, failing, fc.integer({ min: 0, max: 3 }), (spec, lives, manner, lateness) => {
        const { clock, checker, changes, faults, answer } = makeBench({ lateness });
        checker.set('a/b', spec, [tcp('10.0.0.1')]);
        clock.turn(lives);
        expect(checker.isLive('a/b', tcp('10.0.0.1'))).toBe(true);
        answer('10.0.0.1', manner);
        const stopped = clock.now();
        clock.turn(spec.fall * spec.intervalMs + 100);
        expect(checker.isLive('a/b', tcp('10.0.0.1'))).toBe(false);
        // Each failure may be told late by two timers of the event loop; the time itself holds without.
        expect((changes.at(-1)?.at ?? 0) - stopped).toBeLessThanOrEqual(spec.fall * spec.intervalMs + 2 * lateness * spec.fall);
        expect(faults).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('one that never answered is out as long after it came', () => {
    fc.assert(
      fc.property(numbers, failing, (spec, manner) => {
        const { clock, checker, answer, asked } = makeBench();
        answer('10.0.0.1', manner);
        checker.set('a/b', spec, [tcp('10.0.0.1')]);
        clock.turn(spec.fall * spec.intervalMs);
        expect(checker.isLive('a/b', tcp('10.0.0.1'))).toBe(false);
        expect(asked.length).toBeGreaterThanOrEqual(spec.fall);
      }),
    );
  });

  it('one that answers again is back after rise x interval', () => {
    fc.assert(
      fc.property(numbers, moment, failing, (spec, silent, manner) => {
        const { clock, checker, changes, answer } = makeBench();
        answer('10.0.0.1', manner);
        checker.set('a/b', spec, [tcp('10.0.0.1')]);
        clock.turn(spec.fall * spec.intervalMs + silent);
        answer('10.0.0.1', manners.good);
        const again = clock.now();
        clock.turn(spec.rise * spec.intervalMs + 100);
        expect(checker.isLive('a/b', tcp('10.0.0.1'))).toBe(true);
        expect((changes.at(-1)?.at ?? 0) - again).toBeLessThanOrEqual(spec.rise * spec.intervalMs + grainMs);
      }),
    );
  });

  it('one that answers is asked at its interval and stays, however slow it is below the time-out', () => {
    const { clock, checker, answer, asked, changes } = makeBench();
    answer('10.0.0.1', { answer: { kind: 'good', text: 'slow' }, afterMs: 499 });
    checker.set('a/b', tcpSpec(), [tcp('10.0.0.1')]);
    clock.turn(60_000);
    expect(changes).toEqual([]);
    expect(asked.length).toBeGreaterThanOrEqual(60);
    expect(asked.length).toBeLessThanOrEqual(62);
  });
});

describe('the heap', () => {
  it('gives the earliest, whatever was put in, moved and taken out before', () => {
    const step = fc.record({ item: fc.nat(20), due: fc.integer({ min: 0, max: 100 }), out: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new DueHeap<Due>();
        const items = Array.from({ length: 21 }, (): Due => ({ due: 0, place: -1 }));
        const inside = new Set<Due>();
        for (const { item, due, out } of steps) {
          const one = items[item] as Due;
          if (out) heap.remove(one);
          else heap.put(one, due);
          if (out) inside.delete(one);
          else inside.add(one);
          expect(heap.first?.due).toBe([...inside].map((each) => each.due).toSorted((a, b) => a - b)[0]);
        }
      }),
    );
  });
});
