import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The launcher of this checkout. */
export const launcher = fileURLToPath(new URL('../../bin/waypost', import.meta.url));

export interface ChildResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. `onStart` gets the process, to send it signals. */
export function runChild(
  command: string,
  words: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly onOutput?: (text: string, child: ChildProcess) => void } = {},
): Promise<ChildResult> {
  const child = spawn(command, words, { env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const { promise, resolve, reject } = Promise.withResolvers<ChildResult>();
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    options.onOutput?.(text, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, out, err }));
  return promise;
}
