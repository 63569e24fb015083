import { existsSync } from 'node:fs';
import { makeConfig } from '../config/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import { makeDataPlanes } from './make-data-planes.ts';

/** Removes what IPVS mode of ours made in one family, for a mode that runs in its place. */
export async function cleanServers(family: Family): Promise<Outcome<readonly string[]>> {
  // Asking for virtual servers would load the module on a machine that has never used it.
  if (!existsSync('/proc/net/ip_vs')) return succeed([]);
  const defaults = makeConfig(new Map(), null);
  if (!defaults.ok) throw new Error('the defaults are not a valid configuration');
  const made = await makeDataPlanes({
    mode: 'ipvs',
    config: defaults.config,
    families: [family],
    pause: () => null,
    degraded: () => {},
  });
  if (!made.ok) return made;
  const [plane] = made.value.planes;
  const cleaned = plane === undefined ? succeed([]) : await plane.cleanup();
  await made.value.close();
  return cleaned;
}
