import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Sends a signal to all members of a process group; false where there are none left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Asks the members of a group to end, waits for them and makes those end that have not after `grace` milliseconds. */
export async function emptyGroup(group: number, grace: number): Promise<void> {
  if (!signalGroup(group, 'SIGTERM')) return;
  const deadline = performance.now() + grace;
  while (performance.now() < deadline && hasLiveMember(group)) await delay(20);
  signalGroup(group, 'SIGKILL');
}

/**
 * Whether a member of the group runs. Zombies do not: in a container whose first process reaps nobody they stay
 * for ever, and signals still "reach" them.
 */
function hasLiveMember(group: number): boolean {
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isLiveMember(entry, group));
}

function isLiveMember(pid: string, group: number): boolean {
  // proc(5): "pid (name) state ppid pgrp ..."; the name may hold anything, parentheses included.
  const stat = readStat(pid);
  const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return pgrp === String(group) && state !== 'Z' && state !== 'X';
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended since the listing.
    return '';
  }
}
