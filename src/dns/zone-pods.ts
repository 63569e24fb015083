import { matchesSelector } from '../model/mod.ts';
import { ReverseIndex } from './reverse-index.ts';
import type { KubernetesSettings } from './settings.ts';
import type { ZonePod } from './zone-input.ts';
import { packAddress } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';

interface PodEntry {
  readonly namespace: string;
  readonly addresses: readonly RawAddress[];
  readonly local: boolean;
}

/** Pods by address: for verified pod names (specification 3.7) and for the namespace of who asks (14.2). */
export class PodStore {
  readonly #settings: KubernetesSettings;
  readonly #pods = new Map<string, PodEntry>();
  readonly #index = new ReverseIndex<PodEntry>();
  /** One text for each namespace, however many pods name it. */
  readonly #namespaces = new Map<string, string>();

  constructor(settings: KubernetesSettings) {
    this.#settings = settings;
  }

  /** Whether an answer may have changed by it. */
  apply(pods: readonly ZonePod[], removed: readonly string[]): boolean {
    let changed = false;
    for (const key of removed) changed = this.#remove(key) || changed;
    for (const pod of pods) changed = this.#replace(pod) || changed;
    // In the other modes pods are in no answer.
    return changed && this.#settings.pods === 'verified';
  }

  /** Whether a pod has the address; in any namespace that `accepts` likes. */
  has(address: RawAddress, accepts: (namespace: string) => boolean): boolean {
    return this.#at(address).some((pod) => accepts(pod.namespace));
  }

  /** Null where no pod of this node has the address, or pods of several namespaces do, as those of the host's network. */
  namespaceOf(address: RawAddress): string | null {
    const namespaces = new Set(this.#at(address).flatMap((pod) => (pod.local ? [pod.namespace] : [])));
    const [namespace] = namespaces;
    return namespaces.size === 1 && namespace !== undefined ? namespace : null;
  }

  #at(address: RawAddress): readonly PodEntry[] {
    return this.#index.candidates(address).filter((pod) => pod.addresses.includes(address));
  }

  #replace(pod: ZonePod): boolean {
    const isKept = matchesSelector(this.#settings.labels, pod.labels) && (pod.local || this.#settings.pods === 'verified');
    if (!isKept) return this.#remove(pod.key);
    const addresses = [...new Set(pod.addresses.map(packAddress))];
    const old = this.#pods.get(pod.key);
    if (old !== undefined && old.local === pod.local && String(old.addresses) === String(addresses)) return false;
    this.#remove(pod.key);
    const entry = { namespace: this.#shared(pod.namespace), addresses, local: pod.local };
    this.#pods.set(pod.key, entry);
    for (const address of addresses) this.#index.add(address, entry);
    return true;
  }

  #remove(key: string): boolean {
    const pod = this.#pods.get(key);
    if (pod === undefined) return false;
    for (const address of pod.addresses) this.#index.remove(address, pod);
    return this.#pods.delete(key);
  }

  #shared(namespace: string): string {
    const known = this.#namespaces.get(namespace);
    if (known === undefined) this.#namespaces.set(namespace, namespace);
    return known ?? namespace;
  }
}
