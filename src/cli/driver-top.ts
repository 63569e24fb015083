import { systemClock } from '../observe/mod.ts';
import { waitForSignal } from './signals.ts';
import type { TopPlace } from './top.ts';

/** Lines of a terminal that says it has none. */
const usualRows = 24;

/** Where a process prints to, as far as it matters here. */
export interface Printer {
  readonly stdout: Partial<Pick<NodeJS.WriteStream, 'isTTY' | 'rows'>>;
  readonly env: NodeJS.ProcessEnv;
}

/** The process's own terminal, if it has one. Nothing is set apart where NO_COLOR says anything (no-color.org). */
export function openPlace({ stdout, env }: Printer = process): TopPlace {
  const rows = (): number => (stdout.rows !== undefined && stdout.rows > 0 ? stdout.rows : usualRows);
  const screen = { rows, color: (env['NO_COLOR'] ?? '') === '' };
  return { clock: systemClock, screen: stdout.isTTY === true ? screen : null, stopped: waitForSignal };
}
