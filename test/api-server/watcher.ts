import type { Dirty, Pause, Problem, Snapshot } from '../../src/model/mod.ts';
import { createClusterSource } from '../../src/kube/cluster-source.ts';
import { decodeService, decodeSlice } from '../../src/kube/decode.ts';
import type { ReflectorTimings } from '../../src/kube/reflector-types.ts';
import type { Source } from '../../src/kube/source.ts';
import type { ApiServer } from './api-server.ts';
import { parseSelectors } from './selectors.ts';
import { until } from './until.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface WatcherOptions {
  readonly timings?: Partial<ReflectorTimings>;
  readonly pageLimit?: number;
  readonly kubeconfig?: string;
  readonly pause?: Pause;
  readonly random?: () => number;
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
  readonly #source: Source;

  constructor(server: ApiServer, options: WatcherOptions = {}) {
    const source = createClusterSource({
      kubeconfig: options.kubeconfig ?? '',
      master: options.kubeconfig === undefined ? server.url : '',
      nodeName: 'node-1',
      qps: 0,
      burst: 0,
      userAgent: 'waypost-test',
      env: {},
      clock: this.clock,
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
  await until('the watcher knows what the server holds', () => watcher.synced && knownState(watcher) === serverState(server));
}

/** What the server holds, as text that can be compared with {@link knownState}: every field that counts. */
function serverState(server: ApiServer): string {
  const ours = parseSelectors(
    new URLSearchParams({ labelSelector: '!service.kubernetes.io/service-proxy-name', fieldSelector: 'spec.clusterIP!=None' }),
  );
  const notHeadless = parseSelectors(new URLSearchParams({ labelSelector: '!service.kubernetes.io/headless' }));
  const services = server.history
    .list('services')
    .filter((object) => ours?.(object))
    .map(decodeService);
  const slices = server.history
    .list('endpointslices')
    .filter((object) => notHeadless?.(object))
    .map(decodeSlice);
  return toText(
    services.flatMap((decoded) => (decoded.ok ? [decoded.value] : [])),
    slices.flatMap((decoded) => (decoded.ok ? [decoded.value] : [])),
  );
}

/** What the watcher knows, in the same words as {@link serverState}. */
export function knownState({ snapshot }: Watcher): string {
  if (snapshot === null) return toText([], []);
  return toText(
    [...snapshot.services].map(([, service]) => service),
    [...snapshot.slices].flatMap(([, slices]) => slices),
  );
}

interface Keyed {
  readonly key: string;
}

function toText(services: readonly Keyed[], slices: readonly Keyed[]): string {
  return JSON.stringify({ services: services.toSorted(compareKeys), slices: slices.toSorted(compareKeys) });
}

function compareKeys(a: Keyed, b: Keyed): number {
  return a.key < b.key ? -1 : 1;
}
