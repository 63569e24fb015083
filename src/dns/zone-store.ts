import { matchesSelector, splitServiceKey } from '../model/mod.ts';
import { ReverseIndex } from './reverse-index.ts';
import type { KubernetesSettings } from './settings.ts';
import { NamespaceEntry, ServiceEntry, addressesOf, packService, sameData } from './zone-entry.ts';
import type { ServiceData } from './zone-entry.ts';
import type { ZoneChange, ZoneNamespace, ZoneService } from './zone-input.ts';
import { LeaseHolder } from './zone-lease.ts';
import type { RawAddress } from './zone-address.ts';
import { PodStore } from './zone-pods.ts';

/** The cluster as the zone keeps it: namespaces with their Services, who has an address, pods. */
export class ZoneStore {
  readonly pods: PodStore;
  /** Ends with the next visible change. */
  readonly moment = new LeaseHolder();
  readonly #settings: KubernetesSettings;
  readonly #namespaces = new Map<string, NamespaceEntry>();
  readonly #addresses = new ReverseIndex<ServiceEntry>();
  #synced = false;
  #serial = 0;

  constructor(settings: KubernetesSettings) {
    this.#settings = settings;
    this.pods = new PodStore(settings);
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** Seconds of the last visible change; runs ahead of the clock where several fall into one second (RFC 1982). */
  get serial(): number {
    return this.#serial;
  }

  apply(change: ZoneChange): void {
    let visible = false;
    for (const name of change.removedNamespaces) visible = this.#showNamespace(name, false) || visible;
    for (const namespace of change.namespaces) visible = this.#showNamespace(namespace.name, this.#admits(namespace)) || visible;
    for (const key of change.removedServices) {
      const { namespace, name } = splitServiceKey(key);
      visible = this.#removeService(namespace, name) || visible;
    }
    for (const service of change.services) visible = this.#replaceService(service) || visible;
    visible = this.pods.apply(change.pods, change.removedPods) || visible;
    const isFirst = change.synced && !this.#synced;
    if (!visible && !isFirst) return;
    this.#synced ||= change.synced;
    // What is read before the first sync is one change, whatever the number of its parts.
    this.#serial = Math.max(this.#serial + (this.#synced && !isFirst ? 1 : 0), change.at, this.#synced ? 1 : 0);
    this.moment.end();
  }

  /** The namespace if it exists for those who ask. */
  namespace(name: string): NamespaceEntry | null {
    const namespace = this.#namespaces.get(name);
    return namespace?.visible === true ? namespace : null;
  }

  *visibleNamespaces(): Generator<NamespaceEntry> {
    for (const namespace of this.#namespaces.values()) if (namespace.visible) yield namespace;
  }

  /** Services that may have the address as theirs or as an endpoint's, in the order of their keys. */
  servicesAt(address: RawAddress): readonly ServiceEntry[] {
    return this.#addresses
      .candidates(address)
      .filter((service) => service.namespace.visible)
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  #admits({ name, labels }: ZoneNamespace): boolean {
    const { namespaces, namespaceLabels } = this.#settings;
    return (namespaces === null || namespaces.includes(name)) && matchesSelector(namespaceLabels, labels);
  }

  #showNamespace(name: string, visible: boolean): boolean {
    const namespace = visible ? this.#openNamespace(name) : this.#namespaces.get(name);
    if (namespace === undefined || namespace.visible === visible) return false;
    namespace.visible = visible;
    namespace.end();
    for (const service of namespace.services.values()) service.end();
    this.#dropIfEmpty(namespace);
    return true;
  }

  #openNamespace(name: string): NamespaceEntry {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const namespace = new NamespaceEntry(name);
    this.#namespaces.set(name, namespace);
    return namespace;
  }

  #dropIfEmpty(namespace: NamespaceEntry): void {
    if (!namespace.visible && namespace.services.size === 0) this.#namespaces.delete(namespace.name);
  }

  #replaceService(service: ZoneService): boolean {
    const data = packService(service, this.#settings);
    if (data === null) return this.#removeService(service.namespace, service.name);
    const namespace = this.#openNamespace(service.namespace);
    const old = namespace.services.get(service.name);
    if (old === undefined) {
      const entry = new ServiceEntry(namespace, service.name, data);
      namespace.services.set(service.name, entry);
      for (const address of addressesOf(data)) this.#addresses.add(address, entry);
      return namespace.visible;
    }
    if (sameData(old.data, data)) return false;
    this.#reindex(old, data);
    old.data = data;
    old.end();
    return namespace.visible;
  }

  /** Only addresses that came or went are touched. */
  #reindex(entry: ServiceEntry, data: ServiceData): void {
    const before = addressesOf(entry.data);
    const after = addressesOf(data);
    for (const address of before) if (!after.has(address)) this.#addresses.remove(address, entry);
    for (const address of after) if (!before.has(address)) this.#addresses.add(address, entry);
  }

  #removeService(namespaceName: string, name: string): boolean {
    const namespace = this.#namespaces.get(namespaceName);
    const entry = namespace?.services.get(name);
    if (namespace === undefined || entry === undefined) return false;
    for (const address of addressesOf(entry.data)) this.#addresses.remove(address, entry);
    namespace.services.delete(name);
    entry.end();
    this.#dropIfEmpty(namespace);
    return namespace.visible;
  }
}

function keyOf(service: ServiceEntry): string {
  return `${service.namespace.name}/${service.name}`;
}
