import type { DnsData, Dirty, IngressData, Pause, Problem, Snapshot } from '../../src/model/mod.ts';
import { createClusterSource } from '../../src/kube/cluster-source.ts';
import { decodeNamespace, decodeNode, decodePod, decodeService, decodeSlice, isPodGone } from '../../src/kube/decode.ts';
import type { Decoded } from '../../src/kube/decode.ts';
import type { ReflectorTimings } from '../../src/kube/reflector-types.ts';
import type { Source } from '../../src/kube/source.ts';
import type { ApiServer } from './api-server.ts';
import type { CollectionName } from './collections.ts';
import { parseSelectors } from './selectors.ts';
import { until } from './until.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface WatcherOptions {
  readonly timings?: Partial<ReflectorTimings>;
  readonly pageLimit?: number;
  readonly kubeconfig?: string;
  readonly pause?: Pause;
  readonly random?: () => number;
  readonly dns?: DnsData;
  readonly ingress?: IngressData;
}

/** Ends of watches are part of the tests, and real silence is short in them. */
const testTimings: Partial<ReflectorTimings> = { shortWatchMs: 0, streamQuietMs: 150, requestIdleMs: 5000 };

/** A cluster source on a test server, and everything it has said. */
export class Watcher implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly problems: Problem[] = [];
  readonly changes: { readonly snapshot: Snapshot; readonly dirty: Dirty }[] = [];
  /** What was said, in order. */
  readonly calls: ('change' | 'synced')[] = [];
  readonly dns: DnsData | null;
  readonly ingress: IngressData | null;
  readonly #source: Source;

  constructor(server: ApiServer, options: WatcherOptions = {}) {
    this.dns = options.dns ?? null;
    this.ingress = options.ingress ?? null;
    const source = createClusterSource({
      kubeconfig: options.kubeconfig ?? '',
      master: options.kubeconfig === undefined ? server.url : '',
      nodeName: 'node-1',
      qps: 0,
      burst: 0,
      userAgent: 'waypost-test',
      env: {},
      clock: this.clock,
      dns: this.dns,
      ingress: this.ingress,
      random: options.random ?? (() => 0.5),
      timings: { ...testTimings, ...options.timings },
      ...(options.pageLimit === undefined ? {} : { pageLimit: options.pageLimit }),
      ...(options.pause === undefined ? {} : { pause: options.pause }),
    });
    if (!source.ok) throw new Error(source.problem.message);
    this.#source = source.value;
    this.#source.start({
      change: (snapshot, dirty) => {
        this.changes.push({ snapshot, dirty });
        this.calls.push('change');
      },
      synced: () => void this.calls.push('synced'),
      problem: (problem) => void this.problems.push(problem),
    });
  }

  get synced(): boolean {
    return this.calls.includes('synced');
  }

  get snapshot(): Snapshot | null {
    return this.changes.at(-1)?.snapshot ?? null;
  }

  /** The codes of all problems, each once, in order of appearance. */
  get codes(): readonly string[] {
    return [...new Set(this.problems.map((problem) => problem.code))];
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Resolves when the watcher is synced and knows just what the server holds. */
export async function inStep(server: ApiServer, watcher: Watcher): Promise<void> {
  await until(
    'the watcher knows what the server holds',
    () => watcher.synced && knownState(watcher) === serverState(server, watcher),
  );
}

/** What the server holds, as text that can be compared with {@link knownState}: every field that counts. */
function serverState(server: ApiServer, { dns, ingress }: Watcher): string {
  const read = <T>(name: CollectionName, query: Record<string, string>, decode: (raw: unknown) => Decoded<T>): T[] => {
    const selected = parseSelectors(new URLSearchParams(query));
    return server.history.list(name).flatMap((object) => {
      const decoded = selected?.(object) === true ? decode(object) : null;
      return decoded?.ok === true ? [decoded.value] : [];
    });
  };
  const ours = { labelSelector: '!service.kubernetes.io/service-proxy-name', fieldSelector: 'spec.clusterIP!=None' };
  const notHeadless = { labelSelector: '!service.kubernetes.io/headless' };
  return toText({
    services: read('services', dns === null ? ours : {}, (raw) => decodeService(raw, dns)),
    slices: read('endpointslices', dns === null ? notHeadless : {}, (raw) => decodeSlice(raw, dns)),
    nodes: ingress?.nodes === true ? read('nodes', {}, (raw) => decodeNode(raw, ingress)) : null,
    namespaces: dns === null ? null : read('namespaces', {}, (raw) => decodeNamespace(raw, dns)),
    pods:
      dns === null || dns.pods === 'none'
        ? null
        : read('pods', dns.pods === 'node' ? { fieldSelector: 'spec.nodeName=node-1' } : {}, (raw) =>
            isPodGone(raw) ? { ok: false, problem: { code: 'WP_KUBE_OBJECT', message: 'it ended' } } : decodePod(raw, dns),
          ),
  });
}

/** What the watcher knows, in the same words as {@link serverState}. */
export function knownState({ snapshot, dns, ingress }: Watcher): string {
  if (snapshot === null) {
    const nodes = ingress?.nodes === true ? [] : null;
    return toText({ services: [], slices: [], nodes, namespaces: dns === null ? null : [], pods: null });
  }
  const all = <T>(records: Iterable<readonly [string, T]>): T[] => [...records].map(([, record]) => record);
  return toText({
    services: all(snapshot.services),
    slices: all(snapshot.slices).flat(),
    nodes: snapshot.nodes === null ? null : all(snapshot.nodes),
    namespaces: snapshot.namespaces === null ? null : all(snapshot.namespaces),
    pods: snapshot.pods === null ? null : all(snapshot.pods),
  });
}

interface Keyed {
  readonly key?: string;
  readonly name?: string;
}

function toText(state: Readonly<Record<string, readonly Keyed[] | null>>): string {
  const ordered = Object.entries(state).map(([kind, records]) => [kind, records?.toSorted(compareKeys) ?? null]);
  return JSON.stringify(ordered);
}

function compareKeys(a: Keyed, b: Keyed): number {
  return (a.key ?? a.name ?? '') < (b.key ?? b.name ?? '') ? -1 : 1;
}
