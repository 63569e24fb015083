import type { Pause } from '../model/mod.ts';

/** How many items are worked on before asking whether it is time for a pause. */
const stride = 64;

/** Works on items one by one, and gives way in between. */
export async function eachSlowly<T>(items: Iterable<T>, pause: Pause, work: (item: T) => void): Promise<void> {
  let count = 0;
  for (const item of items) {
    work(item);
    count += 1;
    if (count % stride === 0) {
      const resting = pause();
      if (resting !== null) await resting;
    }
  }
}
