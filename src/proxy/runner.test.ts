import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { BoundedRunner } from './runner.ts';

function setUp(options: { minInterval: number; takes?: number; next?: number | null; worked?: () => boolean }) {
  const clock = new FakeClock();
  const starts: number[] = [];
  const began = clock.now();
  const runner = new BoundedRunner({
    clock,
    minInterval: options.minInterval,
    run: async () => {
      starts.push(clock.now() - began);
      if (options.takes !== undefined) await new Promise<void>((resolve) => clock.after(options.takes ?? 0, resolve));
      return { worked: options.worked?.() ?? true, next: options.next ?? null };
    },
  });
  return { clock, starts, runner };
}

describe('bounded runner', () => {
  test('[SP-150] the first request after quiet runs at once', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 1000 });
    runner.request();
    await clock.turn(5000);
    runner.request();
    await clock.turn(0);
    expect(starts).toEqual([0, 5000]);
  });

  test('[SP-150] a burst of 1,000 requests is at most one run per interval, measured from end to start', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 1000, takes: 300 });
    for (let i = 0; i < 1000; i += 1) {
      runner.request();
      await clock.turn(4);
    }
    await clock.turn(3000);
    expect(starts).toEqual([0, 1300, 2600, 3900, 5200]);
  });

  test('a request during a run is served by exactly one later run', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 0, takes: 100 });
    runner.request();
    await clock.turn(50);
    runner.request();
    runner.request();
    await clock.turn(1000);
    expect(starts).toEqual([0, 100]);
  });

  test('runs again by itself after the delay a run asks for, unless a request comes first', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 10, next: 700 });
    runner.request();
    await clock.turn(500);
    runner.request();
    await clock.turn(1000);
    expect(starts).toEqual([0, 500, 1200]);
  });

  test('nothing runs after stop, which waits for the run under way', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 0, takes: 100 });
    runner.request();
    await clock.turn(0);
    runner.request();
    let stopped = false;
    const stopping = runner.stop().then(() => (stopped = true));
    await clock.turn(50);
    expect(stopped).toBe(false);
    await clock.turn(500);
    await stopping;
    runner.request();
    await clock.turn(500);
    expect(starts).toEqual([0]);
  });

  test('what is done apart waits for the run under way and holds up the next', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 0, takes: 100 });
    const apart: number[] = [];
    const began = clock.now();
    runner.request();
    await clock.turn(50);
    const done = runner.apart(async () => {
      apart.push(clock.now() - began);
      await new Promise<void>((resolve) => clock.after(300, resolve));
      return 'seen';
    });
    await clock.turn(100);
    runner.request();
    await clock.turn(1000);
    expect([await done, apart, starts]).toEqual(['seen', [100], [0, 400]]);
  });

  test('a run that falls due while something is done apart comes right after, failures included', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 10, next: 700 });
    runner.request();
    await clock.turn(500);
    const failing = runner
      .apart(async () => {
        await new Promise<void>((resolve) => clock.after(400, resolve));
        throw new Error('no');
      })
      .catch(String);
    await clock.turn(1000);
    expect(await failing).toBe('Error: no');
    expect(starts).toEqual([0, 900]);
  });

  test('[SP-150] a run that found nothing to do holds up no change', async () => {
    let worked = true;
    const { clock, starts, runner } = setUp({ minInterval: 1000, worked: () => worked });
    runner.request();
    await clock.turn(5000);
    worked = false;
    runner.request();
    await clock.turn(100);
    worked = true;
    runner.request();
    await clock.turn(100);
    runner.request();
    await clock.turn(5000);
    expect(starts).toEqual([0, 5000, 5100, 6100]);
  });

  test('another interval holds for the run that is waited for', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 10_000 });
    runner.request();
    await clock.turn(100);
    runner.request();
    await clock.turn(100);
    runner.setMinInterval(500, 60_000);
    await clock.turn(1000);
    expect(starts).toEqual([0, 500]);
    runner.setMinInterval(500, 3000);
    await clock.turn(10_000);
    expect(starts).toEqual([0, 500, 4200]);
  });

  test('another interval starts nothing that nobody asked for', async () => {
    const { clock, starts, runner } = setUp({ minInterval: 1000 });
    runner.setMinInterval(10, 0);
    await clock.turn(5000);
    expect(starts).toEqual([]);
  });
});
