import type { DecisionEntry, RewriteEntry, SideEntry } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { standardPolicy } from './data-plane-plan.ts';
import { planHeld, reachOf } from './plan-held.ts';
import type { Spot } from './plan-types.ts';
import type { IpvsOptions } from './settings.ts';
import { overlaps, spotOf } from './target.ts';
import type { Touched, Wish } from './wish.ts';

/** What ends the holding of a spot. */
interface Held {
  readonly spot: Spot;
  /** Texts of servers that drain. */
  readonly waiting: Set<string>;
  /** Milliseconds since 1970: where other spots go on with its servers, which then never go; null where none do. */
  readonly until: number | null;
}

/**
 * Spots that no Service asks for any more while connections to them end. Those go on being rewritten, captured and routed, new
 * ones are refused. A spot is held until its servers have drained or, where they serve other spots too, for as long as a drain
 * may take. A Service that asks for the spot ends it.
 */
export class HeldSpots {
  readonly #options: IpvsOptions;
  readonly #kernel: Kernel;
  readonly #wish: Wish;
  readonly #held = new Map<string, Held>();
  readonly #byServer = new Map<string, Set<string>>();
  /** Names of those that share ports with spots of other names. */
  readonly #wide = new Set<string>();

  constructor(options: IpvsOptions, kernel: Kernel, wish: Wish) {
    this.#options = options;
    this.#kernel = kernel;
    this.#wish = wish;
  }

  /** Some are held for a time, whatever becomes of their servers. */
  get timed(): boolean {
    return this.#held.values().some(({ until }) => until !== null);
  }

  /** A Service has the spot: none that shares a port with it is held. */
  giveWay(spot: Spot, touched: Touched): void {
    if (this.#held.size === 0) return;
    this.#drop(spotOf(spot), touched);
    const reach = reachOf(spot);
    const meets = (other: Spot): boolean => reachOf(other).some((one) => reach.some((target) => overlaps(one, target)));
    const candidates = isWide(spot) ? this.#held.keys() : this.#wide;
    for (const name of candidates) {
      const held = this.#held.get(name);
      if (held !== undefined && meets(held.spot)) this.#drop(name, touched);
    }
  }

  /** Holds a spot that no Service has if there may be connections to finish. */
  hold(spot: Spot, touched: Touched): void {
    const name = spotOf(spot);
    if (this.#held.has(name)) return;
    const busy = spot.servers.filter((text) => this.#patience(text) > 0);
    const waiting = new Set(busy.filter((text) => this.#wish.server(text) === null));
    const longest = Math.max(0, ...busy.filter((text) => !waiting.has(text)).map((text) => this.#share(spot, text)));
    if (waiting.size === 0 && longest === 0) return;
    this.#held.set(name, { spot, waiting, until: longest === 0 ? null : this.#options.clock.now() + longest });
    for (const text of waiting) this.#byServer.set(text, (this.#byServer.get(text) ?? new Set()).add(name));
    if (isWide(spot)) this.#wide.add(name);
    this.#wish.replace(planHeld(nameOf(name), spot, this.#kernel, this.#options), touched);
  }

  /** The server has gone, or is wanted again: spots that wait for nothing else are given up. */
  release(text: string, touched: Touched): void {
    for (const name of this.#byServer.get(text) ?? []) {
      const held = this.#held.get(name);
      held?.waiting.delete(text);
      if (held?.waiting.size === 0 && held.until === null) this.#drop(name, touched);
    }
    this.#byServer.delete(text);
  }

  /** Servers may go in other ways than by draining. */
  prune(touched: Touched): void {
    for (const text of this.#byServer.keys()) {
      if ((this.#kernel.servers.get(text)?.destinations.size ?? 0) === 0) this.release(text, touched);
    }
  }

  /** Gives up what has been held for its time. */
  expire(touched: Touched): void {
    const now = this.#options.clock.now();
    for (const [name, { until, waiting }] of this.#held) {
      if (until !== null && until <= now && waiting.size === 0) this.#drop(name, touched);
    }
  }

  #drop(name: string, touched: Touched): void {
    for (const text of this.#held.get(name)?.waiting ?? []) {
      const spots = this.#byServer.get(text);
      spots?.delete(name);
      if (spots?.size === 0) this.#byServer.delete(text);
    }
    this.#held.delete(name);
    this.#wide.delete(name);
    this.#wish.remove(nameOf(name), touched);
  }

  /** Milliseconds that destinations of a server of ours may take to leave. */
  #patience(text: string): number {
    const have = this.#kernel.servers.get(text);
    if (have === undefined || have.owner !== 'own' || have.destinations.size === 0) return 0;
    return (have.policy ?? standardPolicy(this.#options, have.server.key)).milliseconds;
  }

  /** A server of several protocols drains as TCP does, but clients of UDP never close. */
  #share({ protocol }: Spot, text: string): number {
    const patience = this.#patience(text);
    return protocol === 'UDP' ? Math.min(patience, this.#options.udpDrainMs) : patience;
  }
}

/** The spots that an earlier run led to servers by these marks, which have the texts given, as far as entries in the kernel say. */
export function spotsOfMarks(entries: Iterable<SideEntry>, texts: ReadonlyMap<number, string>): readonly Spot[] {
  const leading: { readonly entry: DecisionEntry; readonly text: string }[] = [];
  const rewrites = new Map<string, RewriteEntry>();
  for (const entry of entries) {
    if (entry.kind === 'rewrite') rewrites.set(spotOf({ ...entry, port: entry.to }), entry);
    if (entry.kind !== 'decision' || entry.decision.verdict !== 'mark') continue;
    const text = texts.get(entry.decision.mark);
    if (text !== undefined) leading.push({ entry, text });
  }
  const spots = new Map<string, Spot>();
  for (const { entry, text } of leading) {
    const { address, protocol, port, lastPort } = entry;
    const rewrite = rewrites.get(spotOf(entry));
    const ports = rewrite === undefined ? { port } : { port: rewrite.port, rewritePort: port };
    const target = { address, protocol, ...ports, ...(lastPort === undefined ? {} : { lastPort }) };
    const servers = new Set([...(spots.get(spotOf(target))?.servers ?? []), text]);
    spots.set(spotOf(target), { ...target, servers: [...servers] });
  }
  return [...spots.values()];
}

function isWide({ lastPort, rewritePort }: Spot): boolean {
  return lastPort !== undefined || rewritePort !== undefined;
}

/** No Service is called so: names of Services have no space. */
function nameOf(spot: string): string {
  return `held ${spot}`;
}
