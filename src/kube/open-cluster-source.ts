import type { Outcome } from '../model/mod.ts';
import type { ClusterSourceOptions } from './cluster-source.ts';
import type { Source } from './source.ts';

/**
 * A source that lists and watches an API server. Loaded on demand: the Kubernetes client costs an agent
 * that reads manifests time and memory for nothing.
 */
export async function openClusterSource(options: ClusterSourceOptions): Promise<Outcome<Source>> {
  const { createClusterSource } = await import('./cluster-source.ts');
  return createClusterSource(options);
}
