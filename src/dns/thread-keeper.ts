import type { Dirty, ServiceKey, Snapshot } from '../model/mod.ts';
import { Feed } from './feed.ts';
import { isSynced, needsOf } from './feed-needs.ts';
import type { DataNeeds } from './feed-needs.ts';
import { ProgrammingWatch } from './programming-watch.ts';
import type { Request } from './resolution.ts';
import type { ResolverOptions } from './resolver.ts';
import type { DnsSettings } from './settings.ts';
import type { Explanation, FromWorker, ListenPoint, NodeFacts, ToWorker, WorkerCounts, WorkerData } from './worker-messages.ts';
import type { ZoneChange } from './zone-input.ts';

/** A worker thread, as far as it is known here. */
export interface Thread {
  post(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
}

export interface ThreadHandlers {
  message(message: FromWorker): void;
  /** It ended, for whatever reason; `reason` where it was not asked to. */
  ended(reason: string | null): void;
}

export type StartThread = (data: WorkerData, handlers: ThreadHandlers) => Thread;

export interface ThreadState {
  readonly synced: boolean;
  readonly listening: boolean;
  readonly alive: boolean;
  readonly looped: boolean;
}

const pingMs = 500;
/** A thread that did not answer a ping for so long does not count as alive. */
const patienceMs = 1500;
/** And after so long it is ended, to be started anew: 10,000 Services take less to apply. */
const hopelessMs = 15_000;
/** Before a thread that ended is started again: at once, and later each time that it ends soon. */
const restartMs = [0, 500, 2000, 10_000] as const;
const soonMs = 60_000;
/** Changes that a thread has not applied yet. */
const mostUnderWay = 2;

const nothingDirty = (): MutableDirty => ({
  services: new Set(),
  namespaces: new Set(),
  pods: new Set(),
  nodes: new Set(),
  node: false,
});

interface MutableDirty extends Dirty {
  readonly services: Set<ServiceKey>;
  readonly namespaces: Set<string>;
  readonly pods: Set<string>;
  node: boolean;
}

/** Keeps one worker thread going, and what it knows of the cluster in step. */
export class ThreadKeeper {
  readonly #options: ResolverOptions;
  #settings: DnsSettings;
  #facts: NodeFacts;
  #points: readonly ListenPoint[];
  #needs: DataNeeds;
  #thread: Thread | null = null;
  #feed: Feed;
  /** Changes still to be sent; null where the thread waits for its first. */
  #queue: Iterator<ZoneChange> | null = null;
  #underWay = 0;
  /** Settings that the thread has not taken yet: a change sent meanwhile would not know which zone it is for. */
  #unsettled = 0;
  #snapshot: Snapshot | null = null;
  #dirty = nothingDirty();
  /** Whether the thread was told of all there was. */
  #told = false;
  #state: ThreadState = { synced: false, listening: false, alive: false, looped: false };
  #heardAt = 0;
  #startedAt = 0;
  #failures = 0;
  #logOn = false;
  #closed = false;
  readonly #programming: ProgrammingWatch;
  #cancelPing: () => void = () => {};
  #cancelStart: () => void = () => {};
  #lastId = 0;
  #pingId = 0;
  #pingedAt = 0;
  #ended: () => void = () => {};
  readonly #waiting = new Map<number, (message: FromWorker | null) => void>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#facts = options.facts;
    this.#points = options.listen;
    this.#needs = needsOf(options.settings);
    this.#feed = this.#makeFeed(null);
    this.#programming = new ProgrammingWatch(options.observeProgramming, options.clock.now());
  }

  get state(): ThreadState {
    return this.#state;
  }

  start(): void {
    const { clock, startThread, udp } = this.#options;
    this.#startedAt = clock.now();
    this.#heardAt = this.#startedAt;
    this.#unsettled = 0;
    this.#forget();
    const data: WorkerData = { settings: this.#settings, listen: this.#points, udp, facts: this.#facts };
    const thread = startThread(data, {
      message: (message) => {
        if (this.#thread === thread) this.#take(message);
      },
      ended: (reason) => {
        if (this.#thread === thread) this.#lost(reason);
      },
    });
    this.#thread = thread;
    if (this.#logOn) thread.post({ kind: 'log', on: true });
    this.#ping();
    this.#pump();
  }

  update(snapshot: Snapshot, dirty: Dirty): void {
    this.#snapshot = snapshot;
    for (const key of dirty.services) this.#dirty.services.add(key);
    for (const key of dirty.namespaces) this.#dirty.namespaces.add(key);
    for (const key of dirty.pods) this.#dirty.pods.add(key);
    this.#pump();
  }

  settle(settings: DnsSettings, facts: NodeFacts): void {
    this.#settings = settings;
    this.#facts = facts;
    const needs = needsOf(settings);
    const sameNeeds = JSON.stringify(needs) === JSON.stringify(this.#needs);
    this.#needs = needs;
    if (!sameNeeds) this.#forget();
    if (this.#thread === null) return;
    this.#unsettled += 1;
    this.#thread.post({ kind: 'settings', settings, facts });
  }

  listen(points: readonly ListenPoint[]): void {
    this.#points = points;
    this.#thread?.post({ kind: 'listen', listen: points });
  }

  /** Tells of a loop that another thread found. */
  noteLoop(): void {
    this.#thread?.post({ kind: 'looped' });
  }

  logQueries(on: boolean): void {
    this.#logOn = on;
    this.#thread?.post({ kind: 'log', on });
  }

  async ask(request: Request, port: number): Promise<Explanation | null> {
    const answer = await this.#request((id) => ({ kind: 'ask', id, request, port }));
    return answer?.kind === 'answered' ? answer.answer : null;
  }

  async count(): Promise<WorkerCounts | null> {
    const answer = await this.#request((id) => ({ kind: 'count', id }));
    return answer?.kind === 'counted' ? answer.counts : null;
  }

  /** Ends the thread as a fault would: it is started again. */
  kill(): void {
    this.#thread?.kill();
  }

  /** Lets the thread close its sockets, then ends it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPing();
    this.#cancelStart();
    const thread = this.#thread;
    if (thread === null) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    thread.post({ kind: 'stop' });
    this.#options.clock.after(2000, () => thread.kill());
    await ended;
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case 'applied':
        this.#programming.applied(this.#options.clock.now());
        // Those of before a new beginning may still be told.
        this.#underWay = Math.max(0, this.#underWay - 1);
        return this.#pump();
      case 'settled':
        this.#unsettled -= 1;
        if (message.resync) this.#forget();
        return this.#pump();
      case 'listening':
        return this.#become({ listening: message.open.length === this.#points.length });
      case 'problem':
        return this.#options.report(message.problem);
      case 'log':
        for (const line of message.lines) this.#options.log(line);
        return undefined;
      case 'pong':
        this.#heardAt = this.#options.clock.now();
        if (message.id === this.#pingId) this.#options.observePing((this.#heardAt - this.#pingedAt) / 1000);
        return this.#become({ alive: true, synced: message.synced, looped: message.looped });
      case 'answered':
      case 'counted':
        this.#waiting.get(message.id)?.(message);
        this.#waiting.delete(message.id);
        return undefined;
      default:
        return message satisfies never;
    }
  }

  /** What the thread was told does not count any more. */
  #forget(): void {
    this.#feed = this.#makeFeed(this.#feed);
    this.#queue = null;
    this.#told = false;
    this.#underWay = 0;
    this.#programming.forget();
  }

  /** Sends changes for as long as the thread keeps up; what comes meanwhile is gathered. */
  #pump(): void {
    const thread = this.#thread;
    if (thread === null || this.#unsettled > 0) return;
    while (this.#underWay < mostUnderWay) {
      this.#queue ??= this.#nextChanges();
      if (this.#queue === null) return;
      const next = this.#queue.next();
      if (next.done === true) {
        this.#queue = null;
        continue;
      }
      this.#underWay += 1;
      this.#programming.sent(next.value, this.#snapshot);
      thread.post({ kind: 'change', change: next.value });
    }
  }

  #nextChanges(): Iterator<ZoneChange> | null {
    const snapshot = this.#snapshot;
    if (snapshot === null || !isSynced(snapshot, this.#needs)) return null;
    const seconds = Math.floor(this.#options.clock.now() / 1000);
    const dirty = this.#dirty;
    if (!this.#told) {
      this.#told = true;
      this.#dirty = nothingDirty();
      return this.#feed.initial(snapshot, seconds)[Symbol.iterator]();
    }
    if (dirty.services.size + dirty.namespaces.size + dirty.pods.size === 0) return null;
    this.#dirty = nothingDirty();
    return this.#feed.changes(snapshot, dirty, seconds)[Symbol.iterator]();
  }

  #makeFeed(before: Feed | null): Feed {
    return new Feed({ nodeName: this.#options.nodeName, needs: this.#needs, before });
  }

  #ping(): void {
    const { clock, report } = this.#options;
    const silence = clock.now() - this.#heardAt;
    if (silence > hopelessMs) {
      report({ code: 'WP_DNS_THREAD', message: `a DNS thread said nothing for ${hopelessMs / 1000} s and is started again` });
      this.#heardAt = clock.now();
      this.#thread?.kill();
    } else if (silence > patienceMs) {
      this.#options.observePing(null);
      this.#become({ alive: false });
    }
    this.#lastId += 1;
    this.#pingId = this.#lastId;
    this.#pingedAt = clock.now();
    this.#thread?.post({ kind: 'ping', id: this.#pingId });
    this.#cancelPing();
    this.#cancelPing = clock.after(pingMs, () => this.#ping());
  }

  #lost(reason: string | null): void {
    const { clock, report } = this.#options;
    this.#thread = null;
    this.#cancelPing();
    for (const give of this.#waiting.values()) give(null);
    this.#waiting.clear();
    this.#become({ synced: false, listening: false, alive: false });
    if (this.#closed) return this.#ended();
    if (clock.now() - this.#startedAt >= soonMs) this.#failures = 0;
    report({ code: 'WP_DNS_THREAD', message: `a DNS thread ended and is started again: ${reason ?? 'nobody knows why'}` });
    const delay = restartMs[Math.min(this.#failures, restartMs.length - 1)] ?? 0;
    this.#failures += 1;
    this.#cancelStart = clock.after(delay, () => this.start());
    return undefined;
  }

  #request(make: (id: number) => ToWorker): Promise<FromWorker | null> {
    const thread = this.#thread;
    if (thread === null) return Promise.resolve(null);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      thread.post(make(id));
    });
  }

  #become(change: Partial<ThreadState>): void {
    const next = { ...this.#state, ...change };
    const same = Object.entries(next).every(([key, value]) => this.#state[key as keyof ThreadState] === value);
    this.#state = next;
    if (!same) this.#options.changed();
  }
}
