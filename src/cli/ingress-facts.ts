import { parseAddress } from '../model/mod.ts';
import type { Address, PodDetection, Prefix, Snapshot } from '../model/mod.ts';
import type { PublisherFacts } from '../ingress/mod.ts';

export interface FactSources {
  readonly podDetection: PodDetection;
  readonly serviceCidrs: readonly Prefix[];
  /** URL or host of the API server that the operator named; null: none. */
  readonly master: string | null;
  readonly localAddresses: () => readonly Address[];
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Interfaces are listed anew after this; the list costs more than the question. */
const freshMs = 2000;
/** The Service by which pods know the API server: its endpoints are where it runs. */
const apiService = 'default/kubernetes';

/** Follows what is known of the cluster. The same value is given as long as nothing of it changed. */
export class IngressFacts {
  readonly #sources: FactSources;
  #snapshot: Snapshot | null = null;
  #facts: PublisherFacts | null = null;
  #local = '';
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(sources: FactSources) {
    this.#sources = sources;
  }

  /** True if a part of it may have changed on which every published Service depends. */
  take(snapshot: Snapshot): boolean {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const same = before?.nodes === snapshot.nodes && before?.slices.get(apiService) === snapshot.slices.get(apiService);
    if (!same) this.#facts = null;
    return !same;
  }

  read(): PublisherFacts {
    const { localAddresses, now } = this.#sources;
    if (this.#facts !== null && now() - this.#readAt < freshMs) return this.#facts;
    const addresses = localAddresses();
    const text = addresses.toSorted().join(' ');
    this.#readAt = now();
    if (this.#facts !== null && text === this.#local) return this.#facts;
    this.#local = text;
    this.#facts = this.#derive(addresses);
    return this.#facts;
  }

  #derive(nodeAddresses: readonly Address[]): PublisherFacts {
    const { podDetection, serviceCidrs, master } = this.#sources;
    const slices = this.#snapshot?.slices.get(apiService) ?? [];
    const named = hostOf(master);
    return {
      nodeAddresses,
      apiServers: [
        ...(named === null ? [] : [named]),
        ...slices.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
      ],
      podCidrs: podDetection.kind === 'cluster-cidr' ? podDetection.prefixes : [],
      serviceCidrs,
      nodes: this.#snapshot?.nodes ?? null,
    };
  }
}

/** The address in a URL, or null where it has a name. */
function hostOf(master: string | null): Address | null {
  if (master === null || !URL.canParse(master)) return null;
  return parseAddress(new URL(master).hostname.replaceAll(/^\[|\]$/g, ''));
}
