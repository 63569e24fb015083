import { createShell } from '../iptables/mod.ts';
import type { ShellResult } from '../iptables/mod.ts';

/** A trace of a node of 10,000 Services takes about two seconds; a slow machine may take its time. */
const timeoutSeconds = 30;
const maxOutputBytes = 16 * 1024 * 1024;

/**
 * Runs `waypost trace` in a process of its own, so that reading and walking the rules of a large node does not hold up the loop that
 * programs it. `words` follow the command; no shell reads them.
 */
export async function runTraceChild(words: readonly string[]): Promise<ShellResult> {
  const [, program = ''] = process.argv;
  const argv = [process.execPath, ...process.execArgv, program, 'trace', '--output', 'json', ...words];
  const shell = createShell();
  try {
    return await shell.run({ argv, input: null, timeoutSeconds, maxOutputBytes });
  } finally {
    await shell.close();
  }
}
