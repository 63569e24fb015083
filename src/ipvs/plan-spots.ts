import type { Frontend, ServiceKey } from '../model/mod.ts';
import { rewriteTarget, overlaps, spotOf, targetOf } from './target.ts';
import type { Target } from './target.ts';

/** What a Service asks for: a destination of clients, or one that its packets are rewritten to. */
interface Claim {
  readonly service: ServiceKey;
  readonly target: Target;
  /** Ports of clients come before ports that packets are rewritten to: those can be done without. */
  readonly rewritten: boolean;
  readonly precedence: string;
}

/** All that is asked for at one address and protocol. */
interface Place {
  /** By spot and Service. */
  readonly claims: Map<string, Map<ServiceKey, Claim>>;
  /** Claims of more than one port: without any, spots have nothing to do with each other. */
  ranges: number;
  /** Where there are ranges: the Service that has each spot, worked out when it is asked for. */
  winners: ReadonlyMap<string, Claim> | null;
}

/**
 * Which Service has which spot. Of several that ask for ports in common the one with the smaller precedence gets all of its
 * spot, and of equals the first by name, whatever the order in which they asked, so that any history ends in the same
 * kernel.
 */
export class Spots {
  readonly #places = new Map<string, Place>();
  readonly #claims = new Map<ServiceKey, ReadonlyMap<string, Claim>>();

  /** Replaces what a Service asks for, and gives the other Services that thereby gain or lose a spot. */
  claim(service: ServiceKey, frontends: readonly Frontend[]): ReadonlySet<ServiceKey> {
    const next = claimsOf(service, frontends);
    const before = this.#claims.get(service) ?? new Map<string, Claim>();
    const affected = new Set<ServiceKey>();
    const ranged = new Map<Place, ReadonlyMap<string, Claim>>();
    for (const spot of new Set([...before.keys(), ...next.keys()])) {
      const [old, now] = [before.get(spot), next.get(spot)];
      const target = (now ?? old)?.target;
      if (target === undefined || (old !== undefined && now !== undefined && rank(old, now) === 0)) continue;
      const place = this.#placeOf(target);
      if (place.ranges > 0 || isRange(target)) ranged.set(place, ranged.get(place) ?? winnersOf(place));
      const owner = ranged.has(place) ? null : ownerAt(place, spot);
      put(place, spot, service, now);
      const heir = ranged.has(place) ? null : ownerAt(place, spot);
      if (owner !== heir) for (const one of [owner, heir]) if (one !== null) affected.add(one.service);
      if (place.claims.size === 0) this.#places.delete(placeName(target));
    }
    for (const [place, had] of ranged) for (const one of changedHands(had, winnersOf(place))) affected.add(one);
    if (next.size === 0) this.#claims.delete(service);
    else this.#claims.set(service, next);
    affected.delete(service);
    return affected;
  }

  /** The Service that has this very spot. */
  ownerOf(target: Target): ServiceKey | null {
    const place = this.#places.get(placeName(target));
    return place === undefined ? null : (ownerAt(place, spotOf(target))?.service ?? null);
  }

  /** The Service that has a port of the target, this spot or another one. */
  holderOf(target: Target): ServiceKey | null {
    const place = this.#places.get(placeName(target));
    if (place === undefined) return null;
    if (place.ranges === 0 && !isRange(target)) return ownerAt(place, spotOf(target))?.service ?? null;
    return (
      winnersOf(place)
        .values()
        .find((claim) => overlaps(claim.target, target))?.service ?? null
    );
  }

  /** What a Service asks for and another has. */
  denied(
    service: ServiceKey,
  ): readonly { readonly spot: string; readonly rewritten: boolean; readonly holder: ServiceKey | null }[] {
    const claims = [...(this.#claims.get(service) ?? [])];
    return claims
      .filter(([, { target }]) => this.ownerOf(target) !== service)
      .map(([spot, { target, rewritten }]) => ({ spot, rewritten, holder: this.holderOf(target) }));
  }

  #placeOf(target: Target): Place {
    const name = placeName(target);
    const place = this.#places.get(name) ?? { claims: new Map(), ranges: 0, winners: null };
    this.#places.set(name, place);
    return place;
  }
}

/** By spot; what is asked for twice counts with the better claim. */
function claimsOf(service: ServiceKey, frontends: readonly Frontend[]): ReadonlyMap<string, Claim> {
  const claims = new Map<string, Claim>();
  const add = (target: Target, rewritten: boolean, precedence: string): void => {
    const claim = { service, target, rewritten, precedence };
    const known = claims.get(spotOf(target));
    if (known === undefined || rank(claim, known) < 0) claims.set(spotOf(target), claim);
  };
  for (const frontend of frontends) {
    add(targetOf(frontend), false, frontend.precedence);
    const to = rewriteTarget(frontend);
    if (to !== null) add(to, true, frontend.precedence);
  }
  return claims;
}

function put(place: Place, spot: string, service: ServiceKey, claim: Claim | undefined): void {
  const claims = place.claims.get(spot) ?? new Map<ServiceKey, Claim>();
  const old = claims.get(service);
  if (old !== undefined && isRange(old.target)) place.ranges -= 1;
  if (claim === undefined) claims.delete(service);
  else {
    claims.set(service, claim);
    if (isRange(claim.target)) place.ranges += 1;
  }
  if (claims.size === 0) place.claims.delete(spot);
  else place.claims.set(spot, claims);
  place.winners = null;
}

function ownerAt(place: Place, spot: string): Claim | null {
  if (place.ranges > 0) return winnersOf(place).get(spot) ?? null;
  let first: Claim | null = null;
  for (const claim of place.claims.get(spot)?.values() ?? []) if (first === null || rank(claim, first) < 0) first = claim;
  return first;
}

/** One after the other by precedence, each that shares no port with one of another Service before it. */
function winnersOf(place: Place): ReadonlyMap<string, Claim> {
  if (place.winners !== null) return place.winners;
  const winners = new Map<string, Claim>();
  const ranges: Claim[] = [];
  const isTaken = (claim: Claim): boolean => {
    const rivals = isRange(claim.target) ? winners.values() : [...ranges, winners.get(spotOf(claim.target))];
    for (const rival of rivals) {
      if (rival !== undefined && rival.service !== claim.service && overlaps(rival.target, claim.target)) return true;
    }
    return false;
  };
  for (const claim of [...place.claims.values()].flatMap((claims) => [...claims.values()]).toSorted(rank)) {
    if (isTaken(claim)) continue;
    winners.set(spotOf(claim.target), claim);
    if (isRange(claim.target)) ranges.push(claim);
  }
  place.winners = winners;
  return winners;
}

function changedHands(before: ReadonlyMap<string, Claim>, after: ReadonlyMap<string, Claim>): Set<ServiceKey> {
  const services = new Set<ServiceKey>();
  for (const spot of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(spot)?.service, after.get(spot)?.service];
    if (old !== now) for (const one of [old, now]) if (one !== undefined) services.add(one);
  }
  return services;
}

/** Negative where the first comes before the second; 0 where they are as good as each other, which only equal claims are. */
function rank(one: Claim, other: Claim): number {
  if (one.rewritten !== other.rewritten) return one.rewritten ? 1 : -1;
  return compare(one.precedence, other.precedence) || compare(one.service, other.service);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function isRange({ port, lastPort = port }: Target): boolean {
  return lastPort > port;
}

function placeName({ protocol, address }: Target): string {
  return `${protocol} ${address ?? '*'}`;
}
