import { isLoopback, succeed } from '../model/mod.ts';
import type {
  ApplyReport,
  Change,
  DataPlane,
  DataPlaneSettings,
  Difference,
  Frontend,
  Neighbour,
  Outcome,
  Prefix,
  Problem,
  ServiceKey,
} from '../model/mod.ts';
import { PlaneKernel } from './data-plane-kernel.ts';
import type { Look, PlaneKernelOptions } from './data-plane-kernel.ts';
import type { PlaneContext } from './plane-chains.ts';
import { comparePlane } from './plane-compare.ts';
import { diffPlane } from './plane-diff.ts';
import type { PlaneDifference } from './plane-diff.ts';
import { planLeaving } from './plane-leave.ts';
import { emptyPlan, planService } from './plane-plan.ts';
import type { ServicePlan } from './plane-plan.ts';
import { judgeTable, planRewrite, sameRules } from './plane-rewrite.ts';
import type { TableState } from './plane-rewrite.ts';
import { largestPool, planeTable } from './plane-sets.ts';
import { PlaneState } from './plane-state.ts';
import { PlaneWish, touchNothing } from './plane-wish.ts';
import type { Touched } from './plane-wish.ts';
import { countOperations } from './side-plan.ts';
import type { Command } from './transaction.ts';

export interface NftablesOptions extends PlaneKernelOptions {
  /** Ranges that ClusterIPs are of. */
  readonly serviceCidrs: readonly Prefix[];
  /** What becomes of packets to an address of Services alone ({@link Frontend.exclusive}) that no frontend took. */
  readonly strays: 'drop' | 'reject';
}

/**
 * What an attempt looks at besides what its plans touch: what all Services stand on; what is there and no Service has; or
 * everything.
 */
type Scope = 'touched' | 'base' | 'leftovers' | 'full';

/** How often a refused transaction is cut in pieces to find the Services at fault, in one `apply`. */
const attemptLimit = 200;
/** How often somebody else's changes are worked around in one `apply`. */
const surpriseLimit = 3;
/** Elements and rules of one transaction, as far as a single Service allows: what is encoded and checked at once. */
const chunkWeight = 2000;

/** Refusals that may come of a change of somebody else. */
const surprises: ReadonlySet<string> = new Set(['WP_NFT_STALE', 'WP_NFT_MISSING', 'WP_NFT_EXISTS', 'WP_NFT_BUSY']);
/** Refusals that no choice of Services helps against. */
const general: ReadonlySet<string> = new Set(['WP_NFT_DENIED', 'WP_NFT_NO_KERNEL', 'WP_NFT_TOOL', 'WP_NFT_UNREADABLE']);

/** The running totals of one `apply` or `audit`. */
interface Tally {
  readonly failed: Map<ServiceKey, Problem>;
  operations: number;
  bytes: number;
  planMs: number;
  attempts: number;
  surprises: number;
}

/** The nftables data plane of one family. Errors: `WP_NFT_*`. */
export function createNftablesDataPlane(options: NftablesOptions): DataPlane {
  return new NftablesDataPlane(options);
}

class NftablesDataPlane implements DataPlane {
  readonly mode = 'nftables';
  readonly family;
  readonly #options: NftablesOptions;
  readonly #kernel: PlaneKernel;
  readonly #wish = new PlaneWish();
  /** Null before the first look, and after a failure until the next one. */
  #known: Look | null = null;
  /** What the rules in the kernel are for; null: see the findings of the last look. */
  #written: PlaneContext | null = null;
  #settings: DataPlaneSettings | null = null;
  /** Once all Services have been named: what none of them has is a leftover only then. */
  #mayPrune = false;

  constructor(options: NftablesOptions) {
    this.#options = options;
    this.#kernel = new PlaneKernel(options);
    this.family = options.family;
  }

  async read(): Promise<Outcome<void>> {
    this.#known = null;
    this.#written = null;
    const look = await this.#kernel.look();
    if (!look.ok) return look;
    this.#known = look.value;
    return succeed(undefined);
  }

  async apply(change: Change): Promise<ApplyReport> {
    const tally = startTally();
    this.#settle(change.settings);
    if (this.#known === null) {
      const read = await this.read();
      const problem = read.ok ? await this.#repair(tally) : read.problem;
      if (problem !== null) return reportOf(tally, problem);
    }
    const plans = await this.#plan(change.services, tally);
    if (change.complete) {
      for (const service of this.#wish.services) if (!change.services.has(service)) plans.push(emptyPlan(service));
    }
    return reportOf(tally, await this.#applyPlans(plans, change.complete, tally));
  }

  async audit(): Promise<ApplyReport> {
    const tally = startTally();
    if (this.#known !== null && (await this.#kernel.isUntouched())) return reportOf(tally, null);
    const read = await this.read();
    if (!read.ok) return reportOf(tally, read.problem);
    return reportOf(tally, this.#settings === null ? null : await this.#attempt([], 'full', tally));
  }

  async compare(): Promise<Outcome<readonly Difference[]>> {
    if (this.#settings === null) return succeed([]);
    const look = await this.#kernel.peek();
    if (!look.ok) return look;
    const touched = this.#touch([], 'full', look.value.state);
    const job = { context: this.#context(), wish: this.#wish, touched, pause: this.#options.pause };
    return succeed(await comparePlane({ ...job, ...look.value }));
  }

  async cleanup(neighbour: Neighbour | null = null): Promise<Outcome<readonly string[]>> {
    this.#known = null;
    this.#kernel.forget();
    const table = planeTable(this.family);
    if (neighbour !== null) {
      const read = await this.#options.port.readTable(table.family, table.name);
      if (!read.ok) return read;
      const commands = read.value === null ? [] : planLeaving(this.family, read.value);
      if (commands !== null) return await this.#leave(commands);
    }
    const { problem } = await this.#options.port.apply({ table, commands: [{ kind: 'delete-table' }] });
    if (problem?.code === 'WP_NFT_MISSING') return succeed([]);
    return problem === null ? succeed([`nftables table ${table.family} ${table.name}`]) : { ok: false, problem };
  }

  /** Out of a table that stays. */
  async #leave(commands: readonly Command[]): Promise<Outcome<readonly string[]>> {
    if (commands.length === 0) return succeed([]);
    const table = planeTable(this.family);
    const { problem } = await this.#options.port.apply({ table, commands });
    if (problem !== null) return { ok: false, problem };
    const chains = commands.flatMap((one) => (one.kind === 'delete-chain' ? [one.chain] : []));
    return succeed(chains.map((chain) => `chain ${chain} of nftables table ${table.family} ${table.name}`));
  }

  #settle(settings: DataPlaneSettings): void {
    this.#settings = settings;
    this.#wish.setBase(
      settings.nodePorts.kind === 'listed' ? settings.nodePorts.addresses.filter((one) => !isLoopback(one)) : [],
    );
  }

  async #plan(services: Change['services'], tally: Tally): Promise<ServicePlan[]> {
    const plans: ServicePlan[] = [];
    const timer = this.#timer(tally);
    for (const [service, frontends] of services) {
      const plan = this.#planOne(service, frontends, tally);
      if (plan !== null) plans.push(plan);
      await timer.rest();
    }
    timer.stop();
    return plans;
  }

  #planOne(service: ServiceKey, frontends: readonly Frontend[], tally: Tally): ServicePlan | null {
    const planned = planService(this.family, service, frontends);
    if ('plan' in planned) return planned.plan;
    const message = `Service ${service}: ${planned.tooLarge} has more than ${largestPool} back ends, each counted by its weight`;
    tally.failed.set(service, { code: 'WP_NFT_POOL_TOO_LARGE', message, service });
    return null;
  }

  /** A table that has to be replaced is replaced at once, so that no packet meets it half filled; else a part at a time. */
  async #applyPlans(plans: readonly ServicePlan[], complete: boolean, tally: Tally): Promise<Problem | null> {
    const state = await this.#judge();
    if (state === 'replace') return await this.#attempt(plans, 'full', tally);
    // With all rules those of affinity go, of Services that are named only now: all of them come in one transaction.
    if (state === 'rewrite' && complete && this.#unwishedChains().length > 0) {
      this.#mayPrune = true;
      return await this.#attempt(plans, 'full', tally);
    }
    if (state === 'rewrite' || (await this.#isBaseOpen())) {
      const problem = await this.#attempt([], 'base', tally);
      if (problem !== null) return problem;
    }
    for (const chunk of cutPlans(plans)) {
      // oxlint-disable-next-line no-await-in-loop -- transactions follow one another
      const problem = await this.#attempt(chunk, 'touched', tally);
      if (problem !== null) return problem;
    }
    this.#mayPrune ||= complete;
    return complete ? await this.#attempt([], 'leftovers', tally) : null;
  }

  /** What was wished before may not be in a table that had to be looked at anew. */
  async #repair(tally: Tally): Promise<Problem | null> {
    return [...this.#wish.services].length === 0 ? null : await this.#attempt([], 'full', tally);
  }

  /** Whether addresses of node ports differ from what is there. */
  async #isBaseOpen(): Promise<boolean> {
    const { commands } = await this.#difference(this.#touch([], 'base'), 'right');
    return commands.length > 0;
  }

  async #judge(): Promise<TableState> {
    const context = this.#context();
    if (this.#written !== null) return sameRules(this.#written, context) ? 'right' : 'rewrite';
    if (this.#known === null) return 'rewrite';
    const found = await judgeTable(context, this.#known.findings, this.#options.pause);
    // A comparison of all rules, which is not needed again.
    if (found === 'right') this.#written = context;
    return found;
  }

  #context(): PlaneContext {
    const { family, serviceCidrs, strays } = this.#options;
    if (this.#settings === null) throw new Error('there are no settings yet');
    return { family, settings: this.#settings, serviceCidrs, strays };
  }

  #touch(plans: readonly ServicePlan[], scope: Scope, state = this.#state()): Touched {
    const touched = touchNothing();
    for (const plan of plans) this.#wish.replace(plan, touched);
    if (scope !== 'touched') this.#wish.touchBase(touched);
    if (scope === 'full') this.#wish.touchAll(touched);
    if ((scope === 'full' || scope === 'leftovers') && this.#mayPrune) this.#wish.touchLeftovers(state, touched);
    return touched;
  }

  #state(): PlaneState {
    if (this.#known === null) throw new Error('the table has not been read');
    return this.#known.state;
  }

  /** Chains of affinity that are there and no Service has, as far as Services were named. */
  #unwishedChains(): readonly string[] {
    return [...this.#state().chains.keys()].filter((name) => this.#wish.chain(name) === undefined);
  }

  async #difference(touched: Touched, table: TableState): Promise<PlaneDifference & { readonly state: PlaneState }> {
    const { pause } = this.#options;
    const state = table === 'replace' ? new PlaneState() : this.#state();
    const rewritten = table !== 'right';
    if (!rewritten) return { ...(await diffPlane(this.family, this.#wish, state, touched, { rewritten, pause })), state };
    // What nobody wishes yet may be wished soon, and elements lead there: it stays, without rules.
    const emptied = table === 'rewrite' ? this.#unwishedChains().filter((name) => !touched.chains.has(name)) : [];
    this.#wish.touchRules(touched);
    const findings = this.#written === null ? (this.#known?.findings ?? null) : null;
    const rewrite = planRewrite(this.#context(), findings, table);
    const difference = await diffPlane(this.family, this.#wish, state, touched, { rewritten, pause });
    const chains = new Map([...difference.change.chains, ...emptied.map((name) => [name, ''] as const)]);
    const commands = [...rewrite.before, ...difference.commands, ...rewrite.behind];
    return { commands, change: { ...difference.change, chains }, state };
  }

  /**
   * Makes the plans part of the wish and the kernel. Services the kernel refuses are taken out again and recorded in the
   * tally. Returns a problem if nothing at all could be confirmed.
   */
  async #attempt(plans: readonly ServicePlan[], scope: Scope, tally: Tally): Promise<Problem | null> {
    tally.attempts += 1;
    const table = await this.#judge();
    const timer = this.#timer(tally);
    const previous = plans.map((plan) => this.#wish.planOf(plan.service) ?? emptyPlan(plan.service));
    const touched = this.#touch(plans, table === 'replace' ? 'full' : scope);
    const { commands, change, state } = await this.#difference(touched, table);
    timer.stop();
    const report = commands.length === 0 ? null : await this.#kernel.apply(commands);
    tally.bytes += report?.bytes ?? 0;
    if (report === null || report.problem === null) {
      this.#follow(state, change, commands, tally);
      return null;
    }
    for (const plan of previous) this.#wish.replace(plan, touchNothing());
    return await this.#recover(plans, scope, report.problem, tally);
  }

  #follow(state: PlaneState, change: PlaneDifference['change'], commands: readonly Command[], tally: Tally): void {
    state.follow(change);
    if (this.#known !== null) this.#known = { ...this.#known, state };
    this.#written = this.#context();
    tally.operations += countOperations(commands);
  }

  /** After a refusal: look at what the kernel has now, then narrow down whose fault it was. */
  async #recover(plans: readonly ServicePlan[], scope: Scope, problem: Problem, tally: Tally): Promise<Problem | null> {
    const read = await this.read();
    if (!read.ok) return read.problem;
    if (surprises.has(problem.code) && tally.surprises < surpriseLimit) {
      tally.surprises += 1;
      return await this.#again(plans, scope, tally);
    }
    if (plans.length === 0 || general.has(problem.code) || !problem.code.startsWith('WP_NFT_')) return problem;
    if (plans.length === 1 || tally.attempts >= attemptLimit) {
      for (const { service } of plans) tally.failed.set(service, problem);
      return scope === 'full' ? await this.#attempt([], 'full', tally) : null;
    }
    const founded = await this.#attempt([], 'base', tally);
    if (founded !== null) return founded;
    const middle = Math.ceil(plans.length / 2);
    for (const half of [plans.slice(0, middle), plans.slice(middle)]) {
      // oxlint-disable-next-line no-await-in-loop -- transactions follow one another
      const stopped = await this.#attempt(half, 'touched', tally);
      if (stopped !== null) return stopped;
    }
    return scope === 'full' ? await this.#attempt([], 'full', tally) : null;
  }

  /** The table may have been changed or deleted meanwhile: everything that is wished has to be in it again. */
  async #again(plans: readonly ServicePlan[], scope: Scope, tally: Tally): Promise<Problem | null> {
    const repaired = scope === 'full' ? null : await this.#attempt([], 'full', tally);
    return repaired ?? (await this.#attempt(plans, scope, tally));
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

/** Plans in parts of some weight, each a transaction. */
function* cutPlans(plans: readonly ServicePlan[]): Iterable<readonly ServicePlan[]> {
  let chunk: ServicePlan[] = [];
  let weight = 0;
  for (const plan of plans) {
    if (chunk.length > 0 && weight + plan.weight > chunkWeight) {
      yield chunk;
      [chunk, weight] = [[], 0];
    }
    chunk.push(plan);
    weight += plan.weight;
  }
  if (chunk.length > 0) yield chunk;
}

function startTally(): Tally {
  return { failed: new Map(), operations: 0, bytes: 0, planMs: 0, attempts: 0, surprises: 0 };
}

function reportOf({ failed, operations, bytes, planMs }: Tally, problem: Problem | null): ApplyReport {
  return { problem, failed, operations, bytes, planMs };
}
