import { isDeepStrictEqual } from 'node:util';
import type { DataPlane, Dirty, FamilyHealth, Problem, Snapshot, StatusRow } from '../model/mod.ts';
import { Reconciler } from './reconciler.ts';
import type { ReconcilerOptions } from './reconciler.ts';

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

/** Specification 1.4: how long the start waits for the Node's addresses and for its pod CIDRs. */
const addressWait = 30_000;
const podCidrWait = 300_000;

/** Takes snapshots from the source to the data planes of all families, each on its own. */
export class Proxy {
  readonly #options: ProxyOptions;
  readonly #reconcilers: readonly Reconciler[];
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

  rows(): StatusRow[] {
    return this.#reconcilers.flatMap((reconciler) => reconciler.rows());
  }

  health(): FamilyHealth[] {
    return this.#reconcilers.map((reconciler) => reconciler.health());
  }

  /** The snapshot the proxy works from, or null before the first. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  /** Everything was listed once and each family has been written completely. */
  get synced(): boolean {
    return this.#opened && this.health().every((health) => health.lastUpdated !== null);
  }

  /** Ends watching and syncing; the rules stay. */
  async stop(): Promise<void> {
    this.#cancelWait?.();
    await this.#options.source.close();
    await Promise.all(this.#reconcilers.map((reconciler) => reconciler.stop()));
  }

  #take(snapshot: Snapshot, dirty: Dirty): void {
    this.#snapshot = snapshot;
    for (const reconciler of this.#reconcilers) reconciler.update(snapshot, dirty);
    if (!dirty.node) return;
    if (this.#listed && !this.#opened) this.#openWhenNodeIsKnown();
    else if (this.#opened) this.#watchPodCidrs(snapshot);
  }

  #onListed(): void {
    this.#listed = true;
    const { podDetection } = this.#options.choices;
    const wait = podDetection.kind === 'node-cidr' ? podCidrWait : addressWait;
    this.#cancelWait = this.#options.clock.after(wait, () => this.#giveUpWaiting());
    this.#openWhenNodeIsKnown();
  }

  #openWhenNodeIsKnown(): void {
    const node = this.#snapshot?.node ?? null;
    const needsCidrs = this.#options.choices.podDetection.kind === 'node-cidr';
    const known = node !== null && node.addresses.length > 0 && (!needsCidrs || node.podCidrs.length > 0);
    if (known) this.#open();
    else if (!this.#options.nodeMayCome) this.#giveUpWaiting();
  }

  #giveUpWaiting(): void {
    const { nodeName, choices, fatal, problem } = this.#options;
    if (choices.podDetection.kind === 'node-cidr' && (this.#snapshot?.node?.podCidrs.length ?? 0) === 0) {
      const message = `Node ${nodeName} has no spec.podCIDRs, which detectLocalMode NodeCIDR needs`;
      fatal({ code: 'WP_PROXY_NO_POD_CIDR', message });
      return;
    }
    problem({ code: 'WP_PROXY_NO_NODE_ADDRESS', message: `Node ${nodeName} is unknown or has no address; going on without` });
    this.#open();
  }

  #open(): void {
    this.#cancelWait?.();
    this.#opened = true;
    this.#podCidrs = this.#snapshot?.node?.podCidrs ?? [];
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
