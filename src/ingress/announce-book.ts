import { familyOf, matchesSelector } from '../model/mod.ts';
import type { Address, Dirty, NodeRecord, ServiceKey, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { judgeAddresses } from './address-checks.ts';
import type { JudgeAddress } from './address-checks.ts';
import type { AnnounceWish } from './announce-election.ts';
import { modeOfPolicy, publishingMethod, publishingOf } from './publish-method.ts';
import type { PublisherFacts, PublisherOptions } from './publisher-settings.ts';

export type AnnounceBookOptions = Pick<PublisherOptions, 'mode' | 'settings' | 'facts'>;

/**
 * Which addresses Services want to be announced, and which nodes are good for it: those that accept for the Service and, where
 * only back ends of the node itself serve clients, those that have some. It follows from the cluster alone, so all nodes agree.
 */
export class AnnounceBook {
  readonly #options: AnnounceBookOptions;
  readonly #services = new Set<ServiceKey>();
  #wishes: ReadonlyMap<ServiceKey, readonly AnnounceWish[]> = new Map();
  #facts: PublisherFacts | null = null;
  #judge: JudgeAddress = () => null;

  constructor(options: AnnounceBookOptions) {
    this.#options = options;
  }

  /** Follows a commit; true if a wish may have changed. */
  take(snapshot: Snapshot, dirty: Dirty): boolean {
    for (const key of dirty.services) {
      if (this.#asks(snapshot.services.get(key))) this.#services.add(key);
      else this.#services.delete(key);
    }
    const facts = this.#options.facts();
    const same = facts === this.#facts;
    if (!same) {
      this.#facts = facts;
      this.#judge = judgeAddresses(this.#options.settings, facts);
    }
    const touched = [...dirty.services].some((key) => this.#services.has(key) || this.#wishes.has(key));
    if (same && !touched) return false;
    const keep = (key: ServiceKey): readonly AnnounceWish[] | undefined =>
      same && !dirty.services.has(key) ? this.#wishes.get(key) : undefined;
    this.#wishes = new Map([...this.#services].map((key) => [key, keep(key) ?? this.#wishesOf(snapshot, key)]));
    return true;
  }

  /** An address that several Services want is here once for each. */
  wishes(): readonly AnnounceWish[] {
    return [...this.#wishes.values()].flat();
  }

  servicesOf(address: Address): readonly ServiceKey[] {
    return [...this.#wishes].filter(([, wishes]) => wishes.some((wish) => wish.address === address)).map(([service]) => service);
  }

  #asks(service: ServiceRecord | undefined): boolean {
    if (service === undefined || !service.proxied || service.publishing?.announce !== true) return false;
    const method = publishingMethod(service, this.#options.settings.className);
    return method !== null && method !== 'none';
  }

  #wishesOf({ services, slices }: Snapshot, key: ServiceKey): readonly AnnounceWish[] {
    const service = services.get(key);
    if (service === undefined) return [];
    const given = service.loadBalancer.filter(({ ipMode }) => ipMode === 'VIP').map(({ address }) => address);
    const addresses = [
      ...given.filter((address) => this.#judge(address, 'LoadBalancerIP') === null),
      ...service.externalIps.filter((address) => this.#judge(address, 'ExternalIP') === null),
    ];
    const accepting = this.#accepting(service);
    const holds = this.#servesOwnAlone(service);
    return [...new Set(addresses)].map((address) => {
      if (!holds) return { address, eligible: accepting };
      const holders = holdersOf(slices.get(key) ?? [], address);
      return { address, eligible: accepting.filter((node) => holders.has(node)) };
    });
  }

  #accepting(service: ServiceRecord): readonly string[] {
    const { nodeSelector } = publishingOf(service);
    const accepts = ({ leaving, labels }: NodeRecord): boolean => !leaving && matchesSelector(nodeSelector, labels);
    return [...(this.#facts?.nodes ?? [])].filter(([, node]) => accepts(node)).map(([name]) => name);
  }

  /** A node without back ends drops what clients outside send to it. */
  #servesOwnAlone(service: ServiceRecord): boolean {
    const { mode, settings } = this.#options;
    const { mode: asked } = publishingOf(service);
    if (asked === 'mesh' || asked === 'local') return asked === 'local';
    const method = publishingMethod(service, settings.className);
    const direct = asked === 'dsr' && settings.directReturn.enabled && mode === 'ipvs' && method === 'fwmark';
    return !direct && modeOfPolicy(service) === 'local';
  }
}

/** Nodes that have back ends; those whose back ends all terminate count where there are no others. */
function holdersOf(slices: readonly SliceRecord[], address: Address): ReadonlySet<string> {
  const endpoints = slices.filter(({ family }) => family === familyOf(address)).flatMap((slice) => slice.endpoints);
  const nodesOf = (state: 'ready' | 'serving'): ReadonlySet<string> =>
    new Set(endpoints.flatMap((endpoint) => (endpoint[state] && endpoint.nodeName !== null ? [endpoint.nodeName] : [])));
  const ready = nodesOf('ready');
  return ready.size > 0 ? ready : nodesOf('serving');
}
