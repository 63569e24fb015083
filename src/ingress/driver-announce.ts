import { readFile, writeFile } from 'node:fs/promises';
import { fail, succeed } from '../model/mod.ts';
import type { Family, Outcome, Pause } from '../model/mod.ts';
import { netlinkProtocol, openFrames, openNeighbourPort, openNotifications, openRoutePort } from '../netlink/mod.ts';
import type { Subscription } from '../netlink/mod.ts';
import { createAnnounceKernel } from './announce-kernel.ts';
import type { AnnounceKernel, ParameterPort } from './announce-kernel.ts';

export interface AnnounceKernelSettings {
  readonly family: Family;
  readonly pause: Pause;
  /** `ingress.announce.interfaces`. */
  readonly devices: readonly string[];
}

/** The kernel of the network namespace of this process. Fails with `WP_NETLINK_*`. */
export async function openAnnounceKernel({ family, pause, devices }: AnnounceKernelSettings): Promise<Outcome<AnnounceKernel>> {
  const frames = await openFrames();
  if (!frames.ok) return frames;
  const routes = await openRoutePort({ family, pause });
  if (!routes.ok) return routes;
  const neighbours = await openNeighbourPort({ family, pause });
  if (!neighbours.ok) {
    routes.value.close();
    return neighbours;
  }
  const parts = { routes: routes.value, neighbours: neighbours.value, frames: frames.value };
  return succeed(createAnnounceKernel({ ...parts, parameters: procParameters, devices }));
}

/** `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR` and `RTNLGRP_IPV6_IFADDR`. */
const interfaceGroups: readonly number[] = [1, 5, 9];

/** Calls back when an interface or one of its addresses changed: `Announcer.recheck` is to be called then. Fails with `WP_NETLINK_*`. */
export function watchInterfaces(onChange: () => void): Promise<Outcome<Subscription>> {
  return openNotifications({ protocol: netlinkProtocol.route, groups: interfaceGroups }, () => onChange());
}

const procParameters: ParameterPort = {
  async read(path) {
    try {
      return (await readFile(`/proc/sys/${path}`, 'utf8')).trim();
    } catch {
      return null;
    }
  },
  async write(path, value) {
    try {
      await writeFile(`/proc/sys/${path}`, value, { flag: 'r+' });
      return succeed(undefined);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return fail('WP_INGRESS_PARAMETER', `${path.replaceAll('/', '.')} cannot be set to ${value}: ${reason}`, cause);
    }
  },
};
