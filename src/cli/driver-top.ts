import { systemClock } from '../observe/mod.ts';
import { waitForSignal } from './signals.ts';
import type { TopPlace } from './top.ts';

/** The process's own terminal, if it has one. Colours are left out where NO_COLOR says anything (no-color.org). */
export function openPlace(): TopPlace {
  const { stdout, env } = process;
  const screen = { rows: () => stdout.rows, color: (env['NO_COLOR'] ?? '') === '' };
  return { clock: systemClock, screen: stdout.isTTY ? screen : null, stopped: waitForSignal };
}
