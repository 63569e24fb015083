import type { Clock, Dirty, Problem, Snapshot } from '../model/mod.ts';
import { needsOf } from './feed-needs.ts';
import type { Request } from './resolution.ts';
import type { DnsSettings } from './settings.ts';
import { ThreadKeeper } from './thread-keeper.ts';
import type { StartThread } from './thread-keeper.ts';
import type { Explanation, ListenPoint, NodeFacts, WorkerCounts } from './worker-messages.ts';

export interface ResolverOptions {
  readonly settings: DnsSettings;
  readonly facts: NodeFacts;
  readonly listen: readonly ListenPoint[];
  /** Threads that answer; each has sockets, zone and cache of its own. */
  readonly threads: number;
  readonly udp: 'batch' | 'plain';
  readonly nodeName: string;
  readonly clock: Clock;
  readonly startThread: StartThread;
  readonly report: (problem: Problem) => void;
  /** Lines of the query log. */
  readonly log: (line: string) => void;
  /** Told when something of {@link Resolver.state} has changed. */
  readonly changed: () => void;
  /** Seconds that a thread took to answer a ping; null: it did not in time. */
  readonly observePing: (seconds: number | null) => void;
  /** Seconds from the change of a Service's endpoints to the moment at which a thread has it. */
  readonly observeProgramming: (kind: ProgrammedKind, seconds: number) => void;
}

/** Kinds of Services as CoreDNS's metric tells them. */
export type ProgrammedKind = 'cluster_ip' | 'headless_with_selector';

/** How the threads are, all together. */
export interface ResolverState {
  /** Every thread knows the whole cluster. */
  readonly synced: boolean;
  /** Every thread has all its sockets. */
  readonly listening: boolean;
  /** Every thread answered a ping lately. */
  readonly alive: boolean;
  /** A probe through the default upstream came back here. */
  readonly looped: boolean;
}

/** The main thread's side of the resolver: keeps worker threads going and tells them of the cluster. */
export class Resolver {
  readonly #threads: readonly ThreadKeeper[];
  #settings: DnsSettings;
  #loopTold = false;

  constructor(options: ResolverOptions) {
    this.#settings = options.settings;
    const changed = (): void => {
      this.#spreadLoop();
      options.changed();
    };
    this.#threads = Array.from({ length: Math.max(1, options.threads) }, () => new ThreadKeeper({ ...options, changed }));
  }

  get settings(): DnsSettings {
    return this.#settings;
  }

  /** What the settings in force need to know of the cluster. */
  get needs(): ReturnType<typeof needsOf> {
    return needsOf(this.#settings);
  }

  get state(): ResolverState {
    const states = this.#threads.map((thread) => thread.state);
    return {
      synced: states.every(({ synced }) => synced),
      listening: states.every(({ listening }) => listening),
      alive: states.every(({ alive }) => alive),
      looped: states.some(({ looped }) => looped),
    };
  }

  start(): void {
    for (const thread of this.#threads) thread.start();
  }

  /** A commit of the source. */
  update(snapshot: Snapshot, dirty: Dirty): void {
    for (const thread of this.#threads) thread.update(snapshot, dirty);
  }

  /** New settings, or other facts; no question is lost meanwhile. */
  settle(settings: DnsSettings, facts: NodeFacts): void {
    this.#settings = settings;
    this.#loopTold = false;
    for (const thread of this.#threads) thread.settle(settings, facts);
  }

  listen(points: readonly ListenPoint[]): void {
    for (const thread of this.#threads) thread.listen(points);
  }

  /** Asks one thread as a client would, for people. Null where it does not answer. */
  ask(request: Request, port: number): Promise<Explanation | null> {
    return this.#threads[0]?.ask(request, port) ?? Promise.resolve(null);
  }

  #spreadLoop(): void {
    if (this.#loopTold || !this.state.looped) return;
    this.#loopTold = true;
    for (const thread of this.#threads) thread.noteLoop();
  }

  /** What the threads counted; those that do not answer are left out. */
  async count(): Promise<readonly WorkerCounts[]> {
    const counts = await Promise.all(this.#threads.map((thread) => thread.count()));
    return counts.filter((one) => one !== null);
  }

  logQueries(on: boolean): void {
    for (const thread of this.#threads) thread.logQueries(on);
  }

  /** Closes all sockets and ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** For tests of what happens when a thread is lost. */
  get threads(): readonly Pick<ThreadKeeper, 'kill'>[] {
    return this.#threads;
  }
}
