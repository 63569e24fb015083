import { compareText } from '../model/mod.ts';
import type { Address, Protocol, ServiceKey } from '../model/mod.ts';

/** Ports of an address that a Service asks for, both ends included. */
export interface Claim {
  /**
   * `published`: clients connect to them. `rewrite`: packets get this port on the node, so nobody else's clients may
   * connect to it. Published ports go first, because a rewrite can be done without.
   */
  readonly use: 'published' | 'rewrite';
  readonly address: Address;
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

/** Who asks, and with what right: the smaller text goes first. */
export interface Claimant {
  readonly service: ServiceKey;
  readonly precedence: string;
}

interface Held {
  readonly claimant: Claimant;
  readonly claims: readonly Claim[];
}

/** Everything asked of one address and protocol, and for each claimant who stands in its way. */
interface Domain {
  readonly held: Map<ServiceKey, Held>;
  denied: ReadonlyMap<ServiceKey, ReadonlyMap<string, ServiceKey>>;
}

const nothing: ReadonlyMap<string, ServiceKey> = new Map();

/**
 * Who has which port of shared addresses. A claim is granted unless it overlaps one that was granted to another Service
 * with an earlier right; so the outcome is the same whatever the order in which Services asked.
 */
export class Claims {
  readonly #domains = new Map<string, Domain>();
  readonly #places = new Map<ServiceKey, ReadonlySet<string>>();

  /** Replaces all that a Service asks for. Gives the other Services for whom something changed hands. */
  replace(claimant: Claimant, claims: readonly Claim[]): ReadonlySet<ServiceKey> {
    const affected = new Set<ServiceKey>();
    const wanted = Map.groupBy(claims, domainOf);
    for (const place of new Set([...(this.#places.get(claimant.service) ?? []), ...wanted.keys()])) {
      this.#settle(place, claimant, wanted.get(place) ?? [], affected);
    }
    if (wanted.size === 0) this.#places.delete(claimant.service);
    else this.#places.set(claimant.service, new Set(wanted.keys()));
    affected.delete(claimant.service);
    return affected;
  }

  /** The Service that has what this one asks for, or null where it was granted. */
  rivalOf(service: ServiceKey, claim: Claim): ServiceKey | null {
    return this.#domains.get(domainOf(claim))?.denied.get(service)?.get(claimKey(claim)) ?? null;
  }

  #settle(place: string, claimant: Claimant, claims: readonly Claim[], affected: Set<ServiceKey>): void {
    const domain = this.#domains.get(place) ?? { held: new Map<ServiceKey, Held>(), denied: new Map() };
    const before = domain.held.get(claimant.service);
    if (before?.claimant.precedence === claimant.precedence && isSame(before.claims, claims)) return;
    if (claims.length === 0) domain.held.delete(claimant.service);
    else domain.held.set(claimant.service, { claimant, claims });
    if (domain.held.size === 0) {
      this.#domains.delete(place);
      return;
    }
    this.#domains.set(place, domain);
    // Nobody is in the way of the only one, which is the usual case.
    const denied = domain.held.size === 1 ? new Map<ServiceKey, ReadonlyMap<string, ServiceKey>>() : judge(domain.held.values());
    for (const service of domain.held.keys()) {
      if (!isSameVerdict(domain.denied.get(service) ?? nothing, denied.get(service) ?? nothing)) affected.add(service);
    }
    domain.denied = denied;
  }
}

interface Asked {
  readonly claim: Claim;
  readonly claimant: Claimant;
}

function judge(held: Iterable<Held>): ReadonlyMap<ServiceKey, ReadonlyMap<string, ServiceKey>> {
  const asked = [...held].flatMap(({ claimant, claims }) => claims.map((claim): Asked => ({ claimant, claim })));
  const ports = new Map<number, Asked[]>();
  const ranges: Asked[] = [];
  const denied = new Map<ServiceKey, Map<string, ServiceKey>>();
  for (const one of asked.toSorted(compareAsked)) {
    const rival = findRival(one, ports, ranges);
    if (rival !== null) {
      const mine = denied.get(one.claimant.service) ?? new Map<string, ServiceKey>();
      denied.set(one.claimant.service, mine.set(claimKey(one.claim), rival));
    } else if (one.claim.first === one.claim.last) {
      ports.set(one.claim.first, [...(ports.get(one.claim.first) ?? []), one]);
    } else ranges.push(one);
  }
  return denied;
}

/** Single ports are found by number, so that many Services can share an address. */
function findRival(
  { claimant, claim }: Asked,
  ports: ReadonlyMap<number, readonly Asked[]>,
  ranges: readonly Asked[],
): ServiceKey | null {
  const isRival = (other: Asked): boolean =>
    other.claimant.service !== claimant.service && other.claim.first <= claim.last && claim.first <= other.claim.last;
  const near = claim.first === claim.last ? (ports.get(claim.first) ?? []) : [...ports.values()].flat();
  return (near.find(isRival) ?? ranges.find(isRival))?.claimant.service ?? null;
}

function compareAsked(a: Asked, b: Asked): number {
  return (
    compareText(a.claim.use, b.claim.use) ||
    compareText(a.claimant.precedence, b.claimant.precedence) ||
    compareText(a.claimant.service, b.claimant.service) ||
    a.claim.first - b.claim.first
  );
}

function domainOf({ address, protocol }: Claim): string {
  return `${protocol} ${address}`;
}

function claimKey({ use, first, last }: Claim): string {
  return `${use} ${first}-${last}`;
}

function isSame(a: readonly Claim[], b: readonly Claim[]): boolean {
  return a.length === b.length && a.every((claim, at) => claimKey(claim) === claimKey(b[at] ?? claim));
}

function isSameVerdict(a: ReadonlyMap<string, ServiceKey>, b: ReadonlyMap<string, ServiceKey>): boolean {
  return a.size === b.size && [...a].every(([claim, rival]) => b.get(claim) === rival);
}
