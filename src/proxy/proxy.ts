import { isDeepStrictEqual } from 'node:util';
import { noDirt } from '../model/mod.ts';
import type { DataPlane, Dirty, Family, FamilyHealth, Problem, RowWatch, ServiceKey, Snapshot, StatusRow } from '../model/mod.ts';
import type { Suspicion } from './audit-schedule.ts';
import type { EndpointUse } from './explain-endpoints.ts';
import type { FamilyDiff } from './family-diff.ts';
import { isNodeKnown, judgeNode, nodePatience } from './node-wait.ts';
import { ProxiedView } from './proxied-view.ts';
import { Reconciler } from './reconciler.ts';
import type { Pace, ReconcilerOptions } from './reconciler-options.ts';
import { watchRows } from './row-watch.ts';
import type { StateCounts } from './status.ts';

/** As much of a source of snapshots as the proxy needs. */
export interface SnapshotSource {
  start(handlers: { change(snapshot: Snapshot, dirty: Dirty): void; synced(): void; problem(problem: Problem): void }): void;
  close(): Promise<void>;
}

export interface ProxyOptions extends ReconcilerOptions {
  /** One for each family that the node supports. */
  readonly planes: readonly DataPlane[];
  readonly source: SnapshotSource;
  /** The source may still learn of the Node after it has listed everything, so that waiting for it makes sense. */
  readonly nodeMayCome: boolean;
  /** Something the source could not use; it goes on. */
  readonly problem: (problem: Problem) => void;
  /** The agent must end: it cannot do what it was configured for. */
  readonly fatal: (problem: Problem) => void;
}

/** How far one family has come. */
export interface FamilyTally {
  readonly family: Family;
  readonly states: StateCounts;
  /** Services whose last change no sync has taken in. */
  readonly dirty: number;
}

/** Takes snapshots from the source to the data planes of all families, each on its own. */
export class Proxy {
  readonly #options: ProxyOptions;
  readonly #reconcilers: readonly Reconciler[];
  readonly #view = new ProxiedView();
  #snapshot: Snapshot | null = null;
  #listed = false;
  #opened = false;
  #cancelWait: (() => void) | null = null;
  #podCidrs: readonly unknown[] = [];

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#reconcilers = options.planes.map((plane) => new Reconciler(plane, options));
  }

  start(): void {
    this.#options.source.start({
      change: (snapshot, dirty) => this.#take(snapshot, dirty),
      synced: () => this.#onListed(),
      problem: this.#options.problem,
    });
  }

  /** Something beside the snapshot changed what becomes of these Services. */
  touch(services: ReadonlySet<ServiceKey>): void {
    const snapshot = this.#snapshot;
    if (snapshot === null || services.size === 0) return;
    for (const reconciler of this.#reconcilers) reconciler.update(snapshot, { ...noDirt, services });
  }

  /** A family's addresses of this node, or with a suspicion what the kernel holds of ours, may have changed. */
  lookAgain(family: Family, suspicion: Suspicion | null = null): void {
    this.#reconcilers.find((reconciler) => reconciler.family === family)?.lookAgain(suspicion);
  }

  /** Other periods from now on, in all families. */
  setPace(pace: Pace): void {
    for (const reconciler of this.#reconcilers) reconciler.setPace(pace);
  }

  /** Follows rows for one reader, who costs nothing but names while nothing changes. */
  watchRows(): RowWatch {
    return watchRows(this.#reconcilers.map(({ status }) => status));
  }

  rows(): StatusRow[] {
    return this.#reconcilers.flatMap((reconciler) => reconciler.status.rows());
  }

  /** What separates each family's kernel from what is wanted; writes nothing. One family after the other, to be gentle. */
  async compare(): Promise<readonly FamilyDiff[]> {
    const families: FamilyDiff[] = [];
    for (const reconciler of this.#reconcilers) families.push(await reconciler.compare());
    return families;
  }

  /** What became of the endpoints of these Services. Takes its time where they are many. */
  async explainEndpoints(services: Iterable<ServiceKey>): Promise<readonly EndpointUse[]> {
    const uses: EndpointUse[] = [];
    for (const service of services) {
      for (const reconciler of this.#reconcilers) uses.push(...reconciler.explain(service));
      await this.#options.pause();
    }
    return uses;
  }

  /** Frontends by state and Services that wait, for each family. Costs the same for any number of Services. */
  tally(): FamilyTally[] {
    return this.#reconcilers.map((reconciler) => ({
      family: reconciler.family,
      states: reconciler.status.counts,
      dirty: reconciler.dirtyServices,
    }));
  }

  /** The families whose sync loops have started: all of them, or none. */
  health(): FamilyHealth[] {
    if (!this.#opened) return [];
    return this.#reconcilers.map((reconciler) => reconciler.health());
  }

  /** The snapshot the proxy works from, without what it does not proxy; null before the first. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  /** Everything was listed once and each family has been written completely. */
  get synced(): boolean {
    return this.#opened && this.#reconcilers.every((reconciler) => reconciler.synced);
  }

  /** Ends watching and syncing; the rules stay. */
  async stop(): Promise<void> {
    this.#cancelWait?.();
    await this.#options.source.close();
    await Promise.all(this.#reconcilers.map((reconciler) => reconciler.stop()));
  }

  #take(snapshot: Snapshot, dirty: Dirty): void {
    const changed = this.#view.take(snapshot, dirty);
    this.#snapshot = this.#view.snapshot;
    // What DNS alone knows wakes nobody here, not even for what still waits to be tried again.
    if (changed === null) return;
    for (const reconciler of this.#reconcilers) reconciler.update(this.#snapshot, changed);
    if (!changed.node) return;
    if (this.#listed && !this.#opened) this.#openWhenNodeIsKnown();
    else if (this.#opened) this.#watchPodCidrs(this.#snapshot);
  }

  #onListed(): void {
    this.#listed = true;
    const { clock, choices } = this.#options;
    this.#cancelWait = clock.after(nodePatience(choices), () => this.#open());
    this.#openWhenNodeIsKnown();
  }

  #openWhenNodeIsKnown(): void {
    const { choices, nodeMayCome } = this.#options;
    if (!nodeMayCome || isNodeKnown(this.#snapshot?.node ?? null, choices)) this.#open();
  }

  #open(): void {
    this.#cancelWait?.();
    const { choices, nodeName, planes, fatal, problem } = this.#options;
    const node = this.#snapshot?.node ?? null;
    const verdict = judgeNode(node, { choices, nodeName, families: planes.map(({ family }) => family) });
    if (verdict.fatal !== null) {
      fatal(verdict.fatal);
      return;
    }
    for (const warning of verdict.warnings) problem(warning);
    this.#opened = true;
    this.#podCidrs = node?.podCidrs ?? [];
    for (const reconciler of this.#reconcilers) reconciler.open();
  }

  /** Pods that got an address before the change would be taken for outside clients, so a restart is due. */
  #watchPodCidrs(snapshot: Snapshot): void {
    const { choices, nodeName, fatal } = this.#options;
    const current = snapshot.node?.podCidrs ?? [];
    if (choices.podDetection.kind !== 'node-cidr' || isDeepStrictEqual(current, this.#podCidrs)) return;
    fatal({ code: 'WP_PROXY_POD_CIDR_CHANGED', message: `spec.podCIDRs of Node ${nodeName} changed` });
  }
}
