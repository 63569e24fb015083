import { succeed } from '../model/mod.ts';
import type { DataPlane, Family, Outcome } from '../model/mod.ts';
import { createNftablesDataPlane, planeTable, probeNftables, shareGenerations } from '../nftables/mod.ts';
import type { OwnGenerations } from '../nftables/mod.ts';
import { straysOf } from './make-data-planes.ts';
import type { DataPlaneOptions, DataPlanes } from './make-data-planes.ts';
import { openNft } from './open-nft.ts';
import { nameTables } from './watch-kernel.ts';

/** Data planes of nftables mode, each with a socket of its own. A kernel that lacks a part of what they need is a failure. */
export async function makeNftablesPlanes(options: DataPlaneOptions): Promise<Outcome<DataPlanes>> {
  const { generations = shareGenerations() } = options;
  // What was opened is closed again unless all of it could be.
  await using opened = new AsyncDisposableStack();
  const planes: DataPlane[] = [];
  for (const family of options.families) {
    // oxlint-disable-next-line no-await-in-loop -- both would try the same kernel
    const plane = await makePlane(family, options, generations, opened);
    if (!plane.ok) return plane;
    planes.push(plane.value);
  }
  const kept = opened.move();
  return succeed({
    planes,
    notes: { nftablesDriver: options.config.nftablesDriver },
    // What a tool does for us cannot be told from what it does for others.
    ...(options.config.nftablesDriver === 'netlink' ? { holdings: { tables: nameTables(planeTable), routes: null } } : {}),
    close: () => kept.disposeAsync(),
  });
}

async function makePlane(
  family: Family,
  { config, pause }: DataPlaneOptions,
  generations: OwnGenerations,
  opened: AsyncDisposableStack,
): Promise<Outcome<DataPlane>> {
  const port = await openNft(config.nftablesDriver, pause);
  if (!port.ok) return port;
  opened.defer(() => port.value.close());
  const missing = await probeNftables(port.value, family);
  if (missing !== null) return { ok: false, problem: missing };
  return succeed(
    createNftablesDataPlane({
      family,
      port: port.value,
      generations,
      serviceCidrs: config.serviceCidrs,
      strays: straysOf(config.ingress),
      pause,
      now: () => performance.now(),
    }),
  );
}
