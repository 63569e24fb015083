import type { Snapshot } from '../model/mod.ts';
import type { DnsSettings } from './settings.ts';

/** What of the cluster the settings make use of; the rest is not asked for, or not sent to workers. */
export interface DataNeeds {
  /** Verified names need all Pods; a search list tried for its Pods needs those of the node (specification 14.3). */
  readonly pods: 'none' | 'node' | 'all';
  /** Labels of all kinds of objects. */
  readonly labels: boolean;
  /** Names of Pods behind endpoints. */
  readonly podNames: boolean;
  /** Zones of endpoints. */
  readonly zones: boolean;
}

/** What all blocks together need. */
export function needsOf({ blocks }: Pick<DnsSettings, 'blocks'>): DataNeeds {
  const clusters = blocks.flatMap(({ kubernetes }) => (kubernetes === null ? [] : [kubernetes]));
  const ownPods = blocks.some(({ autopath }) => autopath !== null) ? 'node' : 'none';
  return {
    pods: clusters.some(({ pods }) => pods === 'verified') ? 'all' : ownPods,
    labels: clusters.some(({ labels, namespaceLabels }) => labels !== null || namespaceLabels !== null),
    podNames: clusters.some(({ endpointPodNames }) => endpointPodNames),
    zones: clusters.some(({ zonal, preferSameZone }) => zonal || preferSameZone),
  };
}

/** All that is needed has been read in full once: from here on what is not there does not exist (specification 15.2). */
export function isSynced(snapshot: Snapshot, needs: Pick<DataNeeds, 'pods'>): boolean {
  return snapshot.listed && snapshot.namespaces !== null && (needs.pods === 'none' || snapshot.pods !== null);
}
