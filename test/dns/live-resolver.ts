import { readFileSync } from 'node:fs';
import { startThread } from '../../src/dns/driver-thread.ts';
import { service, snapshotOf } from '../../src/dns/feed.fixture.ts';
import { Resolver } from '../../src/dns/resolver.ts';
import type { DnsSettings } from '../../src/dns/settings.ts';
import type { Thread } from '../../src/dns/thread-keeper.ts';
import type { ServiceRecord, Snapshot } from '../../src/model/mod.ts';
import { holdLibc } from '../../src/netlink/mod.ts';
import { systemClock } from '../../src/observe/mod.ts';
import { pollUntil } from '../lab/poll.ts';
import { makeQuery, openAsker } from './asker.ts';
import type { Reply, Transport } from './asker.ts';
import { factsOf, findPort, loopback } from './live-thread.ts';
import { web } from './messages-cluster.ts';

/** A resolver with threads of its own, as the agent has it. */
export interface LiveResolver extends AsyncDisposable {
  readonly resolver: Resolver;
  readonly port: number;
  readonly problems: readonly string[];
  readonly lines: readonly string[];
  /** The threads that were started, in that order. */
  readonly threads: readonly Thread[];
  /** The Services of namespace `shop`. */
  update(...services: readonly ServiceRecord[]): void;
  settle(settings: DnsSettings): void;
  /** Until all threads are alive, synced and listening. */
  ready(): Promise<void>;
}

function shopOf(services: readonly ServiceRecord[]): Snapshot {
  return snapshotOf(services, [], { namespaces: [{ name: 'shop', labels: {} }] });
}

export async function startResolver(settings: DnsSettings, threads: number): Promise<LiveResolver> {
  await holdLibc();
  const port = await findPort();
  const problems: string[] = [];
  const lines: string[] = [];
  const started: Thread[] = [];
  const resolver = new Resolver({
    settings,
    facts: factsOf(),
    listen: [{ address: loopback, port, serves: 53 }],
    threads,
    udp: 'batch',
    nodeName: 'node-1',
    clock: systemClock,
    startThread(data, handlers) {
      const thread = startThread(data, handlers);
      started.push(thread);
      return thread;
    },
    report: ({ message }) => problems.push(message),
    log: (line) => lines.push(line),
    changed() {},
    observePing() {},
    observeProgramming() {},
  });
  resolver.start();
  const update = (...services: readonly ServiceRecord[]): void =>
    resolver.update(shopOf(services), {
      services: new Set(['shop/web', ...services.map(({ key }) => key)] as never[]),
      namespaces: new Set(),
      nodes: new Set(),
      pods: new Set(),
      node: false,
    });
  update(service('web'));
  const ready = async (): Promise<void> => {
    const isReady = (): true | null => {
      const { synced, listening, alive } = resolver.state;
      return synced && listening && alive ? true : null;
    };
    await pollUntil('a resolver that is ready', () => Promise.resolve(isReady()), {
      explain: () => `${JSON.stringify(resolver.state)} ${problems.join('; ')}`,
    });
  };
  await ready();
  return {
    resolver,
    port,
    problems,
    lines,
    threads: started,
    update,
    ready,
    settle: (next) => resolver.settle(next, factsOf()),
    [Symbol.asyncDispose]: () => resolver.close(),
  };
}

/** What clients that ask on and on saw. */
export interface Load {
  /** Ends it, once the questions under way are answered, and tells what came of it. */
  stop(): Promise<LoadResult>;
  readonly answered: () => number;
}

export interface LoadResult {
  readonly answered: number;
  /** Questions that had to be asked a second time. */
  readonly retried: number;
  /** Questions that had no answer the second time either. */
  readonly lost: number;
  readonly replies: ReadonlySet<string>;
}

/** How long a client waits before it asks again, as the C library does. */
const patienceMs = 5000;

/** So many clients of each transport, each of which asks for `web` again as soon as it has an answer. */
export async function startLoad(port: number, clients: Readonly<Record<Transport, number>>): Promise<Load> {
  const total = { answered: 0, retried: 0, lost: 0, replies: new Set<string>() };
  const over = new AbortController();
  const run = async (transport: Transport, index: number): Promise<void> => {
    let asker = await openAsker(transport, port);
    let id = index * 7;
    while (!over.signal.aborted) {
      id = (id + 1) % 65_536;
      let reply = await withDeadline(asker.ask(makeQuery(web, { id })));
      if (reply === null) {
        total.retried += 1;
        asker[Symbol.dispose]();
        asker = await openAsker(transport, port);
        reply = await withDeadline(asker.ask(makeQuery(web, { id })));
      }
      if (reply === null) total.lost += 1;
      else {
        total.answered += 1;
        total.replies.add(textOf(reply));
      }
    }
    asker[Symbol.dispose]();
  };
  const running = (['udp', 'tcp'] as const).flatMap((transport) =>
    Array.from({ length: clients[transport] }, (_, index) => run(transport, index)),
  );
  await pollUntil('answers', () => Promise.resolve(total.answered > 100 ? true : null));
  return {
    answered: () => total.answered,
    async stop() {
      over.abort();
      await Promise.all(running);
      return total;
    },
  };
}

function withDeadline(reply: Promise<Reply>): Promise<Reply | null> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), patienceMs);
    reply.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function textOf({ packet, bytes }: Reply): string {
  const records = (packet.answers ?? []).map((one) => ('ttl' in one ? `${one.ttl} ${one.type}` : one.type));
  return `${bytes.readUInt16BE(2) & 15}: ${records.join()}`;
}

/** Sockets of a port on loopback, as the kernel lists them. */
export function countSockets(port: number): { readonly udp: number; readonly tcp: number } {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const count = (file: string, state: string): number =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => {
        const [, address, , status] = line.trim().split(/\s+/);
        return address === local && status === state;
      }).length;
  return { udp: count('/proc/net/udp', '07'), tcp: count('/proc/net/tcp', '0A') };
}
