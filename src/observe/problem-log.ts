import type { Problem } from '../model/mod.ts';
import type { Logger } from './logger.ts';

/** Milliseconds for which a problem that was said is not said again. */
const quiet = 60_000;
const mostRemembered = 1000;

/**
 * Logs problems, the same one at most once a minute: what is tried again every second must not fill the
 * disk. When it is said again, the message tells how often it came in between.
 */
export function createProblemLog(logger: Logger, now: () => number): (problem: Problem) => void {
  const said = new Map<string, { readonly at: number; repeats: number }>();
  return (problem) => {
    const key = `${problem.code} ${problem.message}`;
    const earlier = said.get(key);
    if (earlier !== undefined && now() - earlier.at < quiet) {
      earlier.repeats += 1;
      return;
    }
    said.delete(key);
    if (said.size >= mostRemembered) said.delete(said.keys().next().value ?? '');
    said.set(key, { at: now(), repeats: 0 });
    const repeats = earlier?.repeats ?? 0;
    logger.problem(
      repeats === 0 ? problem : { ...problem, message: `${problem.message} (and ${repeats} times since last said)` },
    );
  };
}
