import type { BlockDraft } from './corefile-draft.ts';
import { isWithin, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { ServerBlock } from './settings.ts';
import { plainBlock, stockKubernetes } from './settings-default.ts';
import { reverseZones } from './settings-zones.ts';

/**
 * Turns a node-local cache's blocks for the cluster's zones, which ask the cluster's DNS, into one block that serves them from
 * the API (specification 21.3): the data is on the node anyway. What the zones leave open goes where the root block sends it.
 * Blocks that name an address in place of the cluster's DNS stay what they are: a cache only (16.4).
 */
export function serveLocally(drafts: readonly BlockDraft[], clusterDomain: Name): readonly ServerBlock[] {
  const asking = drafts.filter(({ asksCluster }) => asksCluster).map(({ block }) => block);
  const others = drafts.filter(({ asksCluster }) => !asksCluster).map(({ block }) => block);
  const base = asking.find(({ zones }) => zones.some((zone) => !isReverse(zone))) ?? asking[0];
  if (base === undefined) return others;
  const zones = [...new Set(asking.flatMap((block) => block.zones))];
  const forwardZones = zones.filter((zone) => !isReverse(zone) && zone !== rootName);
  const own = forwardZones.length > 0 ? forwardZones : [clusterDomain];
  const reverse = zones.filter(isReverse);
  const rest = others.find((block) => block.zones.includes(rootName)) ?? plainBlock([], base.port);
  const cache = base.cache === null ? null : { ...base.cache, disableSuccess: own, disableDenial: own };
  const kubernetes = { ...stockKubernetes(own), reverseZones: reverse, fallthrough: reverse };
  // The cluster's DNS would have shuffled.
  return [{ ...base, zones, cache, kubernetes, shuffle: true, forward: [...base.forward, ...rest.forward] }, ...others];
}

function isReverse(zone: Name): boolean {
  return reverseZones.some((root) => isWithin(zone, root));
}
