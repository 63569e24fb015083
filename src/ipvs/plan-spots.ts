import type { Frontend, ServiceKey } from '../model/mod.ts';

/** Text that is equal for frontends that the same packets would match: `TCP 10.96.0.1:443`, `UDP *:30053`. */
export function spotOf({ address, protocol, port }: Pick<Frontend, 'address' | 'protocol' | 'port'>): string {
  return `${protocol} ${address?.includes(':') === true ? `[${address}]` : (address ?? '*')}:${port}`;
}

/**
 * Which Service has which spot. Of several that ask for one, the first by name gets it, whatever the order in which they
 * asked, so that any history ends in the same kernel.
 */
export class Spots {
  readonly #claims = new Map<string, Set<ServiceKey>>();
  readonly #spots = new Map<ServiceKey, ReadonlySet<string>>();

  /** Replaces what a Service asks for, and gives the other Services that thereby gain or lose a spot. */
  claim(service: ServiceKey, frontends: readonly Frontend[]): ReadonlySet<ServiceKey> {
    const affected = new Set<ServiceKey>();
    const next = new Set(frontends.map(spotOf));
    const before = this.#spots.get(service) ?? new Set<string>();
    for (const spot of before.difference(next)) this.#release(spot, service, affected);
    for (const spot of next.difference(before)) this.#take(spot, service, affected);
    if (next.size === 0) this.#spots.delete(service);
    else this.#spots.set(service, next);
    return affected;
  }

  ownerOf(spot: string): ServiceKey | null {
    let first: ServiceKey | null = null;
    for (const service of this.#claims.get(spot) ?? []) if (first === null || service < first) first = service;
    return first;
  }

  /** Spots that a Service asks for and another has. */
  denied(service: ServiceKey): readonly string[] {
    return [...(this.#spots.get(service) ?? [])].filter((spot) => this.ownerOf(spot) !== service);
  }

  #release(spot: string, service: ServiceKey, affected: Set<ServiceKey>): void {
    const claims = this.#claims.get(spot);
    const owned = this.ownerOf(spot) === service;
    claims?.delete(service);
    if (claims?.size === 0) this.#claims.delete(spot);
    const heir = this.ownerOf(spot);
    if (owned && heir !== null) affected.add(heir);
  }

  #take(spot: string, service: ServiceKey, affected: Set<ServiceKey>): void {
    const owner = this.ownerOf(spot);
    const claims = this.#claims.get(spot);
    if (claims === undefined) this.#claims.set(spot, new Set([service]));
    else claims.add(service);
    if (owner !== null && this.ownerOf(spot) === service) affected.add(owner);
  }
}
