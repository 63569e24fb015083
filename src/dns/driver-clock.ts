import type { Clock } from '../model/mod.ts';

/** A clock that is never set back or forward while the thread runs, with fractions. Its timers keep nothing alive. */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay).unref();
    return () => clearTimeout(timer);
  },
};
