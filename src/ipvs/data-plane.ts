import { isDeepStrictEqual } from 'node:util';
import { succeed } from '../model/mod.ts';
import type {
  ApplyReport,
  Change,
  DataPlane,
  DataPlaneSettings,
  Difference,
  Frontend,
  Neighbour,
  Outcome,
  Problem,
  ServerStatistics,
  ServiceKey,
} from '../model/mod.ts';
import { stepAside } from './data-plane-aside.ts';
import { cleanUp, noAddresses } from './data-plane-cleanup.ts';
import { compareNode } from './data-plane-compare.ts';
import { Drains } from './data-plane-drains.ts';
import { Kernel } from './data-plane-kernel.ts';
import { eachSlowly } from './data-plane-pace.ts';
import { runPass } from './data-plane-pass.ts';
import type { PassFacts, Tally } from './data-plane-pass.ts';
import { readConnections, summarise } from './data-plane-status.ts';
import { ensureSurroundings } from './data-plane-sysctls.ts';
import { WishBook } from './data-plane-wish.ts';
import { servesLoopback } from './plan-loopback.ts';
import { Queue } from './data-plane-queue.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import { Touched } from './wish.ts';

/** A data plane that goes on between calls: back ends that left are looked at until their connections end. */
export interface IpvsDataPlane extends Required<Omit<DataPlane, 'look'>> {
  /** Texts of the keys of the virtual servers that are ours now (`serverKeyText`). */
  adopted(): readonly string[];
  /** Ends the looking after drains; the kernel stays as it is. */
  close(): Promise<void>;
}

/** How often a change is tried again after reading what the kernel has, before its Services count as failed. */
const attemptLimit = 3;

/** The IPVS data plane of one family. Errors: `WP_IPVS_*`, and those of the side rules and routes. */
export function createIpvsDataPlane(options: IpvsOptions): IpvsDataPlane {
  return new KernelDataPlane(withFamily(options));
}

class KernelDataPlane implements IpvsDataPlane {
  readonly mode = 'ipvs';
  readonly family;
  readonly #options: IpvsOptions;
  readonly #queue = new Queue();
  readonly #kernel: Kernel;
  readonly #book: WishBook;
  readonly #drains: Drains;
  #settings: DataPlaneSettings | null = null;
  /** Kernel parameters are as Services need them whose connections move between nodes. */
  #roaming = false;
  /** What is to be looked at besides the next change. */
  #residue = new Touched();
  /** The next change looks at everything. */
  #full = true;
  /** The whole wish has been heard once; before that nothing that it does not name is known to be unwanted. */
  #complete = false;
  /** Kernel objects that the last look at everything changed. */
  #resyncChanges = 0;

  constructor(options: IpvsOptions) {
    this.#options = options;
    this.family = options.family;
    this.#kernel = new Kernel(options);
    this.#book = new WishBook(options, this.#kernel);
    const pass = (touched: Touched): Promise<void> => this.#afterDrain(touched);
    this.#drains = new Drains({ options, kernel: this.#kernel, book: this.#book, queue: this.#queue, pass });
  }

  read(): Promise<Outcome<void>> {
    return this.#queue.run(async () => {
      this.#kernel.forget();
      return this.#refresh();
    });
  }

  apply(change: Change): Promise<ApplyReport> {
    return this.#queue.run(() => this.#apply(change));
  }

  audit(): Promise<ApplyReport> {
    return this.#queue.run(() => this.#audit());
  }

  compare(): Promise<Outcome<readonly Difference[]>> {
    return this.#queue.run(() => this.#compare());
  }

  cleanup(neighbour: Neighbour | null = null): Promise<Outcome<readonly string[]>> {
    return this.#queue.run(() => {
      this.#drains.stop();
      this.#full = true;
      return cleanUp(this.#kernel, this.#options, neighbour?.addresses ?? noAddresses);
    });
  }

  stepAside(settings: DataPlaneSettings): ReturnType<IpvsDataPlane['stepAside']> {
    return this.#queue.run(() => {
      this.#drains.stop();
      this.#full = true;
      return stepAside(this.#kernel, this.#options, settings);
    });
  }

  adopted(): readonly string[] {
    return [...this.#kernel.servers.all()].flatMap(([text, { owner }]) => (owner === 'own' ? [text] : []));
  }

  connections(): ReturnType<IpvsDataPlane['connections']> {
    return this.#queue.run(() => readConnections(this.#kernel, this.#options));
  }

  statistics(): ServerStatistics {
    return summarise(this.#kernel, this.#resyncChanges, this.#options.clock.now());
  }

  async close(): Promise<void> {
    this.#drains.stop();
    await this.#queue.run(async () => undefined);
  }

  async #apply(change: Change): Promise<ApplyReport> {
    const tally: Tally = { operations: 0, bytes: 0, planMs: 0 };
    const changed = !isDeepStrictEqual(change.settings, this.#settings);
    const full = change.complete || changed || this.#full;
    this.#full = true;
    const roaming = this.#book.roams(change.services);
    const ready = await this.#prepare(change.settings, full, roaming, tally);
    if (!ready.ok) return reportOf(tally, ready.problem);
    this.#complete ||= change.complete;
    const started = this.#options.now();
    const touched = this.#residue;
    const previous = await this.#book.take(change, touched);
    if (full) await this.#touchEverything(touched);
    tally.planMs += this.#options.now() - started;
    const report = await this.#conclude(touched, previous, tally);
    if (full) this.#resyncChanges = report.operations;
    return report;
  }

  async #audit(): Promise<ApplyReport> {
    const tally: Tally = { operations: 0, bytes: 0, planMs: 0 };
    this.#kernel.forget();
    const settings = this.#settings;
    const ready = settings === null ? await this.#refresh() : await this.#prepare(settings, true, this.#book.roams(), tally);
    if (!ready.ok || settings === null) return reportOf(tally, ready.ok ? null : ready.problem);
    this.#kernel.missingSchedulers.clear();
    const touched = this.#residue;
    await this.#book.take({ settings, services: new Map(), complete: false }, touched);
    await this.#touchEverything(touched);
    const report = await this.#conclude(touched, new Map(), tally);
    this.#resyncChanges = report.operations;
    return report;
  }

  async #compare(): Promise<Outcome<readonly Difference[]>> {
    const settings = this.#settings;
    if (settings === null) return succeed([]);
    const kernel = this.#kernel.fork();
    const read = await kernel.refresh();
    if (!read.ok) return read;
    const touched = new Touched();
    if (this.#complete) await this.#touchHeld(kernel, touched);
    // What was there before us stays written down, whether the wish has heard of it yet or not.
    for (const key of kernel.originals.keys()) touched.entries.delete(key);
    await eachSlowly(this.#book.wish.plans(), this.#options.pause, (plan) => touched.addPlan(plan));
    const facts = this.#facts({ operations: 0, bytes: 0, planMs: 0 }, kernel);
    return compareNode(facts, touched, { loopback: servesLoopback({ settings }), roaming: this.#book.roams() });
  }

  /** Brings the kernel to the wish; Services that the kernel refused get back what they had. */
  async #conclude(touched: Touched, previous: ReadonlyMap<ServiceKey, readonly Frontend[]>, tally: Tally): Promise<ApplyReport> {
    const { problem, refused } = await this.#converge(touched, tally);
    this.#book.tellShortcomings(touched);
    this.#residue = new Touched();
    this.#full = problem !== null;
    const failed = new Map([...refused].filter(([service]) => service !== noService));
    const whole = problem ?? refused.get(noService) ?? null;
    if (whole !== null) this.#residue = touched;
    else if (failed.size > 0) await this.#giveBack(touched, failed, previous, tally);
    this.#drains.schedule();
    return reportOf(tally, whole, failed);
  }

  async #converge(
    touched: Touched,
    tally: Tally,
  ): Promise<{ readonly problem: Problem | null; readonly refused: ReadonlyMap<ServiceKey, Problem> }> {
    for (let attempt = 1; ; attempt += 1) {
      const read = this.#kernel.stale ? await this.#kernel.refresh() : succeed(undefined);
      if (!read.ok) return { problem: read.problem, refused: new Map() };
      this.#book.held.prune(touched);
      const result = await runPass(this.#facts(tally), touched);
      if (result.problem !== null || !result.again || attempt >= attemptLimit) return result;
    }
  }

  async #giveBack(
    touched: Touched,
    failed: ReadonlyMap<ServiceKey, Problem>,
    previous: ReadonlyMap<ServiceKey, readonly Frontend[]>,
    tally: Tally,
  ): Promise<void> {
    const again = touched.only(failed);
    await this.#book.restore(new Map([...previous].filter(([service]) => failed.has(service))), again);
    const read = await this.#kernel.refresh();
    const result = read.ok ? await runPass(this.#facts(tally), again) : null;
    if (result === null || result.problem !== null || result.refused.size > 0) this.#residue = again;
  }

  async #prepare(settings: DataPlaneSettings, full: boolean, roaming: boolean, tally: Tally): Promise<Outcome<void>> {
    const read = this.#kernel.stale ? await this.#refresh() : succeed(undefined);
    if (!read.ok) return read;
    this.#settings = settings;
    if (!full && (this.#roaming || !roaming)) return succeed(undefined);
    const addresses = full ? await this.#kernel.readAddresses() : succeed(undefined);
    if (!addresses.ok) return addresses;
    this.#roaming = roaming;
    return ensureSurroundings({
      options: this.#options,
      kernel: this.#kernel,
      settings: this.#book.sideSettings(settings),
      tally,
      loopback: servesLoopback({ settings }),
      roaming,
    });
  }

  /** Reads what is stale; the first time it makes the kernel load its modules. */
  async #refresh(): Promise<Outcome<void>> {
    if (!this.#kernel.known) {
      const { servers, scheduler } = this.#options;
      const probed = await servers.probe(scheduler);
      if (!probed.ok && probed.problem.code !== 'WP_IPVS_NO_SCHEDULER') return probed;
      if (!probed.ok) this.#kernel.missingSchedulers.add(scheduler);
    }
    return this.#kernel.refresh();
  }

  /** A server has gone with its last connection: what waited for that goes too. */
  async #afterDrain(touched: Touched): Promise<void> {
    const { problem, refused } = await this.#converge(touched, { operations: 0, bytes: 0, planMs: 0 });
    if (problem !== null || refused.size > 0) this.#residue.addAll(touched);
  }

  async #touchEverything(touched: Touched): Promise<void> {
    if (this.#complete) {
      await this.#touchHeld(this.#kernel, touched);
      await this.#book.holdLeftovers(touched);
    }
    this.#book.keepOriginals(touched);
    await eachSlowly(this.#book.wish.plans(), this.#options.pause, (plan) => touched.addPlan(plan));
  }

  /** Everything of ours that is in the kernel, wanted or not. */
  async #touchHeld({ servers, entries, routes }: Kernel, touched: Touched): Promise<void> {
    const { pause } = this.#options;
    await eachSlowly(servers.all(), pause, ([text, { owner }]) => {
      if (owner === 'own') touched.servers.set(text, touched.servers.get(text) ?? noService);
    });
    await eachSlowly(entries.keys(), pause, (key) => touched.entries.set(key, touched.entries.get(key) ?? noService));
    await eachSlowly(routes.keys(), pause, (key) => touched.routes.set(key, touched.routes.get(key) ?? noService));
  }

  #facts(tally: Tally, kernel = this.#kernel): PassFacts {
    if (this.#settings === null) throw new Error('no settings yet');
    const { nodeAddress } = this.#settings;
    const has = nodeAddress !== null && kernel.ownAddresses.has(nodeAddress);
    return {
      options: this.#options,
      kernel,
      wish: this.#book.wish,
      serviceCidrs: this.#options.serviceCidrs,
      source: has ? nodeAddress : null,
      now: this.#options.clock.now(),
      settings: this.#book.sideSettings(this.#settings),
      tally,
    };
  }
}

/** Ranges of the other family are nobody's here. */
function withFamily(options: IpvsOptions): IpvsOptions {
  const ofFamily = (ranges: IpvsOptions['serviceCidrs']): IpvsOptions['serviceCidrs'] =>
    ranges.filter(({ family }) => family === options.family);
  return { ...options, serviceCidrs: ofFamily(options.serviceCidrs), excludeCidrs: ofFamily(options.excludeCidrs) };
}

function reportOf(
  { operations, bytes, planMs }: Tally,
  problem: Problem | null,
  failed: ReadonlyMap<ServiceKey, Problem> = new Map(),
): ApplyReport {
  return { problem, failed, operations, bytes, planMs };
}
