import type { DataPlaneSettings, Family, NodeChoices, NodeRecord } from '../model/mod.ts';
import { resolveNodeAddress } from './settings.ts';
import type { Viewpoint } from './view.ts';

/** From where one family's Services are looked at, as far as the node is known. */
export function resolveViewpoint(
  from: { readonly choices: NodeChoices; readonly nodeName: string },
  family: Family,
  settings: DataPlaneSettings,
  node: NodeRecord | null,
): Viewpoint {
  return {
    family,
    nodeName: from.nodeName,
    zone: node?.zone ?? null,
    nodeAddress: resolveNodeAddress(from.choices, family, node),
    detectsPods: settings.podTraffic.kind !== 'none',
    masqueradeAll: from.choices.masqueradeAll,
    externalIps: from.choices.externalIps,
  };
}
