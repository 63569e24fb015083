import { hostPrefix, prefixContains, sideKey } from '../model/mod.ts';
import type { Address, Prefix, Problem, ServiceKey, SideEntry } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { eachSlowly } from './data-plane-pace.ts';
import { diffServer } from './diff-server.ts';
import type { BookedOperation } from './diff-server.ts';
import { emptyStep, phaseOfRemoval, phaseOfSetting } from './diff-side.ts';
import type { SideStep } from './diff-side.ts';
import { ipvsProblem } from './errors.ts';
import type { DrainPolicy, ServerWish } from './plan-types.ts';
import { joinRanges } from './join-ranges.ts';
import { readRecord, serversOfRecord } from './records.ts';
import { buildRoute, isSameRoute } from './routes.ts';
import type { KernelRoute } from './routes.ts';
import type { IpvsOptions } from './settings.ts';
import type { ServerKey } from './virtual-server.ts';
import type { Touched, Wish } from './wish.ts';

/** What leads from the kernel to the wish for the objects touched, in the order in which it is to be done. */
export interface Steps {
  readonly admit: SideStep;
  readonly raise: BookedOperation[];
  readonly addRoutes: Map<string, { readonly route: KernelRoute; readonly service: ServiceKey }>;
  readonly attract: SideStep;
  readonly removeRoutes: Map<string, { readonly route: KernelRoute; readonly service: ServiceKey }>;
  readonly lower: BookedOperation[];
  readonly tidy: SideStep;
  /** Services that cannot have what they want, and why: nothing at all is done for them. */
  readonly refused: Map<ServiceKey, Problem>;
}

export interface StepFacts {
  readonly options: IpvsOptions;
  readonly kernel: Kernel;
  readonly wish: Wish;
  /** Of this family. */
  readonly serviceCidrs: readonly Prefix[];
  /** What processes of the node send from, if the node has that address. */
  readonly source: Address | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Compares wish and kernel for what was touched. */
export async function planSteps(facts: StepFacts, touched: Touched): Promise<Steps> {
  const steps: Steps = {
    admit: emptyStep(),
    raise: [],
    addRoutes: new Map(),
    attract: emptyStep(),
    removeRoutes: new Map(),
    lower: [],
    tidy: emptyStep(),
    refused: new Map(),
  };
  const { pause } = facts.options;
  await eachSlowly(touched.servers, pause, ([text, service]) => planServer(facts, steps, text, service));
  await eachSlowly(touched.entries, pause, ([key, service]) => planEntry(facts, steps, key, service));
  joinRanges(steps, (key) => facts.kernel.entries.get(key));
  await eachSlowly(touched.routes, pause, ([key, service]) => planRoute(facts, steps, key, service));
  return steps;
}

/** A server of ours in the kernel needs the record that says so. */
export function isNeededRecord(kernel: Kernel, entry: SideEntry | undefined, options: IpvsOptions): boolean {
  const record = entry?.kind === 'record' ? readRecord(entry.text) : null;
  if (record === null) return false;
  return serversOfRecord(record, options.family).some((text) => kernel.servers.get(text)?.owner === 'own');
}

function planServer({ options, kernel, wish, now }: StepFacts, steps: Steps, text: string, service: ServiceKey): void {
  const have = kernel.servers.get(text);
  const wanted = wish.server(text);
  if (wanted !== null && have?.owner === 'foreign') {
    const message = `the virtual server ${text} that Service ${wanted.service} needs is somebody else's, so it was left alone; remove it or change the Service`;
    steps.refused.set(wanted.service, ipvsProblem('WP_IPVS_FOREIGN', message));
    return;
  }
  const key = wanted?.key ?? have?.server.key;
  const { raise, lower } = diffServer(wanted, have, {
    service: wanted?.service ?? service,
    scheduler: wanted === null ? '' : chosenScheduler(kernel, wanted),
    policy: key === undefined ? { milliseconds: 0, untilIdle: true } : standardPolicy(options, key),
    now,
  });
  steps.raise.push(...raise);
  steps.lower.push(...lower);
}

/** The scheduler of the wish, or its fall-back where the kernel does not have that. */
function chosenScheduler(kernel: Kernel, { scheduler, fallback }: ServerWish): string {
  return kernel.missingSchedulers.has(scheduler) ? fallback : scheduler;
}

/** For servers of which the last run has left no word; those of marks may be of any protocol, and UDP is never active. */
export function standardPolicy({ drainMs, udpDrainMs }: IpvsOptions, key: ServerKey): DrainPolicy {
  const udp = key.kind === 'address' && key.protocol === 'UDP';
  return udp ? { milliseconds: udpDrainMs, untilIdle: false } : { milliseconds: drainMs, untilIdle: true };
}

function planEntry(facts: StepFacts, steps: Steps, key: string, service: ServiceKey): void {
  const { kernel, wish } = facts;
  const have = kernel.entries.get(key);
  const wanted = wish.entry(key);
  if (wanted !== null) {
    const phase = phaseOfSetting(wanted, have, isGuarded(facts, wanted));
    if (phase !== null) steps[phase].set.set(key, { entry: wanted, service });
  } else if (have !== undefined) {
    steps[phaseOfRemoval(have)].remove.set(key, service);
  }
}

/** Packets to the destination of a decision that no server takes are refused. */
function isGuarded({ wish, serviceCidrs }: StepFacts, entry: SideEntry): boolean {
  if (entry.kind !== 'decision' || entry.address === null) return false;
  const { address } = entry;
  if (serviceCidrs.some((range) => prefixContains(range, address))) return true;
  return wish.entry(sideKey({ kind: 'protected', prefix: hostPrefix(address) })) !== null;
}

function planRoute({ kernel, wish, source }: StepFacts, steps: Steps, key: string, service: ServiceKey): void {
  const have = kernel.routes.get(key);
  const wanted = wish.route(key);
  if (wanted === null) {
    if (have !== undefined) steps.removeRoutes.set(key, { route: have, service });
    return;
  }
  const route = buildRoute(wanted, source);
  if (have === undefined || !isSameRoute(have, route)) steps.addRoutes.set(key, { route, service });
}
