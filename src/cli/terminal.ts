import type { Problem } from '../model/mod.ts';

/** Where a command writes. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The process's own output. A reader that went away must not end an agent, so such failures are let pass. */
export function openTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return { out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text) };
}

/** Milliseconds that the end of the process waits for whoever reads its log. */
const logPatience = 1000;

/**
 * Waits until all output is written: pipes take it in pieces, and `process.exit` drops the rest. A reader of
 * the log that no longer reads holds the end up for a second at most; one of a table or of JSON may take its time.
 */
export async function flushOutput(): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, logPatience);
  await Promise.all([drain(process.stdout), Promise.race([drain(process.stderr), late])]);
}

function drain(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  return promise;
}

/** One line for each problem. */
export function printProblems(terminal: Terminal, problems: readonly Problem[]): void {
  for (const { message } of problems) terminal.err(`waypost: ${message}\n`);
}
