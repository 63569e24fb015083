import type { Clock } from '../model/mod.ts';

const origin = performance.timeOrigin;

/** A clock that is never set back or forward while the thread runs, with fractions. Its timers keep nothing alive. */
export const steadyClock: Clock = {
  now: () => origin + performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay).unref();
    return () => clearTimeout(timer);
  },
};
