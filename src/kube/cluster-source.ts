import { succeed } from '../model/mod.ts';
import type { DnsData, IngressData, Outcome, Pause, Problem } from '../model/mod.ts';
import { openCredentials } from './client-auth.ts';
import type { ApiClient } from './client-api.ts';
import { systemClock } from './client-clock.ts';
import type { Clock } from './client-clock.ts';
import { createRateLimit } from './client-limit.ts';
import type { RequestObserver, TurnObserver } from './client-seen.ts';
import { createPause } from './client-pause.ts';
import { createThrottle } from './client-throttle.ts';
import { namespaces, nodes, pods, services, slices } from './cluster-source-resources.ts';
import { createHttpClient } from './driver-http.ts';
import { runReflector } from './reflector.ts';
import { defaultTimings } from './reflector-types.ts';
import type { ReflectorSink, ReflectorTimings, Resource } from './reflector-types.ts';
import type { Source, SourceHandlers } from './source.ts';
import { createStore } from './store.ts';
import type { Collection, Store } from './store.ts';

export interface ClusterSourceOptions {
  /** Path of a kubeconfig; empty for none. */
  readonly kubeconfig: string;
  /** URL that replaces the kubeconfig's server; empty for none. With neither, the pod's service account is used. */
  readonly master: string;
  readonly nodeName: string;
  /** What DNS needs of the cluster; null or absent: only what a proxy needs is asked for. */
  readonly dns?: DnsData | null;
  /** What ingress needs besides; null or absent: nothing. */
  readonly ingress?: IngressData | null;
  /** Requests per second and at once, `clientConnection.qps` and `burst`. */
  readonly qps: number;
  readonly burst: number;
  readonly userAgent: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Counts requests; absent: nobody does. */
  readonly observeRequest?: RequestObserver;
  /** Told how long each request waits for the limit; absent: nobody is. */
  readonly observeTurn?: TurnObserver;
  /** Shared by everything that works on the main thread; made here where the caller has none. */
  readonly pause?: Pause;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly timings?: Partial<ReflectorTimings>;
  readonly pageLimit?: number;
}

/** The same words at most once in this time. */
const repeatProblemMs = 60_000;
/** Under the house's 10 ms with room for one large object. */
const turnBudgetMs = 4;
/** Writes in one commit, as far as they need not be shown together. */
const largestCommit = 1000;
/**
 * Where DNS is served, an API server that is back is noticed within 10 s (DNS specification 15.4): this and half as much again.
 */
const longestDnsBackoffMs = 6600;
/** As in client-go's pager. */
const defaultPageLimit = 500;

/**
 * A {@link Source} that lists and watches an API server. Opens nothing before `start`. Fails with
 * `WP_KUBE_CONFIG` or `WP_KUBE_NOT_IN_CLUSTER`; a server that cannot be reached is no failure but a
 * problem told now and then.
 */
export function createClusterSource(options: ClusterSourceOptions): Outcome<Source> {
  const credentials = openCredentials(options);
  if (!credentials.ok) return credentials;
  return succeed(new ClusterSource(options, createHttpClient(credentials.value, options), credentials.value.server.host));
}

/** How one collection takes part in the whole. */
interface Part {
  /**
   * A later list of it is shown whole or not at all. Not so for a hundred thousand Pods: what a proxy waits for would wait
   * for them, and each says something by itself.
   */
  readonly whole: boolean;
  /** It has been read in full for the first time. */
  readonly listed: () => void;
}

class ClusterSource implements Source {
  readonly #options: ClusterSourceOptions;
  readonly #client: ApiClient;
  readonly #host: string;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #stop = new AbortController();
  readonly #mayReport: (key: string) => boolean;
  #handlers: SourceHandlers | null = null;
  #running: Promise<unknown> = Promise.resolve();
  /** Collections that a proxy needs and that have not been read in full. */
  #missing = 0;
  /** Of these, Services and EndpointSlices. */
  #servicesMissing = 2;
  #told = false;
  /** Lists being applied; nothing is committed meanwhile. */
  #holds = 0;
  #commitDue = false;
  /** Records written since the last commit. */
  #written = 0;

  constructor(options: ClusterSourceOptions, client: ApiClient, host: string) {
    this.#host = host;
    this.#options = options;
    this.#store = createStore(options.nodeName);
    this.#client = client;
    this.#clock = options.clock ?? systemClock;
    this.#mayReport = createThrottle(repeatProblemMs, () => this.#clock.now());
  }

  start(handlers: SourceHandlers): void {
    if (this.#handlers !== null) throw new Error('a source is started once');
    this.#handlers = handlers;
    this.#missing = 3;
    this.#running = nextTurn().then(() => Promise.all(this.#watchAll()));
  }

  #watchAll(): readonly Promise<void>[] {
    const { timings, qps, burst, pageLimit, nodeName, dns = null, ingress = null } = this.#options;
    const backoff = { ...defaultTimings.backoff, ...(dns === null ? {} : { maxMs: longestDnsBackoffMs }) };
    const common = {
      client: this.#client,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      pause: this.#options.pause ?? createPause(turnBudgetMs),
      takeTurn: this.#observed(createRateLimit(qps, burst, () => this.#clock.now())),
      pageLimit: pageLimit ?? defaultPageLimit,
      timings: { ...defaultTimings, backoff, ...timings },
    };
    const store = this.#store;
    const run = <T>(resource: Resource<T>, records: Collection<T>, part: Part): Promise<void> =>
      runReflector({ ...common, resource, sink: this.#createSink(records, part) }, this.#stop.signal);
    // In this order they ask the rate limit: what DNS needs besides comes after all that the proxy waits for.
    const all = [
      run(services(dns), store.services, { whole: true, listed: () => this.#noteServicesListed() }),
      run(slices(dns), store.slices, { whole: true, listed: () => this.#noteServicesListed() }),
      run(nodes(ingress, nodeName), store.nodes, { whole: true, listed: () => this.#noteNodesListed() }),
    ];
    if (dns === null) return all;
    all.push(run(namespaces(dns), store.namespaces, { whole: false, listed: () => store.markListed('namespaces') }));
    if (dns.pods === 'none') return all;
    all.push(run(pods(dns, nodeName), store.pods, { whole: false, listed: () => store.markListed('pods') }));
    return all;
  }

  /** Lists and watches are all that is asked for here. */
  #observed(takeTurn: () => number): () => number {
    return () => {
      const waited = takeTurn();
      this.#options.observeTurn?.({ method: 'GET', host: this.#host, waited });
      return waited;
    };
  }

  #noteServicesListed(): void {
    this.#servicesMissing -= 1;
    if (this.#servicesMissing === 0 && (this.#options.dns ?? null) !== null) this.#store.markListed('services');
    this.#noteListed();
  }

  #noteNodesListed(): void {
    if (this.#options.ingress?.nodes === true) this.#store.markListed('nodes');
    this.#noteListed();
  }

  #noteListed(): void {
    this.#missing -= 1;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#client.close();
  }

  #createSink<T>(records: Collection<T>, part: Part): ReflectorSink<T> {
    return {
      upsert: (record) => {
        records.upsert(record);
        this.#noteWrite();
      },
      remove: (key) => {
        records.remove(key);
        this.#noteWrite();
      },
      hold: () => {
        if (part.whole) this.#holds += 1;
      },
      release: () => {
        if (part.whole) this.#holds -= 1;
        this.#scheduleCommit();
      },
      listed: () => {
        part.listed();
        this.#scheduleCommit();
      },
      problem: (problem) => this.#report(problem),
    };
  }

  #noteWrite(): void {
    this.#written += 1;
    // Here the commit counts towards the turn that the writer measures; later it would be a long one of its own.
    if (this.#written >= largestCommit && this.#holds === 0) this.#commit();
    // Nobody waits for a part of the first lists: as few commits as may be.
    else if (this.#told) this.#scheduleCommit();
  }

  /** All events that one turn brings become one commit. */
  #scheduleCommit(): void {
    if (this.#commitDue) return;
    this.#commitDue = true;
    setImmediate(() => {
      this.#commitDue = false;
      // Whoever holds will release, and that comes here again.
      if (this.#holds === 0) this.#commit();
    });
  }

  #commit(): void {
    if (this.#stop.signal.aborted) return;
    this.#written = 0;
    const commit = this.#store.commit();
    if (commit !== null) this.#handlers?.change(commit.snapshot, commit.dirty);
    if (this.#told || this.#missing > 0) return;
    this.#told = true;
    this.#handlers?.synced();
  }

  #report(problem: Problem): void {
    if (this.#stop.signal.aborted) return;
    // One server that is away is one piece of news, though three watches notice.
    const key = aboutServer.has(problem.code) ? problem.code : problem.message;
    if (this.#mayReport(key)) this.#handlers?.problem(problem);
  }
}

const aboutServer: ReadonlySet<string> = new Set(['WP_KUBE_UNREACHABLE', 'WP_KUBE_TLS', 'WP_KUBE_SILENT', 'WP_KUBE_CREDENTIALS']);

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
