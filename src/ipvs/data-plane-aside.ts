import { succeed } from '../model/mod.ts';
import type { DatagramTarget, DataPlaneSettings, Outcome, SideEntry } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { planSideSettings } from './plan-base.ts';
import type { IpvsOptions } from './settings.ts';

/**
 * Nothing is sent to the balancer any more, nor refused before another data plane has seen it: whose translation comes
 * first (dstnat, before routing) gets the new connections. What carries the established ones stays: servers, routes,
 * captures and what keeps their packets from sockets of the node. The packets of those are known to the balancer by
 * addresses and ports, so they need no decision.
 */
export async function stepAside(
  kernel: Kernel,
  options: IpvsOptions,
  settings: DataPlaneSettings,
): Promise<Outcome<readonly DatagramTarget[]>> {
  kernel.forget();
  const read = await kernel.refresh();
  if (!read.ok) return read;
  const leading = [...kernel.entries].filter(([, entry]) => leads(entry));
  if (leading.length === 0) return succeed([]);
  const keys = leading.map(([key]) => key);
  const { problem } = await kernel.changeSide(planSideSettings(settings, options, kernel.ownAddresses), [], keys);
  if (problem !== null) return { ok: false, problem };
  return succeed(leading.flatMap(([, entry]) => targetOf(entry)));
}

/**
 * What decides where a new connection goes, and whether it may. Rewriting knows no new from old: another data plane would see the
 * rewritten port and serve nobody, so the established connections it carries end here.
 */
function leads({ kind }: SideEntry): boolean {
  return (
    kind === 'decision' ||
    kind === 'sticky' ||
    kind === 'loopback' ||
    kind === 'restricted' ||
    kind === 'source' ||
    kind === 'rewrite'
  );
}

function targetOf(entry: SideEntry): readonly DatagramTarget[] {
  if (entry.kind !== 'decision' || entry.protocol !== 'UDP') return [];
  const { address, port, lastPort = port } = entry;
  return Array.from({ length: lastPort - port + 1 }, (_, index) => ({ address, port: port + index }));
}
