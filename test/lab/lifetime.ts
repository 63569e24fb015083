import { rmSync } from 'node:fs';
import { endProcess, removeNamespacesNow } from './driver-netns.ts';

/** What must not outlive this process. */
export interface Belongings {
  readonly namespaces: readonly string[];
  readonly pids: ReadonlySet<number>;
  readonly folders: readonly string[];
}

const owned = new Set<Belongings>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Has the belongings removed when this process ends, however it ends short of SIGKILL. */
export function guard(belongings: Belongings): void {
  if (owned.size === 0) {
    process.on('exit', removeAll);
    for (const signal of signals) process.on(signal, endBySignal);
  }
  owned.add(belongings);
}

/** The owner has removed them itself. */
export function release(belongings: Belongings): void {
  owned.delete(belongings);
  if (owned.size > 0) return;
  process.off('exit', removeAll);
  for (const signal of signals) process.off(signal, endBySignal);
}

function removeAll(): void {
  for (const { pids } of owned) for (const pid of pids) endProcess(pid);
  removeNamespacesNow([...owned].flatMap(({ namespaces }) => namespaces));
  for (const { folders } of owned) for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  owned.clear();
}

function endBySignal(signal: NodeJS.Signals): void {
  removeAll();
  process.off(signal, endBySignal);
  // Unless somebody else handles the signal too, it does what it does without us.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
