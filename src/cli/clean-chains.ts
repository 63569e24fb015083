import { succeed } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import { makeIptablesPlanes } from './make-iptables-planes.ts';

/** Removes the chains of iptables mode in one family. Where no iptables is installed nobody can have made them. */
export async function cleanChains(family: Family): Promise<Outcome<readonly string[]>> {
  const made = await makeIptablesPlanes({ families: [family], strays: null, pause: () => null, degraded: () => {} });
  if (!made.ok) return made.problem.code === 'WP_IPTABLES_TOOL_MISSING' ? succeed([]) : made;
  const [plane] = made.value.planes;
  const cleaned = plane === undefined ? succeed([]) : await plane.cleanup();
  await made.value.close();
  return cleaned;
}
