import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A second client of the API server, in a process of its own: what it sees late is the server's doing and not the agent's. */
export interface OtherWatch {
  /** When each event since the start has come, in nanoseconds of the monotonic clock. */
  readonly arrivals: readonly bigint[];
  close(): void;
}

/** Resolves when the watch has begun. */
export async function openOtherWatch(url: string, version: number): Promise<OtherWatch> {
  const script = fileURLToPath(new URL('watch-probe.ts', import.meta.url));
  const child = spawn(process.execPath, [script, url, String(version)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const close = (): void => void child.kill('SIGKILL');
  // On every way out, Ctrl-C included.
  process.once('exit', close);
  const arrivals: bigint[] = [];
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the second watch ended before it began')));
  await Promise.race([once(lines, 'line'), ended]);
  lines.on('line', (line) => arrivals.push(BigInt(line)));
  return { arrivals, close };
}
