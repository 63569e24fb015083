import { isDeepStrictEqual } from 'node:util';
import type {
  Address,
  ApplyReport,
  Clock,
  DataPlane,
  DataPlaneSettings,
  Dirty,
  Family,
  FamilyHealth,
  Frontend,
  NodeChoices,
  Pause,
  Problem,
  ServiceKey,
  Snapshot,
  StatusRow,
} from '../model/mod.ts';
import { BoundedRunner } from './runner.ts';
import { resolveNodeAddress, resolveSettings } from './settings.ts';
import { StatusTable } from './status.ts';
import { deriveFrontends } from './view.ts';
import type { Viewpoint } from './view.ts';

/** What the reconcilers of both families share. */
export interface ReconcilerOptions {
  readonly choices: NodeChoices;
  readonly nodeName: string;
  /** Milliseconds. A failed sync is tried again after this at the latest; an audit is due this often. */
  readonly syncPeriod: number;
  readonly minSyncPeriod: number;
  readonly clock: Clock;
  readonly pause: Pause;
  /** Addresses of all interfaces of the node, read afresh. */
  readonly localAddresses: () => readonly Address[];
  readonly report: (notice: Notice) => void;
}

/** Something an operator should read in the log. */
export type Notice =
  | {
      readonly kind: 'synced';
      readonly family: Family;
      readonly services: number;
      readonly report: ApplyReport;
      readonly first: boolean;
    }
  | { readonly kind: 'repaired'; readonly family: Family; readonly report: ApplyReport }
  | { readonly kind: 'refused'; readonly family: Family; readonly service: ServiceKey; readonly problem: Problem }
  | { readonly kind: 'failed'; readonly family: Family; readonly problem: Problem };

/** First retry of what failed; doubles up to `syncPeriod`. */
const firstRetry = 1000;

/** An audit may use at most about a hundredth of the time. */
const auditShare = 100;

interface Retry {
  readonly delay: number;
  readonly due: number;
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
  readonly #retries = new Map<ServiceKey, Retry>();
  #dirty = new Set<ServiceKey>();
  /** A source that lists nothing need not say so. */
  #snapshot: Snapshot = { version: 0, services: new Map(), slices: new Map(), node: null };
  #open = false;
  #openedAt: number | null = null;
  #viewpoint: Viewpoint | null = null;
  #settings: DataPlaneSettings | null = null;
  #lastUpdated: number | null = null;
  #failingSince: number | null = null;
  #globalRetry: Retry | null = null;
  #auditDue = 0;

  constructor(plane: DataPlane, options: ReconcilerOptions) {
    this.#plane = plane;
    this.#options = options;
    this.#status = new StatusTable(plane.family);
    const { clock, minSyncPeriod } = options;
    this.#runner = new BoundedRunner({ clock, minInterval: minSyncPeriod, run: () => this.#run() });
  }

  /** Takes in a commit. Nothing reaches the kernel before `open`. */
  update(snapshot: Snapshot, dirty: Dirty): void {
    this.#snapshot = snapshot;
    const now = this.#options.clock.now();
    for (const service of dirty.services) {
      this.#dirty.add(service);
      this.#retries.delete(service);
      this.#status.markPending(service, now);
    }
    if (this.#open && (this.#dirty.size > 0 || dirty.node)) this.#runner.request();
  }

  /** The snapshot is whole from now on: the first sync may run. */
  open(): void {
    this.#open = true;
    this.#openedAt = this.#options.clock.now();
    this.#runner.request();
  }

  rows(): StatusRow[] {
    return this.#status.rows();
  }

  health(): FamilyHealth {
    const waits = [this.#failingSince, this.#status.pendingSince(), this.#lastUpdated === null ? this.#openedAt : null];
    const known = waits.filter((since) => since !== null);
    const pendingSince = this.#open && known.length > 0 ? Math.min(...known) : null;
    return { family: this.#plane.family, lastUpdated: this.#lastUpdated, pendingSince };
  }

  /** Leaves the kernel as it is. */
  async stop(): Promise<void> {
    await this.#runner.stop();
  }

  async #run(): Promise<number | null> {
    try {
      await this.#sync(this.#snapshot);
    } catch (error) {
      // A bug in one sync must not end the loop that would repair what it left behind.
      this.#fail({ code: 'WP_PROXY_SYNC_BUG', message: `sync failed unexpectedly: ${String(error)}`, cause: error });
    }
    return this.#nextDue();
  }

  async #sync(snapshot: Snapshot): Promise<void> {
    const { clock, choices, localAddresses } = this.#options;
    const { family } = this.#plane;
    const settings = resolveSettings(choices, family, { node: snapshot.node, localAddresses: localAddresses() });
    const viewpoint = this.#viewpointFor(snapshot, settings);
    const complete = !isDeepStrictEqual([settings, viewpoint], [this.#settings, this.#viewpoint]) || this.#globalRetry !== null;
    const now = clock.now();
    const due = complete ? this.#allServices(snapshot) : this.#dueServices(now);
    if (!complete && due.length === 0) {
      if (now >= this.#auditDue) await this.#audit();
      return;
    }
    this.#dirty = new Set([...this.#dirty].filter((service) => !complete && !due.includes(service)));
    const services = new Map<ServiceKey, readonly Frontend[]>();
    for (const key of due) {
      const service = snapshot.services.get(key);
      services.set(key, service === undefined ? [] : deriveFrontends(service, snapshot.slices.get(key) ?? [], viewpoint));
      await this.#options.pause();
    }
    const report = await this.#plane.apply({ settings, services, complete });
    this.#settle(services, report, complete);
    if (report.problem !== null) return;
    this.#settings = settings;
    this.#viewpoint = viewpoint;
    if (complete) this.#planAudit(0);
  }

  #settle(services: ReadonlyMap<ServiceKey, readonly Frontend[]>, report: ApplyReport, complete: boolean): void {
    const now = this.#options.clock.now();
    const { family } = this.#plane;
    if (report.problem !== null) {
      for (const service of services.keys()) this.#dirty.add(service);
      this.#fail(report.problem);
      return;
    }
    for (const [service, frontends] of services) {
      const problem = report.failed.get(service);
      if (problem === undefined) {
        this.#retries.delete(service);
        // Changed again while this sync ran: what the kernel confirmed is no longer what is wanted.
        if (!this.#dirty.has(service)) this.#status.markDone(service, frontends, now);
      } else {
        this.#retries.set(service, this.#backOff(this.#retries.get(service), now));
        this.#status.markError(service, frontends, problem, now);
        this.#options.report({ kind: 'refused', family, service, problem });
      }
    }
    this.#succeed(now);
    const first = complete && this.#settings === null;
    this.#options.report({ kind: 'synced', family, services: services.size, report, first });
  }

  async #audit(): Promise<void> {
    const { clock, report: tell } = this.#options;
    const started = clock.now();
    const report = await this.#plane.audit();
    this.#planAudit(clock.now() - started);
    if (report.problem !== null) {
      this.#fail(report.problem);
      return;
    }
    this.#succeed(clock.now());
    if (report.operations > 0) tell({ kind: 'repaired', family: this.#plane.family, report });
  }

  #planAudit(took: number): void {
    const { clock, syncPeriod } = this.#options;
    this.#auditDue = clock.now() + Math.max(syncPeriod, took * auditShare);
  }

  #succeed(now: number): void {
    this.#lastUpdated = now;
    this.#failingSince = null;
    this.#globalRetry = null;
  }

  #fail(problem: Problem): void {
    const now = this.#options.clock.now();
    this.#failingSince ??= now;
    this.#globalRetry = this.#backOff(this.#globalRetry ?? undefined, now);
    this.#options.report({ kind: 'failed', family: this.#plane.family, problem });
  }

  #backOff(last: Retry | undefined, now: number): Retry {
    const delay = Math.min(last === undefined ? firstRetry : last.delay * 2, this.#options.syncPeriod);
    return { delay, due: now + delay };
  }

  /** Milliseconds until something is to be done without a request. */
  #nextDue(): number {
    const now = this.#options.clock.now();
    const dues = [this.#globalRetry?.due ?? this.#auditDue, ...[...this.#retries.values()].map((retry) => retry.due)];
    return Math.max(0, Math.min(...dues) - now);
  }

  #dueServices(now: number): ServiceKey[] {
    const retried = [...this.#retries].filter(([, retry]) => retry.due <= now).map(([service]) => service);
    return [...new Set([...this.#dirty, ...retried])];
  }

  #allServices(snapshot: Snapshot): ServiceKey[] {
    return [...new Set([...snapshot.services.keys(), ...this.#dirty, ...this.#retries.keys()])];
  }

  #viewpointFor(snapshot: Snapshot, settings: DataPlaneSettings): Viewpoint {
    const { choices, nodeName } = this.#options;
    const { family } = this.#plane;
    return {
      family,
      nodeName,
      zone: snapshot.node?.zone ?? null,
      nodeAddress: resolveNodeAddress(choices, family, snapshot.node),
      detectsPods: settings.podTraffic.kind !== 'none',
      masqueradeAll: choices.masqueradeAll,
    };
  }
}
