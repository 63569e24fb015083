import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { patient } from './patience.ts';
import { renderRemoval } from './script.ts';

/** What a command said. `code` is null where a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const commandTimeoutMs = patient(30_000);

/** Runs a command to its end, in a namespace or, with null, in this one. Rejects only where it cannot be started. */
export function runIn(
  namespace: string | null,
  command: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  const [file = command, ...rest] = inNamespace(namespace, command, args);
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      rest,
      { timeout: commandTimeoutMs, maxBuffer: 64 * 1024 * 1024, ...(options.env === undefined ? {} : { env: options.env }) },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code === 'string') reject(error);
        else resolve({ code: child.exitCode, stdout, stderr });
      },
    );
    // A command that ends before it has read its input is judged by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** Starts a command that goes on. `ip netns exec` becomes the command itself, so the child's pid is the command's. */
export function spawnIn(namespace: string, command: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess {
  const [file = command, ...rest] = inNamespace(namespace, command, args);
  return spawn(file, rest, { stdio: 'pipe', ...(env === undefined ? {} : { env }) });
}

function inNamespace(namespace: string | null, command: string, args: readonly string[]): string[] {
  return namespace === null ? [command, ...args] : ['ip', 'netns', 'exec', namespace, command, ...args];
}

/** Removes namespaces without waiting for the event loop: the only kind of work an `exit` handler can do. */
export function removeNamespacesNow(namespaces: readonly string[]): void {
  if (namespaces.length > 0)
    spawnSync('ip', ['-force', '-batch', '-'], { input: renderRemoval(namespaces), timeout: patient(10_000) });
}

/** Removes namespaces; those that are gone already are no failure. */
export async function removeNamespaces(namespaces: readonly string[]): Promise<void> {
  if (namespaces.length > 0) await runIn(null, 'ip', ['-force', '-batch', '-'], { input: renderRemoval(namespaces) });
}

/** The names under which `ip netns` knows namespaces on this machine. */
export function listNamespaces(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

/**
 * Removes what labs left behind whose process was killed: their namespaces and the processes in
 * those, which only that lab can have started.
 */
export async function sweepAbandoned(): Promise<void> {
  const abandoned = listNamespaces().filter((name) => {
    const owner = ownerOf(name);
    return owner !== null && !isRunning(owner);
  });
  for (const name of abandoned) for (const pid of pidsIn(name)) endProcess(pid);
  await removeNamespaces(abandoned);
}

/** The pid in a name that a lab gave, or null for a foreign name. */
export function ownerOf(namespace: string): number | null {
  const match = /^wp(\d+)-\d+-[a-z0-9]+$/.exec(namespace);
  return match === null ? null : Number(match[1]);
}

function pidsIn(namespace: string): number[] {
  const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8', timeout: patient(10_000) });
  return (stdout ?? '').split('\n').filter(Boolean).map(Number);
}

/** Whether there is such a process. One that has ended and only waits to be noticed by its parent is none. */
export function isRunning(pid: number): boolean {
  try {
    // The state letter follows the name, which is in parentheses and may hold anything (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Ends a process at once; one that is gone already is no failure. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
