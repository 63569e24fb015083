import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { emptyGroup, signalGroup } from './process-group.ts';

/** How a child ended. `output` is empty where it wrote to our own terminal. */
export interface ChildEnd {
  readonly code: number | null;
  readonly output: string;
  /** Why it was made to end, where it was. */
  readonly stopped: string | null;
}

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds after which the child is ended. */
  readonly timeLimit: number;
  readonly capture: boolean;
  /** Aborts when the run is to end; the reason is a sentence. */
  readonly signal: AbortSignal;
}

/** Milliseconds that processes get between being asked to end and being made to. */
const grace = 10_000;

/**
 * Runs a script with this Node in a process group of its own, so that ending it ends what it started.
 * Standard input is empty: no check may ask a question. Nothing of the group is left when the promise resolves.
 */
export async function runChild(argv: readonly string[], options: ChildOptions): Promise<ChildEnd> {
  const stdio = options.capture ? 'pipe' : 'inherit';
  const child = spawn(process.execPath, argv, { env: options.env, detached: true, stdio: ['ignore', stdio, stdio] });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const drained = new Promise((resolve) => child.once('close', resolve));
  const stopper = createStopper(child.pid);
  const onAbort = (): void => stopper.stop(String(options.signal.reason));
  const limit = setTimeout(() => stopper.stop(`took longer than ${options.timeLimit / 1000} s`), options.timeLimit);
  options.signal.addEventListener('abort', onAbort);
  if (options.signal.aborted) onAbort();
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    await stopper.finish();
    await drained;
    return { code, output: Buffer.concat(chunks).toString('utf8'), stopped: stopper.reason() };
  } finally {
    clearTimeout(limit);
    options.signal.removeEventListener('abort', onAbort);
  }
}

interface Stopper {
  stop(reason: string): void;
  reason(): string | null;
  /** To be called when the leader of the group has ended: ends and awaits what it left behind. */
  finish(): Promise<void>;
}

/** `group` is undefined where the child could not be started. */
function createStopper(group: number | undefined): Stopper {
  let stopped: string | null = null;
  let killer: NodeJS.Timeout | undefined;
  return {
    stop: (reason) => {
      if (stopped !== null || group === undefined) return;
      stopped = reason;
      signalGroup(group, 'SIGTERM');
      killer = setTimeout(() => signalGroup(group, 'SIGKILL'), grace);
    },
    reason: () => stopped,
    finish: async () => {
      clearTimeout(killer);
      // Test workers outlive the runner by the moment in which they take down their namespaces.
      if (group !== undefined) await emptyGroup(group, grace);
    },
  };
}
