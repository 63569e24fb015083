import { setTimeout as sleep } from 'node:timers/promises';
import type { Family, Outcome, Pause } from '../model/mod.ts';
import { openTunnelPort } from '../netlink/mod.ts';
import type { TunnelPort } from '../netlink/mod.ts';
import { removeTunnel } from './tunnel-setup.ts';

export function openTunnels(pause: Pause): Promise<Outcome<TunnelPort>> {
  return openTunnelPort({ pause, sleep: async (milliseconds) => await sleep(milliseconds) });
}

/** Removes the receiving ends of direct return that are ours, in one family; says what was removed. */
export async function removeTunnels(family: Family): Promise<Outcome<readonly string[]>> {
  const opened = await openTunnels(() => null);
  if (!opened.ok) return opened;
  const removed = await removeTunnel(opened.value, family);
  opened.value.close();
  return removed;
}
