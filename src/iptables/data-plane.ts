import { isDeepStrictEqual } from 'node:util';
import { succeed } from '../model/mod.ts';
import type {
  ApplyReport,
  Change,
  DataPlane,
  DataPlaneSettings,
  Difference,
  Neighbour,
  Outcome,
  Pause,
  Problem,
  ServiceKey,
} from '../model/mod.ts';
import { AffinitySets } from './affinity-sets.ts';
import { planCleanup } from './cleanup.ts';
import { compareRules, compareSets } from './compare.ts';
import { arrangeSections, diffChain, diffJumps, diffShared, everyChain } from './diff.ts';
import { isAboutEverything } from './errors.ts';
import { KernelState } from './kernel-state.ts';
import { ownTables } from './names.ts';
import type { Operation } from './operation.ts';
import { planBaseChains, planSharedRules, servesLoopback } from './plan-base.ts';
import type { BaseOptions } from './plan-base.ts';
import { planService } from './plan-service.ts';
import type { ServicePlan } from './plan-service.ts';
import { ownerOf } from './port.ts';
import type { Batch, BatchFailure, IptablesPort } from './port.ts';
import type { TableName } from './rule.ts';
import type { SetPort } from './set-port.ts';
import { chainKey, Wish } from './wish.ts';
import type { ChainKey } from './wish.ts';

export interface IptablesOptions extends Omit<BaseOptions, 'hairpin'> {
  readonly port: IptablesPort;
  /** A second way to the kernel: a look at all of it does not hold up `port`. */
  readonly looks: Pick<IptablesPort, 'save'>;
  /** Where clients with affinity are remembered; null without ipset: then 100 clients for each back end are. */
  readonly sets: SetPort | null;
  /** Sets `net.ipv4.conf.all.route_localnet`; called before the first rules that need it. */
  readonly allowLoopbackRouting: () => Outcome<void>;
  /** Told once if the kernel lacks something that the data plane then does without. */
  readonly degraded: (problem: Problem) => void;
  readonly pause: Pause;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/**
 * What an attempt looks at: the chains its plans touch; besides them the chains every Service stands on; or
 * all of ours, leftovers included.
 */
type Scope = 'touched' | 'base' | 'full';

/** What was read while changes went on. */
interface Look {
  /** Null until all is read. */
  state: KernelState | null;
  /** Written since the look began: whether it saw them before or after is unknown. */
  readonly changed: Set<ChainKey>;
}

/** How often a refused batch is cut in pieces to find the Services at fault, in one `apply`. */
const attemptLimit = 200;

/** The running totals of one `apply` or `audit`. */
interface Tally {
  readonly failed: Map<ServiceKey, Problem>;
  /** Rules written, by table. */
  readonly written: Map<TableName, number>;
  operations: number;
  bytes: number;
  planMs: number;
  attempts: number;
}

/** The iptables data plane of one family. Errors: `WP_IPTABLES_*`. */
export function createIptablesDataPlane(options: IptablesOptions): DataPlane {
  return new IptablesDataPlane(options);
}

class IptablesDataPlane implements DataPlane {
  readonly mode = 'iptables';
  readonly family;
  readonly #options: IptablesOptions;
  readonly #wish;
  readonly #sets: AffinitySets | null;
  #state: KernelState | null = null;
  #look: Look | null = null;
  #settings: DataPlaneSettings | null = null;
  #hairpin = true;

  constructor(options: IptablesOptions) {
    this.#options = options;
    this.#wish = new Wish({ closes: options.strays !== null });
    this.#sets = options.sets === null ? null : new AffinitySets(options.sets);
    this.family = options.family;
  }

  async read(): Promise<Outcome<void>> {
    this.#look = null;
    const saved = await this.#options.port.save(ownTables);
    if (!saved.ok) {
      this.#state = null;
      return saved;
    }
    return await this.#remember(new KernelState(saved.value));
  }

  async look(): Promise<void> {
    const look: Look = { state: null, changed: new Set() };
    this.#look = look;
    const saved = await this.#options.looks.save(ownTables);
    if (saved.ok) look.state = new KernelState(saved.value);
  }

  /** What was seen at the last look, if there was one since the kernel was read: of chains written meanwhile more is known. */
  async #readFromLook(): Promise<Outcome<void>> {
    const look = this.#look;
    this.#look = null;
    if (this.#state === null || look === null || look.state === null) return await this.read();
    look.state.adopt(look.changed, this.#state);
    return await this.#remember(look.state);
  }

  async #remember(state: KernelState): Promise<Outcome<void>> {
    this.#state = state;
    return this.#sets?.read() ?? succeed(undefined);
  }

  async apply(change: Change): Promise<ApplyReport> {
    const tally = startTally();
    const { settings, services } = change;
    const ready = await this.#prepare(settings);
    if (!ready.ok) return reportOf(tally, ready.problem, this.#state);
    const newSettings = !isDeepStrictEqual(settings, this.#settings);
    const memory = this.#sets === null ? 'recent' : 'sets';
    const plans: ServicePlan[] = [];
    const planned = this.#timer(tally);
    for (const [service, frontends] of services) {
      plans.push(planService(service, frontends, settings, { memory, strays: this.#options.strays }));
      await planned.rest();
    }
    if (change.complete) {
      for (const service of this.#wish.services) if (!services.has(service)) plans.push(emptyPlan(service));
    }
    planned.stop();
    if (newSettings) this.#planBase(settings);
    this.#settings = settings;
    const scope = change.complete || newSettings ? 'full' : 'touched';
    let problem = await this.#attempt(plans, scope, tally);
    if (problem !== null && this.#doWithout(problem)) {
      this.#planBase(settings);
      problem = await this.#attempt(plans, scope, tally);
    }
    // Until the shared chains are in, they have to be looked at again.
    if (problem !== null && newSettings) this.#settings = null;
    return reportOf(tally, problem, this.#state);
  }

  async audit(): Promise<ApplyReport> {
    const tally = startTally();
    const read = await this.#readFromLook();
    if (!read.ok) return reportOf(tally, read.problem, this.#state);
    const problem = await this.#attempt([], 'full', tally);
    return reportOf(tally, problem, this.#state);
  }

  async compare(): Promise<Outcome<readonly Difference[]>> {
    const { port, sets, family, pause } = this.#options;
    if (this.#wish.isEmpty) return succeed([]);
    const saved = await port.save(ownTables);
    if (!saved.ok) return saved;
    const listed = sets === null ? succeed([]) : await sets.list();
    if (!listed.ok) return listed;
    const rules = await compareRules(this.#wish, new KernelState(saved.value), { family, pause });
    return succeed([...rules, ...(sets === null ? [] : compareSets(this.#wish, listed.value))]);
  }

  async cleanup(neighbour: Neighbour | null = null): Promise<Outcome<readonly string[]>> {
    const saved = await this.#options.port.save(ownTables);
    if (!saved.ok) return saved;
    const { batch, removed } = planCleanup(saved.value, neighbour !== null);
    if (batch.length > 0) {
      const { failure } = await this.#options.port.restore(batch);
      if (failure !== null) return { ok: false, problem: failure.problem };
    }
    this.#state = null;
    const sets = await this.#cleanSets();
    return sets.ok ? succeed([...removed, ...sets.value]) : sets;
  }

  async #cleanSets(): Promise<Outcome<readonly string[]>> {
    const { sets } = this.#options;
    const listed = sets === null ? succeed([]) : await sets.list();
    if (!listed.ok || sets === null || listed.value.length === 0) return listed;
    const gone = await sets.destroy(listed.value);
    return gone.ok ? succeed(listed.value.map((name) => `ipset ${name}`)) : gone;
  }

  #planBase(settings: DataPlaneSettings): void {
    const options = { ...this.#options, hairpin: this.#hairpin };
    this.#wish.setBase(planBaseChains(settings, options), planSharedRules(settings, options));
  }

  /** True if the problem is a kernel without the `bpf` match, which only the hairpin rule needs. */
  #doWithout(problem: Problem): boolean {
    if (!this.#hairpin || problem.code !== 'WP_IPTABLES_NO_MATCH' || !/\bbpf\b/.test(problem.message)) return false;
    this.#hairpin = false;
    const message =
      'the kernel has no bpf match (module xt_bpf): a pod that reaches itself through its own Service gets no answer';
    this.#options.degraded({ code: 'WP_IPTABLES_NO_HAIRPIN', message, cause: problem });
    return true;
  }

  async #prepare(settings: DataPlaneSettings): Promise<Outcome<void>> {
    if (servesLoopback(settings, this.family)) {
      const allowed = this.#options.allowLoopbackRouting();
      if (!allowed.ok) return allowed;
    }
    return this.#state === null ? this.read() : succeed(undefined);
  }

  /**
   * Makes the plans part of the wish and the kernel. Services the kernel refuses are taken out again and
   * recorded in the tally. Returns a problem if nothing at all could be confirmed.
   */
  async #attempt(plans: readonly ServicePlan[], scope: Scope, tally: Tally): Promise<Problem | null> {
    const state = this.#state;
    if (state === null) throw new Error('the kernel has not been read');
    tally.attempts += 1;
    const planned = this.#timer(tally);
    const previous = plans.map((plan) => this.#wish.planOf(plan.service) ?? emptyPlan(plan.service));
    const touched = new Set<ChainKey>();
    for (const plan of plans) {
      for (const key of this.#wish.replace(plan)) touched.add(key);
      await planned.rest();
    }
    if (scope === 'base') for (const key of this.#wish.baseKeys()) touched.add(key);
    const operations: Operation[] = scope === 'touched' ? [] : diffShared(this.#wish.shared, state);
    if (scope === 'full') operations.push(...diffJumps(this.#wish, state));
    for (const key of scope === 'full' ? everyChain(this.#wish, state.keys()) : touched) {
      operations.push(...diffChain(key, this.#wish, state));
      await planned.rest();
    }
    const batch = arrangeSections(operations, state);
    planned.stop();
    if (batch.length === 0) {
      if (scope === 'full') await this.#pruneSets();
      return null;
    }
    const { bytes, failure } = await this.#restore(plans, batch);
    tally.bytes += bytes;
    if (failure === null) {
      for (const { table, operations: accepted } of batch) {
        for (const operation of accepted) {
          tally.written.set(table, (tally.written.get(table) ?? 0) + state.follow(operation));
          this.#look?.changed.add(chainKey(table, operation.chain));
          await this.#options.pause();
        }
      }
      tally.operations += operations.length;
      await this.#pruneSets(scope === 'full' ? undefined : previous);
      return null;
    }
    for (const plan of previous) this.#wish.replace(plan);
    return this.#recover(plans, scope, failure, tally);
  }

  /** A rule that names a set is refused before the set is there. */
  async #restore(plans: readonly ServicePlan[], batch: Batch): ReturnType<IptablesPort['restore']> {
    const ready = await this.#sets?.ensure(plans.flatMap((plan) => [...plan.sets]));
    if (ready?.ok === false) return { bytes: 0, failure: { problem: ready.problem, section: 0, operation: null } };
    return this.#options.port.restore(batch);
  }

  /** Removes the sets that only these plans needed, or all that no plan needs. */
  async #pruneSets(released?: readonly ServicePlan[]): Promise<void> {
    const candidates = released?.flatMap((plan) => [...plan.sets]);
    await this.#sets?.prune((name) => this.#wish.hasSet(name), candidates);
  }

  /** After a refusal: read what the kernel has now, then narrow down whose fault it was. */
  async #recover(plans: readonly ServicePlan[], scope: Scope, failure: BatchFailure, tally: Tally): Promise<Problem | null> {
    const { problem } = failure;
    const read = await this.read();
    if (!read.ok) return read.problem;
    if (plans.length === 0 || isAboutEverything(problem)) return problem;
    const culprit = ownerOf(failure);
    const guilty = plans.filter((plan) => plan.service === culprit || (scope === 'touched' && plans.length === 1));
    if (guilty.length > 0 || tally.attempts >= attemptLimit) {
      for (const plan of guilty.length > 0 ? guilty : plans) tally.failed.set(plan.service, problem);
      const innocent = guilty.length > 0 ? plans.filter((plan) => !guilty.includes(plan)) : [];
      return innocent.length > 0 || scope === 'full' ? this.#attempt(innocent, scope, tally) : null;
    }
    return this.#narrowDown(plans, scope, tally);
  }

  /**
   * Tries the shared chains first, then each half of the plans. A full pass comes last: it would take the
   * other half's chains for leftovers.
   */
  async #narrowDown(plans: readonly ServicePlan[], scope: Scope, tally: Tally): Promise<Problem | null> {
    const founded = scope === 'touched' ? null : await this.#attempt([], 'base', tally);
    if (founded !== null) return founded;
    const middle = Math.ceil(plans.length / 2);
    for (const half of [plans.slice(0, middle), plans.slice(middle)]) {
      const stopped = half.length === 0 ? null : await this.#attempt(half, 'touched', tally);
      if (stopped !== null) return stopped;
    }
    return scope === 'full' ? this.#attempt([], 'full', tally) : null;
  }

  /** Measures deciding, with rests so that no turn of the event loop gets long. */
  #timer(tally: Tally): { rest(): Promise<void>; stop(): void } {
    const { now, pause } = this.#options;
    let started = now();
    const stop = (): void => {
      tally.planMs += now() - started;
      started = now();
    };
    const rest = async (): Promise<void> => {
      const resting = pause();
      if (resting === null) return;
      stop();
      await resting;
      started = now();
    };
    return { rest, stop };
  }
}

function emptyPlan(service: ServiceKey): ServicePlan {
  return { service, chains: new Map(), entries: [], sets: new Set() };
}

function startTally(): Tally {
  return { failed: new Map(), written: new Map(), operations: 0, bytes: 0, planMs: 0, attempts: 0 };
}

function reportOf(tally: Tally, problem: Problem | null, state: KernelState | null): ApplyReport {
  const { failed, written, operations, bytes, planMs } = tally;
  const report: ApplyReport = { problem, failed, operations, bytes, planMs };
  // Without a state nothing is known of the kernel, and no number is better than a wrong one.
  if (state === null) return report;
  return {
    ...report,
    rules: ownTables.map((table) => ({ table, total: state.countRules(table), last: written.get(table) ?? 0 })),
  };
}
