import { isDeepStrictEqual } from 'node:util';
import { emptySnapshot } from '../model/mod.ts';
import type {
  Address,
  ApplyReport,
  DataPlane,
  DataPlaneSettings,
  Dirty,
  Family,
  FamilyHealth,
  Frontend,
  Problem,
  ServiceKey,
  Snapshot,
} from '../model/mod.ts';
import { runAfterSync } from './after-sync.ts';
import { AuditSchedule } from './audit-schedule.ts';
import type { Suspicion } from './audit-schedule.ts';
import { ChangeTracker } from './change-tracker.ts';
import { EarlyLook } from './early-look.ts';
import { listPending } from './family-diff.ts';
import type { FamilyDiff } from './family-diff.ts';
import { explainEndpoints } from './explain-endpoints.ts';
import type { EndpointUse } from './explain-endpoints.ts';
import { NoLocalEndpoints } from './no-local-endpoints.ts';
import { listNodePortAddresses } from './node-port-addresses.ts';
import type { Pace, ReconcilerOptions } from './reconciler-options.ts';
import { Retries } from './retries.ts';
import { BoundedRunner } from './runner.ts';
import type { RunResult } from './runner.ts';
import { resolveSettings } from './settings.ts';
import { StatusTable } from './status.ts';
import type { SyncKind } from './sync-event.ts';
import { deriveFrontends } from './view.ts';
import type { Viewpoint } from './view.ts';
import { resolveViewpoint } from './viewpoint.ts';

/** What one sync works from. */
interface Basis {
  readonly snapshot: Snapshot;
  readonly settings: DataPlaneSettings;
  readonly viewpoint: Viewpoint;
  readonly interfaces: readonly Address[];
}

/** The longest that a timer waits, in milliseconds. */
const longestWait = 2 ** 31 - 1;

/** An attempt that has begun and is not over. */
interface Attempt {
  readonly sync: SyncKind;
  readonly started: number;
  readonly services: readonly ServiceKey[];
}

/**
 * Keeps one family's data plane in step with the snapshots. A Service stays dirty until the kernel
 * confirmed it; one that failed is retried alone and with growing delays.
 */
export class Reconciler {
  readonly #plane: DataPlane;
  readonly #options: ReconcilerOptions;
  readonly #runner: BoundedRunner;
  readonly #status: StatusTable;
  readonly #changes: ChangeTracker;
  readonly #noLocal: NoLocalEndpoints;
  readonly #retries: Retries;
  readonly #audits: AuditSchedule;
  readonly #look: EarlyLook;
  #dirty = new Set<ServiceKey>();
  /** A source that lists nothing need not say so. */
  #snapshot: Snapshot = emptySnapshot;
  #open = false;
  #openedAt: number | null = null;
  #viewpoint: Viewpoint | null = null;
  #settings: DataPlaneSettings | null = null;
  #lastUpdated: number | null = null;
  #failingSince: number | null = null;
  #attempt: Attempt | null = null;
  #comparing: Promise<FamilyDiff> | null = null;

  constructor(plane: DataPlane, options: ReconcilerOptions) {
    this.#plane = plane;
    this.#options = options;
    const { clock, minSyncPeriod, syncPeriod } = options;
    this.#status = new StatusTable(plane.family);
    this.#changes = new ChangeTracker(plane.family, clock.now());
    this.#noLocal = new NoLocalEndpoints(plane.mode === 'ipvs');
    this.#retries = new Retries(syncPeriod);
    this.#audits = new AuditSchedule(syncPeriod);
    this.#look = new EarlyLook(plane, clock, () => this.#runner.request());
    this.#runner = new BoundedRunner({ clock, minInterval: minSyncPeriod, run: () => this.#run() });
  }

  /** Takes in a commit. Nothing reaches the kernel before `open`. */
  update(snapshot: Snapshot, dirty: Dirty): void {
    const { family } = this.#plane;
    const { changed, concerned } = this.#changes.note(this.#snapshot, snapshot, dirty.services);
    this.#snapshot = snapshot;
    const now = this.#options.clock.now();
    for (const service of concerned) {
      this.#dirty.add(service);
      this.#retries.forgetService(service);
      this.#status.markPending(service, now);
    }
    if (changed.services + changed.slices > 0) {
      this.#options.observe?.({ kind: 'changed', family, ...changed, pending: this.#changes.pending });
    }
    if (this.#open && (this.#dirty.size > 0 || dirty.node)) this.#request();
  }

  /** The snapshot is whole from now on: the first sync may run. */
  open(): void {
    this.#open = true;
    this.#openedAt = this.#options.clock.now();
    this.#request();
  }

  /** The node may have other addresses than at the last look; with a suspicion an audit is due soon as well. */
  lookAgain(suspicion: Suspicion | null): void {
    if (!this.synced) return;
    if (suspicion !== null) this.#audits.suspect(suspicion.by);
    this.#runner.request();
  }

  /** Other periods from now on. An audit that is due later than the new one says comes earlier. */
  setPace({ syncPeriod, minSyncPeriod }: Pace): void {
    this.#audits.setPeriod(syncPeriod, this.#options.clock.now());
    this.#retries.longest = syncPeriod;
    this.#runner.setMinInterval(minSyncPeriod, this.#nextDue());
  }

  /** What became of every frontend, for whoever only reads. */
  get status(): Pick<StatusTable, 'rows' | 'counts' | 'listen' | 'services' | 'rowsOf'> {
    return this.#status;
  }

  /** What became of a Service's endpoints, from what is known now; the kernel may be behind. */
  explain(key: ServiceKey): readonly EndpointUse[] {
    const { choices, nodeName, publisher = null } = this.#options;
    const { services, slices, node } = this.#snapshot;
    const service = services.get(key);
    if (service === undefined) return [];
    const from = { family: this.#plane.family, nodeName, zone: node?.zone ?? null, externalIps: choices.externalIps };
    return explainEndpoints(service, slices.get(key) ?? [], from, publisher);
  }

  get family(): Family {
    return this.#plane.family;
  }

  /** Services whose last change no sync has taken in. */
  get dirtyServices(): number {
    return this.#dirty.size;
  }

  /** Every Service has been written once. */
  get synced(): boolean {
    return this.#lastUpdated !== null;
  }

  /**
   * How the family stands; starting the loop counts as a success (specification 7.1). Before `open` nothing waits,
   * unlike in the reference, whose clock a zone label starts: whoever cannot reach the API server would be restarted
   * by its liveness probe again and again, and `/healthz` says already that the node is not ready.
   */
  health(): FamilyHealth {
    const waits = [this.#failingSince, this.#status.pendingSince(), this.#lastUpdated === null ? this.#openedAt : null];
    const known = waits.filter((since) => since !== null);
    const pendingSince = this.#open && known.length > 0 ? Math.min(...known) : null;
    return { family: this.#plane.family, lastUpdated: this.#lastUpdated ?? this.#openedAt, pendingSince };
  }

  /**
   * What the kernel holds otherwise than it was asked to, and the changes it was not asked for yet. Waits for a sync that is
   * running, and the next one waits for it; whoever asks meanwhile gets the same answer.
   */
  async compare(): Promise<FamilyDiff> {
    this.#comparing ??= this.#runner
      .apart(() => this.#compare())
      .finally(() => {
        this.#comparing = null;
      });
    return await this.#comparing;
  }

  /** Leaves the kernel as it is. */
  async stop(): Promise<void> {
    await this.#runner.stop();
    await this.#look.ended();
  }

  async #compare(): Promise<FamilyDiff> {
    const { family } = this.#plane;
    const basis = this.#gather(this.#snapshot);
    const waiting = new Set([...this.#dirty, ...this.#retries.services]);
    const pending = await listPending(waiting, { ...basis, status: this.#status, pause: this.#options.pause });
    if (!this.synced) {
      const message = `${family}: the first sync is not done, so there is nothing to compare the kernel with`;
      return { family, problem: { code: 'WP_PROXY_NOT_SYNCED', message }, differences: [], pending, nodeChanged: false };
    }
    const compared = await this.#plane.compare();
    const found = compared.ok ? { problem: null, differences: compared.value } : { problem: compared.problem, differences: [] };
    return { family, ...found, pending, nodeChanged: this.#isOtherNode(basis) };
  }

  #request(): void {
    this.#options.observe?.({ kind: 'queued', family: this.#plane.family, at: this.#options.clock.now() });
    this.#runner.request();
  }

  async #run(): Promise<RunResult> {
    let worked = true;
    try {
      worked = await this.#sync(this.#gather(this.#snapshot));
    } catch (error) {
      // A bug in one sync must not end the loop that would repair what it left behind.
      const problem: Problem = { code: 'WP_PROXY_SYNC_BUG', message: `sync failed unexpectedly: ${String(error)}`, cause: error };
      for (const service of this.#attempt?.services ?? []) this.#dirty.add(service);
      this.#end(problem, null);
      this.#fail(problem);
    }
    return { worked, next: this.#nextDue() };
  }

  #gather(snapshot: Snapshot): Basis {
    const { choices, localAddresses, peers } = this.#options;
    const { family } = this.#plane;
    const interfaces = localAddresses();
    const known = { node: snapshot.node, localAddresses: interfaces };
    const facts = peers === undefined ? known : { ...known, peers: peers(family, snapshot) };
    const settings = resolveSettings(choices, family, facts);
    const viewpoint = resolveViewpoint(this.#options, family, settings, snapshot.node);
    return { snapshot, settings, viewpoint, interfaces };
  }

  /** Says whether anything was written or tried: a look at the kernel that found nothing must not hold up the next change. */
  async #sync(basis: Basis): Promise<boolean> {
    const { snapshot, settings, viewpoint } = basis;
    const now = this.#options.clock.now();
    const complete = this.#isOtherNode(basis) || this.#retries.everythingDue !== null;
    const due = complete ? this.#allServices(snapshot) : this.#dueServices(now);
    if (!complete && due.length === 0) {
      return await this.#auditIfDue(basis);
    }
    this.#dirty = new Set();
    this.#begin(complete ? 'full' : 'partial', due);
    const services = new Map<ServiceKey, readonly Frontend[]>();
    for (const key of due) {
      const frontends = this.#derive(basis, key);
      services.set(key, frontends);
      this.#status.notePlanned(key, frontends);
      await this.#options.pause();
    }
    const report = await this.#plane.apply({ settings, services, complete });
    this.#end(report.problem, report);
    if (report.problem !== null) {
      for (const service of services.keys()) this.#dirty.add(service);
      this.#fail(report.problem);
      return true;
    }
    const confirmed = await this.#settle(services, report);
    const first = complete && this.#settings === null;
    this.#settings = settings;
    this.#viewpoint = viewpoint;
    if (complete) {
      this.#look.forget();
      this.#audits.plan(this.#options.clock.now(), 0);
    }
    this.#options.report({ kind: 'synced', family: this.#plane.family, services: services.size, report, first });
    await this.#options.pause();
    await this.#conclude(basis, confirmed, complete);
    // Where changes never cease there would be no other moment for it.
    await this.#auditIfDue(basis);
    return true;
  }

  /** The last sync that was confirmed worked from other facts about the node, so every Service has to be looked at. */
  #isOtherNode({ settings, viewpoint }: Basis): boolean {
    return !isDeepStrictEqual([settings, viewpoint], [this.#settings, this.#viewpoint]);
  }

  #derive({ snapshot, viewpoint }: Basis, key: ServiceKey): readonly Frontend[] {
    const { report, publisher = null } = this.#options;
    const { family } = this.#plane;
    const service = snapshot.services.get(key);
    if (service === undefined) {
      publisher?.forget(key, family);
      return [];
    }
    const advise = (problem: Problem): void => report({ kind: 'advised', family, problem });
    return deriveFrontends(service, snapshot.slices.get(key) ?? [], viewpoint, { advise, publisher });
  }

  /** Writes down what the kernel made of each Service. Returns those it confirmed. */
  async #settle(services: ReadonlyMap<ServiceKey, readonly Frontend[]>, report: ApplyReport): Promise<Set<ServiceKey>> {
    const now = this.#options.clock.now();
    const { family } = this.#plane;
    const confirmed = new Set<ServiceKey>();
    for (const [service, frontends] of services) {
      const problem = report.failed.get(service);
      if (problem === undefined) {
        confirmed.add(service);
        this.#retries.forgetService(service);
        this.#noLocal.note(service, frontends);
        // Changed again while this sync ran: what the kernel confirmed is no longer what is wanted.
        if (!this.#dirty.has(service)) this.#status.markDone(service, frontends, now);
      } else {
        this.#retries.failService(service, now);
        this.#status.markError(service, frontends, problem, now);
        this.#options.report({ kind: 'refused', family, service, problem });
      }
      await this.#options.pause();
    }
    return confirmed;
  }

  /** What follows a success, in the order of specification 10.5. */
  async #conclude(basis: Basis, services: ReadonlySet<ServiceKey>, complete: boolean): Promise<void> {
    const { clock, report, observe, afterSync = [] } = this.#options;
    const { family } = this.#plane;
    const { snapshot, settings, interfaces } = basis;
    const now = clock.now();
    const latencies = this.#changes.confirm(services, now);
    if (latencies.length > 0) observe?.({ kind: 'programmed', family, latencies });
    observe?.({ kind: 'succeeded', family, at: now, noLocalEndpoints: this.#noLocal.total });
    this.#lastUpdated = now;
    this.#failingSince = null;
    this.#retries.forgetEverything();
    const localAddresses = listNodePortAddresses(settings.nodePorts, family, interfaces);
    await runAfterSync(afterSync, { family, services, snapshot, complete, settings, localAddresses }, (problem) =>
      report({ kind: 'failed', family, problem }),
    );
  }

  /** Says whether the kernel was not as it should be. */
  async #auditIfDue(basis: Basis): Promise<boolean> {
    return this.#options.clock.now() >= this.#audits.due && this.#look.ready() && (await this.#audit(basis));
  }

  async #audit(basis: Basis): Promise<boolean> {
    const { clock, report: tell } = this.#options;
    this.#begin('audit', []);
    const started = clock.now() - this.#look.take();
    const report = await this.#plane.audit();
    const now = clock.now();
    this.#audits.plan(now, now - started);
    this.#end(report.problem, report);
    if (report.problem !== null) {
      this.#fail(report.problem);
      return true;
    }
    const by = this.#audits.takeSuspects();
    if (report.operations > 0) tell({ kind: 'repaired', family: this.#plane.family, report, by });
    await this.#conclude(basis, new Set(), false);
    return report.operations > 0;
  }

  #begin(sync: SyncKind, services: readonly ServiceKey[]): void {
    this.#attempt = { sync, started: this.#options.clock.now(), services };
    this.#changes.take(services);
    const { family } = this.#plane;
    this.#options.observe?.({ kind: 'started', family, sync, services: services.length, pending: this.#changes.pending });
  }

  #end(problem: Problem | null, report: ApplyReport | null): void {
    if (this.#attempt === null) return;
    const { sync, started } = this.#attempt;
    this.#attempt = null;
    const took = this.#options.clock.now() - started;
    this.#options.observe?.({ kind: 'ended', family: this.#plane.family, sync, took, problem, report });
  }

  #fail(problem: Problem): void {
    const now = this.#options.clock.now();
    this.#failingSince ??= now;
    this.#retries.failEverything(now);
    this.#options.report({ kind: 'failed', family: this.#plane.family, problem });
  }

  /** Milliseconds until something is to be done without a request. */
  #nextDue(): number {
    const audit = this.#look.underWay ? Number.POSITIVE_INFINITY : this.#audits.due;
    const due = Math.min(this.#retries.everythingDue ?? audit, this.#retries.nextService);
    return Math.min(Math.max(0, due - this.#options.clock.now()), longestWait);
  }

  #dueServices(now: number): ServiceKey[] {
    return [...new Set([...this.#dirty, ...this.#retries.dueServices(now)])];
  }

  #allServices(snapshot: Snapshot): ServiceKey[] {
    return [...new Set([...snapshot.services.keys(), ...this.#dirty, ...this.#retries.services])];
  }
}
