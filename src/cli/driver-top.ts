import { systemClock } from '../observe/mod.ts';
import { waitForSignal } from './signals.ts';
import type { TopPlace } from './top.ts';

/** Lines of a terminal that says it has none. */
const usualRows = 24;

/** The process's own terminal, if it has one. Colours are left out where NO_COLOR says anything (no-color.org). */
export function openPlace(): TopPlace {
  const { stdout, env } = process;
  const screen = { rows: () => (stdout.rows > 0 ? stdout.rows : usualRows), color: (env['NO_COLOR'] ?? '') === '' };
  return { clock: systemClock, screen: stdout.isTTY ? screen : null, stopped: waitForSignal };
}
