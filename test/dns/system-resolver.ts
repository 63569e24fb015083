import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addDnsMetrics } from '../../src/cli/dns-metrics.ts';
import { DnsHealthMetrics } from '../../src/cli/dns-pages.ts';
import { loadSettings, makeLoopName, parseName, Resolver, startThread } from '../../src/dns/mod.ts';
import { createStore, decodeService, decodeSlice } from '../../src/kube/mod.ts';
import type { Problem } from '../../src/model/mod.ts';
import { holdLibc } from '../../src/netlink/mod.ts';
import { Registry, systemClock } from '../../src/observe/mod.ts';
import { createTemporaryFolder, pollUntil } from '../lab/mod.ts';
import { findPort, loopback } from './live-thread.ts';

/** The resolver of an agent with its metrics, on a port of loopback, over objects that the test puts. */
export interface LoopbackResolver extends AsyncDisposable {
  readonly resolver: Resolver;
  readonly registry: Registry;
  readonly port: number;
  readonly problems: readonly Problem[];
  /** Services, EndpointSlices and Namespaces as the API has them; comes back when all threads have them. */
  put(...objects: readonly object[]): Promise<void>;
}

export async function startLoopbackResolver(corefile: string, threads = 1): Promise<LoopbackResolver> {
  await holdLibc();
  const folder = await createTemporaryFolder('waypost-dns-');
  const path = join(folder.path, 'Corefile');
  await writeFile(path, corefile);
  const clusterDomain = parseName('cluster.local.') ?? '\0';
  const reading = loadSettings({ path, clusterDomain, upstreamFile: '/nowhere', own: [], env: {} });
  if (!reading.ok) throw new Error(reading.problems.map(({ message }) => message).join('; '));
  const port = await findPort();
  const registry = new Registry();
  const health = new DnsHealthMetrics(registry);
  const problems: Problem[] = [];
  const resolver = new Resolver({
    settings: reading.settings,
    facts: { nodeZone: null, serverAddresses: [loopback], selfService: null, sources: [], loopName: makeLoopName(() => 7) },
    listen: [{ address: loopback, port, serves: 53 }],
    threads,
    udp: 'batch',
    nodeName: 'node-1',
    clock: systemClock,
    startThread,
    report: (problem) => problems.push(problem),
    log: () => {},
    changed: () => {},
    observePing: (seconds) => health.pinged(seconds),
    observeProgramming: (kind, seconds) => health.programmed(kind, seconds),
  });
  addDnsMetrics(registry, '1.2.3', () => resolver.count());
  const store = createStore();
  resolver.start();
  return {
    resolver,
    registry,
    port,
    problems,
    async put(...objects) {
      for (const object of objects) upsert(store, object);
      for (const kind of ['services', 'namespaces'] as const) store.markListed(kind);
      const committed = store.commit();
      if (committed !== null) resolver.update(committed.snapshot, committed.dirty);
      await pollUntil('the resolver to be ready', async () => (resolver.state.synced && resolver.state.listening ? true : null));
    },
    async [Symbol.asyncDispose]() {
      await resolver.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** What is kept of objects for the resolver's sake. */
const dnsData = { pods: 'none', keepLabels: true } as const;

function upsert(store: ReturnType<typeof createStore>, object: object): void {
  const { kind, metadata } = object as { readonly kind: string; readonly metadata: { readonly name: string } };
  if (kind === 'Namespace') return store.namespaces.upsert({ name: metadata.name, labels: {} });
  const decoded = kind === 'Service' ? decodeService(object, dnsData) : decodeSlice(object, dnsData);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  if (kind === 'Service') store.services.upsert(decoded.value as never);
  else store.slices.upsert(decoded.value as never);
  return undefined;
}
