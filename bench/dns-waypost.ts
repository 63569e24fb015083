import { randomInt } from 'node:crypto';
import { loadSettings, makeLoopName, parseName, Resolver, startThread } from '../src/dns/mod.ts';
import type { Address } from '../src/model/mod.ts';
import { holdLibc } from '../src/netlink/mod.ts';
import { systemClock } from '../src/observe/mod.ts';
import { fillStore } from './dns-data.ts';

/** How the process is started: what it is told on its command line, as JSON. */
export interface WaypostOptions {
  readonly port: number;
  /** Null: the same process without DNS. */
  readonly udp: 'batch' | 'plain' | null;
  /** Path of a Corefile. */
  readonly corefile: string;
}

/**
 * What of the agent matters here: the store with all of the cluster, and the resolver with one thread, started as the
 * agent starts it. Says `ready`; to `tidy` it collects garbage and says `tidied`.
 */
async function run({ port, udp, corefile }: WaypostOptions): Promise<void> {
  const store = fillStore(udp !== null);
  const committed = store.commit();
  if (committed === null) throw new Error('the store is empty');
  await holdLibc();
  const resolver = udp === null ? null : startResolver(port, udp, corefile);
  resolver?.update(committed.snapshot, committed.dirty);
  process.on('message', (message) => {
    if (message !== 'tidy') return;
    globalThis.gc?.();
    // The store has to be there to the end.
    process.send?.({ tidied: store.snapshot.services.size });
  });
  process.once('SIGTERM', () => void Promise.resolve(resolver?.close()).finally(() => process.exit(0)));
  if (resolver === null) process.send?.('ready');
}

function startResolver(port: number, udp: 'batch' | 'plain', corefile: string): Resolver {
  const clusterDomain = parseName('cluster.local.');
  if (clusterDomain === null) throw new Error('no name');
  const reading = loadSettings({ path: corefile, clusterDomain, upstreamFile: '/etc/resolv.conf', own: [], env: {} });
  if (!reading.ok) throw new Error(reading.problems.map(({ message }) => message).join('; '));
  const address = '127.0.0.1' as Address;
  let ready = false;
  const resolver: Resolver = new Resolver({
    settings: reading.settings,
    facts: { nodeZone: null, serverAddresses: [address], selfService: null, sources: [], loopName: makeLoopName(randomInt) },
    listen: [{ address, port, serves: 53 }],
    threads: 1,
    udp,
    nodeName: 'node-1',
    clock: systemClock,
    startThread,
    report: ({ code, message }) => console.error(`${code}: ${message}`),
    log: () => {},
    changed: () => {
      if (ready || !resolver.state.synced || !resolver.state.listening) return;
      ready = true;
      process.send?.('ready');
    },
    observePing: () => {},
    observeProgramming: () => {},
  });
  resolver.start();
  return resolver;
}

await run(JSON.parse(process.argv[2] ?? '') as WaypostOptions);
