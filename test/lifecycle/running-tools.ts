import { readFileSync, readdirSync } from 'node:fs';
import { pollUntil } from '../lab/mod.ts';

/** The command lines of the programs that an agent's helper shells run at this moment. */
function listRunningTools(agentPid: number): readonly string[] {
  const parents = new Map(listPids().map((pid) => [pid, parentOf(pid)]));
  const shells = new Set([...parents].filter(([, parent]) => parent === agentPid).map(([pid]) => pid));
  const tools = [...parents].filter(([, parent]) => parent !== null && shells.has(parent)).map(([pid]) => pid);
  return tools.map(commandOf).filter((command) => command !== '');
}

/** Waits until a restore is under way; false if none was seen in the time. */
export async function waitForRestore(agentPid: number, timeoutMs: number): Promise<boolean> {
  const seen = pollUntil(
    'a restore',
    async () => (listRunningTools(agentPid).some((command) => /tables-(?:nft-|legacy-)?restore/.test(command)) ? true : null),
    { timeoutMs, everyMs: 1 },
  );
  return seen.catch(() => false);
}

function listPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Null for a process that has ended meanwhile. */
function parentOf(pid: number): number | null {
  // The name in parentheses may hold anything; state and parent follow it (proc_pid_stat(5)).
  const stat = readQuietly(`/proc/${pid}/stat`);
  return stat === '' ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function commandOf(pid: number): string {
  return readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
