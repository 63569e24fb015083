import type { EffectiveConfig } from '../config/mod.ts';
import { createManifestSource, openClusterSource } from '../kube/mod.ts';
import type { RequestObserver, Source, TurnObserver } from '../kube/mod.ts';
import { succeed } from '../model/mod.ts';
import type { IngressData, Outcome, Pause } from '../model/mod.ts';
import { apiAccess } from './api-access.ts';

/** What the resolver needs beside what the proxy does. */
export interface SourceNeeds {
  readonly pods: 'none' | 'node' | 'all';
  readonly keepLabels: boolean;
}

/**
 * Opens where Services come from: the folder of manifests if one is named, else the API server. Fails
 * where a kubeconfig cannot be used; a server that does not answer is no failure.
 */
export async function makeSource(
  config: EffectiveConfig,
  nodeName: string,
  pause: Pause,
  observe: { readonly request: RequestObserver; readonly turn: TurnObserver },
  dns: SourceNeeds | null,
  ingress: IngressData | null,
): Promise<Outcome<Source>> {
  if (config.manifests !== null) return succeed(createManifestSource({ folder: config.manifests, nodeName, dns, ingress }));
  return await openClusterSource({
    ...apiAccess(config, nodeName),
    dns,
    ingress,
    pause,
    observeRequest: observe.request,
    observeTurn: observe.turn,
  });
}
