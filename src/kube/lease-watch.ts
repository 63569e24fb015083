import { fail, succeed } from '../model/mod.ts';
import type { LeaseListener, LeasePort, MemberLease, Outcome, Stored } from '../model/mod.ts';
import type { WritingClient } from './client-api.ts';
import { openCredentials } from './client-auth.ts';
import { systemClock } from './client-clock.ts';
import type { Clock } from './client-clock.ts';
import { createPause } from './client-pause.ts';
import { createThrottle } from './client-throttle.ts';
import { decodeMemberLease, memberLabel, nameMemberLease, renderMemberLease } from './decode-lease.ts';
import { createHttpClient } from './driver-http.ts';
import { createLeaseSink } from './lease-sink.ts';
import { requestObject } from './object-request.ts';
import type { ObjectAccess, ObjectRequest } from './object-request.ts';
import { runReflector } from './reflector.ts';
import { fieldOf, readMeta } from './reflector-object.ts';
import { defaultTimings } from './reflector-types.ts';
import type { ReflectorTimings, Resource } from './reflector-types.ts';

export interface LeaseWatchOptions {
  /** As for the source of the cluster's state. */
  readonly kubeconfig: string;
  readonly master: string;
  readonly userAgent: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nodeName: string;
  /** Where the Leases are. */
  readonly namespace: string;
  /** A write that is not answered after this many milliseconds has failed. */
  readonly writeMs: number;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly timings?: Partial<ReflectorTimings>;
}

/** The same words at most once in this time. */
const repeatProblemMs = 60_000;
/** Under the house's 10 ms with room for one large object. */
const turnBudgetMs = 4;
const pageLimit = 500;
/** Whoever watches renews a Lease of its own, which is told: a watch in which nothing happens for so long is broken. */
const leaseTimings: Partial<ReflectorTimings> = {
  backoff: { baseMs: 200, maxMs: 2000 },
  requestIdleMs: 5000,
  watchIdleMs: 10_000,
  // A Lease that is given up is followed at once.
  gatherMs: 0,
};

/**
 * The Leases of nodes that announce addresses, on an API server. Opens nothing before `start` or `write`. Fails as credentials do,
 * or with `WP_KUBE_LEASE` where the node's name is too long.
 */
export function createLeaseWatch(options: LeaseWatchOptions): Outcome<LeasePort> {
  const name = nameMemberLease(options.nodeName);
  if (name === null) return fail('WP_KUBE_LEASE', `the node's name ${options.nodeName} is too long for the name of its Lease`);
  const credentials = openCredentials(options);
  return credentials.ok ? succeed(new LeaseWatch(options, name, createHttpClient(credentials.value, options))) : credentials;
}

class LeaseWatch implements LeasePort {
  readonly #options: LeaseWatchOptions;
  readonly #name: string;
  readonly #collection: string;
  readonly #access: ObjectAccess;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** Of the own Lease, as the last answer had it; null where it is not known. */
  #version: string | null = null;

  constructor(options: LeaseWatchOptions, name: string, client: WritingClient) {
    this.#options = options;
    this.#name = name;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
    this.#access = { client, name: `lease ${options.namespace}/${name}`, takeTurn: () => Promise.resolve() };
    this.#clock = options.clock ?? systemClock;
  }

  start(listener: LeaseListener): void {
    const { nodeName, random = Math.random, timings } = this.#options;
    const mayReport = createThrottle(repeatProblemMs, () => this.#clock.now());
    const sink = createLeaseSink(nodeName, listener, (problem) => {
      if (!this.#stop.signal.aborted && mayReport(problem.message)) listener.problem(problem);
    });
    const resource: Resource<MemberLease> = {
      name: 'leases',
      path: this.#collection,
      selectors: { labelSelector: `${memberLabel.name}=${memberLabel.value}` },
      keyOf: nameOf,
      decode: decodeMemberLease,
    };
    const common = { client: this.#access.client, clock: this.#clock, random, pause: createPause(turnBudgetMs), pageLimit };
    const all = { ...defaultTimings, ...leaseTimings, ...timings };
    this.#running = runReflector({ ...common, resource, sink, takeTurn: () => 0, timings: all }, this.#stop.signal);
  }

  async write(lease: MemberLease): Promise<Outcome<void>> {
    const { metadata, spec } = renderMemberLease(lease);
    const patched = await this.#patch({ metadata: { ...metadata, resourceVersion: this.#version ?? undefined }, spec });
    if (patched.kind === 'missing') return await this.#create({ metadata, spec });
    if (patched.kind !== 'conflict') return this.#settle(patched);
    // Another agent of this node had it, or a write whose answer was lost came through: the node's it is all the same.
    return this.#settle(await this.#patch({ metadata, spec }));
  }

  async release(): Promise<Outcome<void>> {
    if (this.#version === null)
      return fail('WP_KUBE_LEASE', `${this.#access.name} is not known to be held, so it is not released`);
    const body = { metadata: { resourceVersion: this.#version }, spec: { holderIdentity: null } };
    return this.#settle(await this.#patch(body));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#access.client.close();
  }

  async #create({ metadata, spec }: { readonly metadata: object; readonly spec: object }): Promise<Outcome<void>> {
    const { nodeName, namespace } = this.#options;
    const uid = await this.#findNode();
    // With the Node goes its Lease.
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid };
    const named = { ...metadata, namespace, name: this.#name, ...(uid === null ? {} : { ownerReferences: [owner] }) };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: named, spec };
    return this.#settle(await this.#request({ method: 'POST', path: this.#collection, body }));
  }

  /** The uid of the own Node; null where it cannot be had. */
  async #findNode(): Promise<string | null> {
    const answer = await this.#request({ method: 'GET', path: `/api/v1/nodes/${this.#options.nodeName}`, body: {} });
    const uid = answer.kind === 'done' ? fieldOf(fieldOf(answer.value, 'metadata'), 'uid') : null;
    return typeof uid === 'string' && uid !== '' ? uid : null;
  }

  #patch(body: object): Promise<Stored<unknown>> {
    return this.#request({ method: 'PATCH', path: `${this.#collection}/${this.#name}`, body });
  }

  /** Given up after its time: a Lease that is renewed too late is as good as none. */
  async #request(request: ObjectRequest): Promise<Stored<unknown>> {
    const { writeMs } = this.#options;
    const ended = new AbortController();
    const tooLate = new AbortController();
    void this.#clock.sleep(writeMs, ended.signal).then(() => tooLate.abort());
    const answer = await requestObject(this.#access, request, tooLate.signal);
    if (!tooLate.signal.aborted || answer.kind !== 'failed') {
      ended.abort();
      return answer;
    }
    const message = `${this.#access.name}: the API server did not answer a ${request.method} within ${writeMs} ms`;
    return { kind: 'failed', problem: { code: 'WP_KUBE_SILENT', message } };
  }

  #settle(answer: Stored<unknown>): Outcome<void> {
    this.#version = answer.kind === 'done' ? readMeta(answer.value).resourceVersion : null;
    if (answer.kind === 'done') return succeed(undefined);
    if (answer.kind === 'failed') return { ok: false, problem: answer.problem };
    const message =
      answer.kind === 'conflict'
        ? `${this.#access.name} was written by another agent of this node meanwhile`
        : `${this.#access.name} is gone`;
    return fail('WP_KUBE_LEASE', message);
  }
}

function nameOf(raw: unknown): string | null {
  const name = fieldOf(fieldOf(raw, 'metadata'), 'name');
  return typeof name === 'string' && name !== '' ? name : null;
}
