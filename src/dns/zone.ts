import { parseAddress } from '../model/mod.ts';
import { rcode, recordType } from './constants.ts';
import { isWithin, labelsOf } from './name.ts';
import type { Name } from './name.ts';
import type { ResourceRecord } from './record.ts';
import type { KubernetesSettings } from './settings.ts';
import { packAddress } from './zone-address.ts';
import type { Lease, Zone, ZoneAnswer } from './zone-contract.ts';
import { createForwardZone } from './zone-forward.ts';
import type { ForwardOptions, Found, FoundData } from './zone-forward.ts';
import { findReverse } from './zone-reverse.ts';
import { nameRecord, soaRecord } from './zone-records.ts';
import { ZoneStore } from './zone-store.ts';

/** CNAMEs that are followed before the chain is given up (specification 3.5). */
const longestChain = 16;

/** The zones of a cluster: names of Services, endpoints and pods, and of their addresses. */
export function createZone(settings: KubernetesSettings, options: ForwardOptions): Zone {
  const store = new ZoneStore(settings);
  const resolver = new Resolver(store, settings, options);
  return {
    apply: (change) => store.apply(change),
    get synced() {
      return store.synced;
    },
    lookup: (name, type) => resolver.lookup(name, type),
    zones: resolver.zones,
    namespaceOf: (address) => {
      const parsed = parseAddress(address);
      return parsed === null ? null : store.pods.namespaceOf(packAddress(parsed));
    },
  };
}

class Resolver {
  readonly zones: readonly Name[];
  readonly #store: ZoneStore;
  readonly #settings: KubernetesSettings;
  readonly #find: (name: Name, type: number, zone: Name) => Found;
  readonly #domainOf: (zone: Name) => Name;
  /** SOA records of the present serial number: a denial is most of what a resolver says. */
  readonly #soas = new Map<Name, ResourceRecord>();
  #soaSerial = -1;

  constructor(store: ZoneStore, settings: KubernetesSettings, options: ForwardOptions) {
    this.#store = store;
    this.#settings = settings;
    this.zones = [...new Set([...settings.zones, ...settings.reverseZones])].toSorted((a, b) => b.length - a.length);
    const forward = createForwardZone(store, settings, options);
    const [domain = ''] = settings.zones;
    const isForward = new Set(settings.zones);
    this.#domainOf = (zone) => (isForward.has(zone) ? zone : domain);
    this.#find = (name, type, zone) => {
      if (isForward.has(zone))
        return forward.find(labelsOf(name.slice(0, name.length - zone.length)), { name, type, domain: zone });
      // The apex of a reverse zone is as any zone's, unless what we do not own goes on to the next stage.
      const isApex = name === zone && !fallsThrough(settings, name);
      if (isApex && (type === recordType.SOA || type === recordType.NS)) return forward.find([], { name, type, domain });
      const found = findReverse(store, settings, domain, name, type);
      return isApex && found.kind === 'missing' ? forward.find([], { name, type, domain }) : found;
    };
  }

  lookup(name: Name, type: number): ZoneAnswer | null {
    const zone = this.#zoneOf(name);
    if (zone === null) return null;
    const found = this.#find(name, type, zone);
    if (found.kind !== 'alias') return this.#conclude(found, name, zone);
    const link = nameRecord(name, recordType.CNAME, this.#settings.ttl, found.target);
    const end: ZoneAnswer = { ...noData(zone, found.because, found.lease), answer: [link] };
    return type === recordType.CNAME ? end : this.#follow(end, found.target, type);
  }

  /** The chain behind a first CNAME, for as long as it stays with us (RFC 1034 3.6.2). */
  #follow(start: ZoneAnswer, target: Name, type: number): ZoneAnswer {
    const links = [...start.answer];
    const seen = new Set(links.map(({ name }) => name));
    let because = start.because;
    for (let current = target; ;) {
      const zone = this.#zoneOf(current);
      // Only what leaves our zones at once holds for as long as the one Service stays as it is.
      const lease = zone === null && links.length === 1 ? start.lease : this.#store.moment.lease;
      const chain = { ...start, answer: links, because, lease };
      if (zone === null) return { ...chain, chase: current };
      if (seen.has(current)) return { ...chain, rcode: rcode.SERVFAIL, because: `${because}; the aliases go round in a circle` };
      const found = this.#find(current, type, zone);
      because = `${because}; ${found.because}`;
      if (found.kind !== 'alias') {
        const end = this.#conclude(found, current, zone);
        if (end === null) return { ...chain, chase: current };
        const preferred = (end.preferred ?? 0) === 0 ? 0 : links.length + (end.preferred ?? 0);
        return { ...end, answer: [...links, ...end.answer], preferred, zone: start.zone, lease, because };
      }
      if (links.length === longestChain)
        return { ...chain, rcode: rcode.SERVFAIL, because: `${because}; more than ${longestChain} aliases` };
      links.push(nameRecord(current, recordType.CNAME, this.#settings.ttl, found.target));
      seen.add(current);
      current = found.target;
    }
  }

  /** Null: the name is missing here, and the next stage may know it. */
  #conclude(found: Exclude<Found, { kind: 'alias' }>, name: Name, zone: Name): ZoneAnswer | null {
    const moment = this.#store.moment.lease;
    if (found.kind === 'unknown') return { ...noData(zone, found.because, moment), rcode: rcode.SERVFAIL };
    if (found.kind === 'missing') {
      if (fallsThrough(this.#settings, name)) return null;
      return { ...noData(zone, found.because, moment), rcode: rcode.NXDOMAIN, authority: [this.#soaOf(zone)] };
    }
    if (found.answer.length === 0) return { ...noData(zone, found.because, moment), authority: [this.#soaOf(zone)] };
    return { ...noData(zone, found.because, found.lease), ...recordsOf(found) };
  }

  #zoneOf(name: Name): Name | null {
    return this.zones.find((zone) => isWithin(name, zone)) ?? null;
  }

  #soaOf(zone: Name): ResourceRecord {
    if (this.#soaSerial !== this.#store.serial) this.#soas.clear();
    this.#soaSerial = this.#store.serial;
    const known = this.#soas.get(zone);
    if (known !== undefined) return known;
    const soa = soaRecord(zone, this.#domainOf(zone), this.#store.serial, this.#settings.ttl);
    this.#soas.set(zone, soa);
    return soa;
  }
}

function recordsOf({ answer, additional, preferred }: FoundData): Pick<ZoneAnswer, 'answer' | 'additional' | 'preferred'> {
  return { answer, additional, preferred };
}

function fallsThrough(settings: KubernetesSettings, name: Name): boolean {
  return settings.fallthrough.some((zone) => isWithin(name, zone));
}

function noData(zone: Name, because: string, lease: Lease): ZoneAnswer {
  return {
    rcode: rcode.NOERROR,
    authoritative: true,
    answer: [],
    authority: [],
    additional: [],
    preferred: 0,
    lease,
    chase: null,
    zone,
    because,
  };
}
