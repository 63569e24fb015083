import { expect, test } from 'vitest';
import { createPause } from './client-pause.ts';

/** A meter whose clock and whose event loop move by hand. */
function handMeter(): { now: number; turns: number; endTurn(): void; meter: Parameters<typeof createPause>[1] & {} } {
  const due: (() => void)[] = [];
  const hand = {
    now: 0,
    turns: 0,
    endTurn() {
      hand.turns += 1;
      for (const callback of due.splice(0)) callback();
    },
    meter: { now: () => hand.now, later: (callback: () => void) => void due.push(callback) },
  };
  return hand;
}

test('work goes on within the budget and gives way beyond it', async () => {
  const hand = handMeter();
  const pause = createPause(4, hand.meter);
  expect(pause()).toBeNull();
  hand.now = 3.9;
  expect(pause()).toBeNull();
  hand.now = 4;
  const turn = pause();
  expect(turn).toBeInstanceOf(Promise);
  hand.endTurn();
  await turn;
  expect(pause()).toBeNull();
});

test('workers share one budget, and idle time is not counted', async () => {
  const hand = handMeter();
  const pause = createPause(4, hand.meter);
  pause();
  hand.now = 5;
  expect(pause()).toBe(pause());
  hand.endTurn();
  hand.now = 500;
  expect(pause()).toBeNull();
});

test('the event loop itself turns while long work pauses', async () => {
  const pause = createPause(1);
  let turns = 0;
  let working = true;
  const count = (): void => {
    turns += 1;
    if (working) setImmediate(count);
  };
  setImmediate(count);
  for (let paused = 0; paused < 10;) {
    const turn = pause();
    if (turn === null) continue;
    await turn;
    paused += 1;
  }
  working = false;
  expect(turns).toBeGreaterThanOrEqual(10);
});
