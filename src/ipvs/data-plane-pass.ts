import type { Problem, ServiceKey, SideSettings } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { isClear } from './data-plane-kernel.ts';
import { eachSlowly } from './data-plane-pace.ts';
import { planSteps } from './data-plane-plan.ts';
import type { StepFacts, Steps } from './data-plane-plan.ts';
import { applySide } from './data-plane-side.ts';
import type { BookedOperation } from './diff-server.ts';
import { emptyStep, mergeSteps } from './diff-side.ts';
import type { SideStep } from './diff-side.ts';
import type { KernelRoute } from './routes.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import type { Touched } from './wish.ts';

/** The running totals of one call. */
export interface Tally {
  operations: number;
  bytes: number;
  planMs: number;
}

export interface PassFacts extends StepFacts {
  readonly settings: SideSettings;
  readonly tally: Tally;
}

export interface PassResult {
  /** Set when nothing could be confirmed. */
  readonly problem: Problem | null;
  /** Services that the kernel refused something for, and whatever was to follow was left out. */
  readonly refused: ReadonlyMap<ServiceKey, Problem>;
  /** Trying again may help. */
  readonly again: boolean;
}

/** Operations handed over at once; between batches others get at the kernel's lock. */
const batchSize = 1000;
/** From this many additions on, batches are apart in time as well (specification 11.12). */
const largeSync = 5000;
const restMs = 20;

/**
 * Makes the kernel what the wish says, for the objects touched: first what admits, servers and routes that are new, then
 * what sends packets there, then what is to go. A Service that is refused something gets none of the later steps, so
 * that its packets go on to where they went.
 */
export async function runPass(facts: PassFacts, touched: Touched): Promise<PassResult> {
  const { options, kernel, tally } = facts;
  const started = options.now();
  const steps = await planSteps(facts, touched);
  tally.planMs += options.now() - started;
  const { refused } = steps;
  const problem = await runSteps(facts, steps, touched);
  const final = [...refused.values()].every(({ code }) => isClear(code) || code === 'WP_IPVS_FOREIGN');
  return { problem, refused, again: problem === null && (!final || kernel.stale) };
}

async function runSteps(facts: PassFacts, steps: Steps, touched: Touched): Promise<Problem | null> {
  const { kernel, settings } = facts;
  const { refused, raise, addRoutes, removeRoutes, lower } = steps;
  const sides = joinSides(steps);
  const force = kernel.needsSettings(settings);
  const side = (step: SideStep, must = false): Promise<Problem | null> => applySide(facts, step, refused, must);
  return (
    (await side(sides.before, force && !sides.joined)) ??
    (await runOperations(facts, raise, refused)) ??
    (await settleWanted(facts, touched, refused)) ??
    (await runRoutes(facts, addRoutes, 'add', refused)) ??
    (await side(sides.between, force && sides.joined)) ??
    (await runRoutes(facts, removeRoutes, 'remove', refused)) ??
    (await runOperations(facts, lower, refused)) ??
    (await side(sides.after))
  );
}

/** Transactions with nothing between them become one. */
function joinSides(steps: Steps): {
  readonly before: SideStep;
  readonly between: SideStep;
  readonly after: SideStep;
  readonly joined: boolean;
} {
  const { admit, raise, addRoutes, attract, removeRoutes, lower, tidy } = steps;
  const nothingNew = raise.length === 0 && addRoutes.size === 0;
  const nothingOld = lower.length === 0 && removeRoutes.size === 0;
  const between = nothingNew ? mergeSteps(admit, attract) : attract;
  return {
    before: nothingNew ? emptyStep() : admit,
    between: nothingOld ? mergeSteps(between, tidy) : between,
    after: nothingOld ? emptyStep() : tidy,
    joined: nothingNew,
  };
}

/** Wanted servers are ours from now on, and whatever of them was leaving and is wanted again stays. */
async function settleWanted(
  { kernel, wish, options }: PassFacts,
  touched: Touched,
  refused: ReadonlyMap<ServiceKey, Problem>,
): Promise<null> {
  await eachSlowly(touched.servers.keys(), options.pause, (text) => {
    const wanted = wish.server(text);
    if (wanted !== null && !refused.has(wanted.service)) kernel.servers.settle(text, wanted);
  });
  return null;
}

async function runOperations(
  { options, kernel, tally }: PassFacts,
  operations: readonly BookedOperation[],
  refused: Map<ServiceKey, Problem>,
): Promise<Problem | null> {
  for (let start = 0; start < operations.length; start += batchSize) {
    if (start > 0) await giveWay(options, operations.length);
    const batch = operations.slice(start, start + batchSize).filter(({ service }) => !refused.has(service));
    if (batch.length === 0) continue;
    const { verdicts, bytes } = await kernel.changeServers(batch);
    tally.bytes += bytes;
    const problems = verdicts.filter((verdict) => verdict !== null);
    tally.operations += verdicts.length - problems.length;
    const [first] = problems;
    if (first !== undefined && problems.length === batch.length && isAboutEverything(first)) return first;
    for (const [at, { service }] of batch.entries()) {
      const verdict = verdicts[at] ?? null;
      if (verdict !== null && !refused.has(service)) refused.set(service, verdict);
    }
  }
  return null;
}

/** A refusal that says nothing of the object it was given for. */
function isAboutEverything({ code }: Problem): boolean {
  return code === 'WP_IPVS_DENIED' || code === 'WP_IPVS_MISSING' || code === 'WP_IPVS_TOOL';
}

async function giveWay({ pause, rest }: IpvsOptions, operations: number): Promise<void> {
  if (operations > largeSync) {
    await rest(restMs);
    return;
  }
  const resting = pause();
  if (resting !== null) await resting;
}

/** All at once, and after a failure one by one to find the Services at fault. */
async function runRoutes(
  { kernel, tally }: PassFacts,
  booked: ReadonlyMap<string, { readonly route: KernelRoute; readonly service: ServiceKey }>,
  what: 'add' | 'remove',
  refused: Map<ServiceKey, Problem>,
): Promise<Problem | null> {
  const wanted = [...booked].filter(([, { service }]) => !refused.has(service));
  const change = (some: typeof wanted): ReturnType<Kernel['changeRoutes']> => {
    const routes = new Map(some.map(([key, { route }]) => [key, route]));
    return what === 'add' ? kernel.changeRoutes(routes, new Map()) : kernel.changeRoutes(new Map(), routes);
  };
  if (wanted.length === 0) return null;
  const all = await change(wanted);
  if (all.ok) {
    tally.operations += wanted.length;
    return null;
  }
  let failures = 0;
  for (const one of wanted) {
    const { service } = one[1];
    const done = await change([one]);
    if (!done.ok && service === noService) return done.problem;
    if (done.ok) tally.operations += 1;
    else refused.set(service, done.problem);
    failures += done.ok ? 0 : 1;
  }
  return failures === wanted.length && failures > 1 ? all.problem : null;
}
