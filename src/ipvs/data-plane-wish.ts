import { isDeepStrictEqual } from 'node:util';
import type { Change, DataPlaneSettings, Frontend, Problem, ServiceKey, SideSettings } from '../model/mod.ts';
import { HeldSpots, spotsOfMarks } from './data-plane-held.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { eachSlowly } from './data-plane-pace.ts';
import { ipvsProblem } from './errors.ts';
import { planBase, planPeers, planSideSettings } from './plan-base.ts';
import { planService } from './plan-service.ts';
import { reachOf } from './plan-held.ts';
import { Spots } from './plan-spots.ts';
import { emptyPlan } from './plan-types.ts';
import type { Plan, PlanContext, Spot } from './plan-types.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import { Touched, Wish } from './wish.ts';

const none: readonly Frontend[] = [];

/** The frontends of all Services, and the wish that follows from them. */
export class WishBook {
  readonly wish = new Wish();
  readonly held: HeldSpots;
  readonly #options: IpvsOptions;
  readonly #kernel: Kernel;
  readonly #spots = new Spots();
  readonly #frontends = new Map<ServiceKey, readonly Frontend[]>();
  readonly #told = new Set<string>();
  /** Services that there are not enough marks for: each change and each audit tries again while some are free. */
  readonly #starved = new Set<ServiceKey>();
  /** Services whose connections are to survive a change of the node that takes them in. */
  readonly #roaming = new Set<ServiceKey>();
  #context: PlanContext | null = null;
  #sideSettings: SideSettings | null = null;

  constructor(options: IpvsOptions, kernel: Kernel) {
    this.#options = options;
    this.#kernel = kernel;
    this.held = new HeldSpots(options, kernel, this.wish);
    this.wish.replace(planBase(options.serviceCidrs), new Touched());
  }

  /** Connections to one of these Services, or of those known, may come from another node in the middle. */
  roams(services: Change['services'] = new Map()): boolean {
    return this.#roaming.size > 0 || services.values().some((frontends) => this.#anyRoams(frontends));
  }

  /** Makes a change part of the wish. Gives the frontends that its Services had before. */
  async take({ settings, services, complete }: Change, touched: Touched): Promise<ReadonlyMap<ServiceKey, readonly Frontend[]>> {
    const next = new Map(services);
    if (complete) for (const service of this.#frontends.keys()) if (!next.has(service)) next.set(service, none);
    const previous = new Map([...next.keys()].map((service) => [service, this.#frontends.get(service) ?? none]));
    const affected = await this.#claim(next);
    // Marks that have come free in the meantime are for those that have none.
    if (this.#starved.size > 0 && this.#kernel.marks.hasFree(this.#options.clock.now())) {
      for (const service of this.#starved) affected.add(service);
    }
    if (this.#renew(settings)) {
      for (const service of this.#frontends.keys()) affected.add(service);
      this.wish.replace(planPeers(settings.peers), touched);
    }
    await this.#replan(affected, touched);
    return previous;
  }

  /** What was there before us is remembered until it is put back. */
  keepOriginals(touched: Touched): void {
    const id = 'originals of this node';
    this.wish.replace({ ...emptyPlan(id, noService), entries: new Map(this.#kernel.originals) }, touched);
  }

  /** Gives Services back the frontends they had. */
  async restore(previous: ReadonlyMap<ServiceKey, readonly Frontend[]>, touched: Touched): Promise<void> {
    await this.#replan(await this.#claim(previous), touched);
  }

  /** Holds the spots of servers that an earlier run left behind with connections. */
  async holdLeftovers(touched: Touched): Promise<void> {
    const marks = new Map<number, string>();
    await eachSlowly(this.#kernel.servers.all(), this.#options.pause, ([text, { owner, server }]) => {
      const { key } = server;
      if (owner !== 'own') return;
      if (key.kind === 'mark') {
        if (this.wish.server(text) === null) marks.set(key.mark, text);
        return;
      }
      const { address, protocol, port } = key;
      this.#hold({ address, protocol, port, servers: [text] }, touched);
    });
    if (marks.size === 0) return;
    for (const spot of spotsOfMarks(this.#kernel.entries.values(), marks)) this.#hold(spot, touched);
  }

  /** The same value for the same settings. */
  sideSettings(settings: DataPlaneSettings): SideSettings {
    const next = planSideSettings(settings, this.#options, this.#kernel.ownAddresses);
    if (!isDeepStrictEqual(next, this.#sideSettings)) this.#sideSettings = next;
    return this.#sideSettings ?? next;
  }

  /** Says once, of the servers touched, what they have to do without. */
  tellShortcomings(touched: Touched): void {
    if (this.#kernel.missingSchedulers.size === 0) return;
    for (const text of touched.servers.keys()) {
      const server = this.wish.server(text);
      if (server === null || !this.#kernel.missingSchedulers.has(server.scheduler)) continue;
      const { service, scheduler, fallback } = server;
      const message = `Service ${service} asks for the IPVS scheduler ${scheduler}, which this kernel does not have: ${fallback} is used`;
      this.#tell({ ...ipvsProblem('WP_IPVS_NO_SCHEDULER', message), service });
    }
  }

  #tell(problem: Problem): void {
    if (this.#told.has(problem.message)) return;
    this.#told.add(problem.message);
    this.#options.degraded(problem);
  }

  /** Gives the Services whose plans have to be made again. */
  async #claim(next: ReadonlyMap<ServiceKey, readonly Frontend[]>): Promise<Set<ServiceKey>> {
    const affected = new Set<ServiceKey>(next.keys());
    await eachSlowly(next, this.#options.pause, ([service, frontends]) => {
      for (const other of this.#spots.claim(service, frontends)) affected.add(other);
      if (this.#anyRoams(frontends)) this.#roaming.add(service);
      else this.#roaming.delete(service);
      if (frontends.length === 0) this.#frontends.delete(service);
      else this.#frontends.set(service, frontends);
    });
    await eachSlowly(affected, this.#options.pause, (service) => {
      for (const { spot, rewritten, holder } of this.#spots.denied(service)) {
        const message = rewritten
          ? `Service ${service} would have packets rewritten to ${spot}, which Service ${holder} has: that port is balanced apart from its others`
          : `Service ${service} asks for ${spot}, of which Service ${holder} has a port: it is not served there`;
        this.#tell({ code: 'WP_IPVS_TAKEN', message, service });
      }
    });
    return affected;
  }

  /** Nodes that place clients alike can go on with each other's connections (specification of ingress, 8). */
  #anyRoams(frontends: readonly Frontend[]): boolean {
    return frontends.some(({ publication, scheduler }) => {
      const hops = publication !== null && publication.secondHop !== null;
      return hops && (scheduler ?? this.#options.scheduler) === 'mh';
    });
  }

  /** True if every plan has to be made again. */
  #renew(settings: DataPlaneSettings): boolean {
    const known = this.#context;
    const { ownAddresses, numbers, marks } = this.#kernel;
    if (known !== null && known.ownAddresses === ownAddresses && isDeepStrictEqual(known.settings, settings)) return false;
    this.#context = {
      ...this.#options,
      settings,
      ownAddresses,
      numberOf: (kind, name) => numbers.allocate(kind, name),
      marksOf: (names) => marks.allocate(names, this.#options.clock.now()),
      owns: (target, service) => this.#spots.ownerOf(target) === service,
    };
    return true;
  }

  async #replan(services: ReadonlySet<ServiceKey>, touched: Touched): Promise<void> {
    const context = this.#context;
    if (context === null) throw new Error('no settings yet');
    const left: Spot[] = [];
    for (const service of services) {
      const before = this.wish.planOf(service);
      const frontends = this.#frontends.get(service) ?? none;
      const plan = planService(service, frontends, context);
      if (frontends.length === 0) this.wish.remove(service, touched);
      else this.wish.replace(plan, touched);
      this.#kernel.forgetUnused(before, this.wish);
      this.#noteStarved(plan);
      for (const spot of plan.spots.values()) this.held.giveWay(spot, touched);
      for (const text of plan.servers.keys()) this.held.release(text, touched);
      for (const [name, spot] of before?.spots ?? []) if (!plan.spots.has(name)) left.push(spot);
      const resting = this.#options.pause();
      if (resting !== null) await resting;
    }
    for (const spot of left) this.#hold(spot, touched);
  }

  /** Unless a Service has some of its ports. */
  #hold(spot: Spot, touched: Touched): void {
    if (reachOf(spot).every((target) => this.#spots.holderOf(target) === null)) this.held.hold(spot, touched);
  }

  #noteStarved({ service, starved }: Plan): void {
    const message = `Service ${service} is not published by a mark, since all marks are in use: it is served port by port, and its ranges are not; make ingress.fwmark.mask wider or publish less`;
    if (starved) {
      this.#starved.add(service);
      this.#tell({ code: 'WP_INGRESS_MARKS_EXHAUSTED', message, service });
    } else if (this.#starved.delete(service)) this.#told.delete(message);
  }
}
