import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { loadSettings, makeLoopName, parseName, Resolver, startThread } from '../src/dns/mod.ts';
import { createPause, createStore, decodeService, decodeSlice } from '../src/kube/mod.ts';
import type { Address } from '../src/model/mod.ts';
import { holdLibc } from '../src/netlink/mod.ts';
import { systemClock } from '../src/observe/mod.ts';
import { makeService, makeSlice } from './cluster.ts';
import { serviceCount } from './dns-data.ts';

const endpointsEach = 10;
/** Objects of one page of a list. */
const pageSize = 500;
const changesPerSecond = 500;
const dns = { pods: 'none', keepLabels: false } as const;

/** The lists as an API server sends them, page by page. `shift` moves all endpoints by so many addresses. */
function makePages(shift: number): readonly string[] {
  const objects: unknown[] = [];
  for (let index = 0; index < serviceCount; index += 1) objects.push(makeService(index), makeSlice(index, endpointsEach + shift));
  return Array.from({ length: objects.length / pageSize }, (_, page) =>
    JSON.stringify(objects.slice(page * pageSize, (page + 1) * pageSize)),
  );
}

/**
 * The part of the agent that matters here: the store and the resolver with one thread. Says its port when all is known; to
 * `relist` and `everything` it reads the lists again and again and has changes come, to `idle` it stops that.
 */
async function run(): Promise<void> {
  const store = createStore();
  const pause = createPause(4);
  const lists = [makePages(0), makePages(1)];
  await holdLibc();
  const port = await findPort();
  const { resolver, ready } = startResolver(port);
  const commit = (): void => {
    const committed = store.commit();
    if (committed !== null) resolver.update(committed.snapshot, committed.dirty);
  };
  const read = async (pages: readonly string[]): Promise<void> => {
    for (const page of pages) {
      for (const object of JSON.parse(page) as readonly { readonly kind: string }[]) {
        if (object.kind === 'Service') {
          const service = decodeService(object, dns);
          if (service.ok) store.services.upsert(service.value);
        } else {
          const slice = decodeSlice(object, dns);
          if (slice.ok) store.slices.upsert(slice.value);
        }
        const turn = pause();
        if (turn !== null) await turn;
      }
    }
    commit();
  };
  for (let team = 0; team < 50; team += 1) store.namespaces.upsert({ name: `team-${team}`, labels: {} });
  store.markListed('services');
  store.markListed('namespaces');
  await read(lists[0] ?? []);
  await ready;
  let load = 'idle';
  process.on('message', (message) => (load = String(message)));
  process.once('SIGTERM', () => void resolver.close().finally(() => process.exit(0)));
  let changes = 0;
  setInterval(() => {
    if (load === 'idle') return;
    for (let count = 0; count < changesPerSecond / 50; count += 1) {
      changes += 1;
      const slice = decodeSlice(makeSlice((changes * 31) % serviceCount, endpointsEach - (changes % 2)), dns);
      if (slice.ok) store.slices.upsert(slice.value);
    }
    commit();
  }, 20);
  process.send?.(port);
  for (let round = 0; ; round += 1) {
    if (load === 'idle') await new Promise((resolve) => setTimeout(resolve, 5));
    else await read(lists[load === 'everything' ? round % 2 : 0] ?? []);
  }
}

async function findPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

function startResolver(port: number): { readonly resolver: Resolver; readonly ready: Promise<void> } {
  const clusterDomain = parseName('cluster.local.');
  if (clusterDomain === null) throw new Error('no name');
  const reading = loadSettings({ path: null, clusterDomain, upstreamFile: '/etc/resolv.conf', own: [], env: {} });
  if (!reading.ok) throw new Error(reading.problems.map(({ message }) => message).join('; '));
  const address = '127.0.0.1' as Address;
  const { promise, resolve } = Promise.withResolvers<void>();
  const resolver: Resolver = new Resolver({
    settings: reading.settings,
    facts: { nodeZone: null, serverAddresses: [address], selfService: null, sources: [], loopName: makeLoopName(randomInt) },
    listen: [{ address, port, serves: 53 }],
    threads: 1,
    udp: 'batch',
    nodeName: 'node-1',
    clock: systemClock,
    startThread,
    report: ({ code, message }) => console.error(`${code}: ${message}`),
    log: () => {},
    changed: () => {
      if (resolver.state.synced && resolver.state.listening) resolve();
    },
    observePing: () => {},
    observeProgramming: () => {},
  });
  resolver.start();
  return { resolver, ready: promise };
}

await run();
