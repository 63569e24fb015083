import type { Address, Clock, Outcome, Problem } from '../model/mod.ts';
import type { Neighbour, NeighbourPort, RoutePort } from '../netlink/mod.ts';
import { planLinks } from './peer-links.ts';
import type { LinkPeer, LinkPlan } from './peer-links.ts';

/** The kernel's view of one family's links. */
export interface LinkKernel {
  readonly routes: Pick<RoutePort, 'listRoutes'>;
  readonly neighbours: Pick<NeighbourPort, 'listNeighbours' | 'useNeighbours' | 'listInterfaces'>;
}

export interface LinkWatcherOptions {
  readonly kernel: LinkKernel;
  readonly clock: Clock;
  /** {@link LinkWatcher.linkOf} says something else than before. */
  readonly changed: () => void;
  readonly report: (problem: Problem) => void;
  /** Called at the end. */
  readonly release: () => Promise<void>;
}

const mainTable = 254;
/** Milliseconds to the next look: while some are not known yet, and else. */
const firstRests = [100, 300, 1000, 3000] as const;
const usualRest = 30_000;

/** Finds out the link-layer addresses of peers of one family, and goes on making sure of them. */
export class LinkWatcher {
  readonly #options: LinkWatcherOptions;
  #peers: readonly LinkPeer[] = [];
  #links: ReadonlyMap<Address, string> = new Map();
  #told: ReadonlyMap<Address, string> = new Map();
  #failed = '';
  #attempt = 0;
  #looking: Promise<void> | null = null;
  #again = false;
  #closed = false;
  #cancel: () => void = () => {};

  constructor(options: LinkWatcherOptions) {
    this.#options = options;
  }

  /** Null while it is not known, or not fit to tell the peer from others. */
  linkOf(address: Address): string | null {
    return this.#links.get(address) ?? null;
  }

  /** Whether the peer can be told from others; `unknown`: not yet. */
  reach(address: Address): 'reached' | 'unknown' | 'unfit' {
    if (this.#links.has(address)) return 'reached';
    return this.#told.has(address) ? 'unfit' : 'unknown';
  }

  /** These are all peers there are. */
  setPeers(peers: readonly LinkPeer[]): void {
    this.#peers = peers;
    this.#attempt = 0;
    this.look();
  }

  /** The kernel told something about a neighbour. */
  note({ address, link }: Neighbour): void {
    if (link === null || this.#links.get(address) === link) return;
    if (this.#peers.some((peer) => peer.address === address)) this.look();
  }

  /** Looks at once; what is called while it looks leads to one more look. */
  look(): void {
    if (this.#closed) return;
    if (this.#looking !== null) {
      this.#again = true;
      return;
    }
    this.#cancel();
    this.#looking = this.#look().finally(() => {
      this.#looking = null;
      if (this.#again) {
        this.#again = false;
        this.look();
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#looking;
    await this.#options.release();
  }

  async #look(): Promise<void> {
    const plan = await this.#plan();
    if (this.#closed) return;
    if (plan.ok) this.#take(plan.value);
    else if (this.#failed !== plan.problem.message) this.#options.report(plan.problem);
    this.#failed = plan.ok ? '' : plan.problem.message;
    const waits = !plan.ok || plan.value.links.size + plan.value.unfit.size < this.#peers.length;
    const rest = waits ? (firstRests[this.#attempt] ?? usualRest) : usualRest;
    this.#attempt += 1;
    this.#cancel = this.#options.clock.after(rest, () => this.look());
  }

  async #plan(): Promise<Outcome<LinkPlan>> {
    const { routes, neighbours } = this.#options.kernel;
    const listed = await routes.listRoutes(mainTable);
    if (!listed.ok) return listed;
    const interfaces = await neighbours.listInterfaces();
    if (!interfaces.ok) return interfaces;
    const found = await neighbours.listNeighbours();
    if (!found.ok) return found;
    const plan = planLinks({
      peers: this.#peers,
      routes: listed.value,
      neighbours: found.value,
      interfaces: interfaces.value,
      known: this.#links,
    });
    const used = await neighbours.useNeighbours(plan.look);
    return used.ok ? { ok: true, value: plan } : used;
  }

  #take({ links, unfit }: LinkPlan): void {
    for (const [address, why] of unfit) {
      if (this.#told.get(address) === why) continue;
      const message = `direct routing to and from node ${address} cannot be had, since ${why}: ingress.dsr.method ipip or gue can`;
      this.#options.report({ code: 'WP_INGRESS_LINK', message });
    }
    const told = this.#told;
    this.#told = unfit;
    const same =
      unfit.size === told.size &&
      links.size === this.#links.size &&
      links.entries().every(([address, link]) => this.#links.get(address) === link);
    if (same) return;
    this.#links = links;
    this.#options.changed();
  }
}
