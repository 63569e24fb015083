import { clientClasses, hostPrefix, sideKey } from '../model/mod.ts';
import type { SideEntry } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { standardPolicy } from './data-plane-plan.ts';
import { spotOf } from './plan-spots.ts';
import { emptyPlan } from './plan-types.ts';
import type { Plan, Spot } from './plan-types.ts';
import { keyOfWish } from './routes.ts';
import type { RouteWish } from './routes.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import type { Touched, Wish } from './wish.ts';

/**
 * Spots that no Service asks for any more while their servers drain. Established connections go on being captured and
 * routed, new ones are refused. A Service that asks for the spot ends it.
 */
export class HeldSpots {
  readonly #options: IpvsOptions;
  readonly #kernel: Kernel;
  readonly #wish: Wish;
  /** Texts of the servers each spot waits for. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #byServer = new Map<string, Set<string>>();

  constructor(options: IpvsOptions, kernel: Kernel, wish: Wish) {
    this.#options = options;
    this.#kernel = kernel;
    this.#wish = wish;
  }

  /** A Service has the spot again. */
  drop(spot: string, touched: Touched): void {
    for (const text of this.#waiting.get(spot) ?? []) {
      const spots = this.#byServer.get(text);
      spots?.delete(spot);
      if (spots?.size === 0) this.#byServer.delete(text);
    }
    this.#waiting.delete(spot);
    this.#wish.remove(nameOf(spot), touched);
  }

  /** Holds a spot that no Service has if one of its servers, none of which is wanted, has connections to finish. */
  hold(spot: Spot, touched: Touched): void {
    const name = spotOf(spot);
    if (this.#waiting.has(name)) return;
    const draining = spot.servers.filter((text) => this.#wish.server(text) === null && this.#drains(text));
    if (draining.length === 0) return;
    this.#waiting.set(name, new Set(draining));
    for (const text of draining) this.#byServer.set(text, (this.#byServer.get(text) ?? new Set()).add(name));
    this.#wish.replace(this.#plan(spot), touched);
  }

  /** The server has gone, or is wanted again: spots that wait for no other are given up. */
  release(text: string, touched: Touched): void {
    for (const spot of this.#byServer.get(text) ?? []) {
      const waiting = this.#waiting.get(spot);
      waiting?.delete(text);
      if (waiting?.size === 0) this.drop(spot, touched);
    }
    this.#byServer.delete(text);
  }

  /** Servers may go in other ways than by draining. */
  prune(touched: Touched): void {
    for (const text of this.#byServer.keys()) {
      if ((this.#kernel.servers.get(text)?.destinations.size ?? 0) === 0) this.release(text, touched);
    }
  }

  #drains(text: string): boolean {
    const have = this.#kernel.servers.get(text);
    if (have === undefined || have.owner !== 'own' || have.destinations.size === 0) return false;
    const { milliseconds } = have.policy ?? standardPolicy(this.#options, have.server.key);
    return milliseconds > 0;
  }

  /** Of what makes the address local, whatever is there stays. */
  #plan(spot: Spot): Plan {
    const { address, protocol, port } = spot;
    const { entries, routes } = this.#kernel;
    const kept: SideEntry[] = clientClasses.map((client) => {
      return { kind: 'decision', client, address, protocol, port, decision: { verdict: 'reject' } };
    });
    const wishes: RouteWish[] = [];
    if (address !== null) {
      const prefix = hostPrefix(address);
      const local: SideEntry[] = [
        { kind: 'capture', address, protocol, port },
        { kind: 'capture-address', address },
        { kind: 'protected', prefix },
      ];
      kept.push(...local.filter((entry) => entries.has(sideKey(entry))));
      const ways: RouteWish[] = [
        { kind: 'service', prefix },
        { kind: 'captured', prefix },
        { kind: 'rule', captureBit: this.#options.captureBit },
      ];
      const captured = routes.has(keyOfWish({ kind: 'captured', prefix }));
      wishes.push(...ways.filter((way) => routes.has(keyOfWish(way)) && (way.kind !== 'rule' || captured)));
    }
    return {
      ...emptyPlan(nameOf(spotOf(spot)), noService),
      entries: new Map(kept.map((entry) => [sideKey(entry), entry])),
      routes: new Map(wishes.map((wish) => [keyOfWish(wish), wish])),
    };
  }
}

/** No Service is called so: names of Services have no space. */
function nameOf(spot: string): string {
  return `held ${spot}`;
}
