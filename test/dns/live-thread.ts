import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startThread } from '../../src/dns/driver-thread.ts';
import { rootName } from '../../src/dns/name.ts';
import { plainBlock } from '../../src/dns/settings-default.ts';
import type { DnsSettings, ServerBlock } from '../../src/dns/settings.ts';
import type { Thread } from '../../src/dns/thread-keeper.ts';
import type { FromWorker, ListenPoint, NodeFacts, ToWorker } from '../../src/dns/worker-messages.ts';
import type { ZoneChange } from '../../src/dns/zone-input.ts';
import { parseAddress } from '../../src/model/mod.ts';
import type { Address } from '../../src/model/mod.ts';
import { holdLibc } from '../../src/netlink/mod.ts';

export const loopback: Address = toAddress('127.0.0.1');

function toAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

/** Settings of one block for everything, without health, metrics and files. */
export function settingsOf(block: Partial<ServerBlock>): DnsSettings {
  return {
    blocks: [{ ...plainBlock([rootName], 53), ...block }],
    health: null,
    ready: null,
    metrics: null,
    reload: null,
  };
}

export function factsOf(over: Partial<NodeFacts> = {}): NodeFacts {
  return { nodeZone: null, serverAddresses: [loopback], selfService: null, sources: [], loopName: '\x05probe\0', ...over };
}

/** A port of loopback that is free for UDP and TCP. */
export async function findPort(): Promise<number> {
  for (;;) {
    const tcp = createServer();
    tcp.listen(0, loopback);
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4');
    const isFree = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, loopback, () => resolve(true));
    });
    await new Promise<void>((resolve) => udp.close(() => resolve()));
    await new Promise<void>((resolve) => tcp.close(() => resolve()));
    if (isFree) return port;
  }
}

/** A DNS worker thread as the resolver starts it, with this test in the main thread's place. */
export interface LiveThread extends AsyncDisposable {
  readonly port: number;
  /** What it told so far. */
  readonly told: readonly FromWorker[];
  tell(message: ToWorker): void;
  /** Waits until the thread has told something like this, before or from now on. */
  hear<K extends FromWorker['kind']>(kind: K, fits?: (message: Extract<FromWorker, { kind: K }>) => boolean): Promise<void>;
  apply(...changes: readonly ZoneChange[]): Promise<void>;
  /** New settings, with all that the cluster has under them. */
  settle(options: Omit<LiveOptions, 'udp'>): Promise<void>;
}

export interface LiveOptions {
  readonly settings: DnsSettings;
  readonly facts?: NodeFacts;
  readonly changes?: readonly ZoneChange[];
  readonly udp?: 'batch' | 'plain';
}

export async function startLiveThread({ settings, facts, changes = [], udp = 'batch' }: LiveOptions): Promise<LiveThread> {
  await holdLibc();
  const port = await findPort();
  const listen: readonly ListenPoint[] = [{ address: loopback, port, serves: 53 }];
  const told: FromWorker[] = [];
  const news = new EventTarget();
  const ended = Promise.withResolvers<string | null>();
  const thread: Thread = startThread(
    { settings, listen, udp, facts: facts ?? factsOf() },
    {
      message(message) {
        told.push(message);
        news.dispatchEvent(new Event('message'));
      },
      ended: (reason) => ended.resolve(reason),
    },
  );
  const failed = ended.promise.then((reason) => {
    throw new Error(`the thread ended: ${reason}`);
  });
  failed.catch(() => undefined);
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) await Promise.race([once(news, 'message'), failed]);
  };
  const count = (kind: FromWorker['kind']): number => told.filter((message) => message.kind === kind).length;
  const apply = async (...more: readonly ZoneChange[]): Promise<void> => {
    const before = count('applied');
    for (const change of more) thread.post({ kind: 'change', change });
    await until(() => count('applied') === before + more.length);
  };
  await apply(...changes);
  await until(() => told.some((message) => message.kind === 'listening' && message.open.length === 1));
  return {
    port,
    told,
    apply,
    tell: (message) => thread.post(message),
    hear: (kind, fits = () => true) =>
      until(() => told.some((message) => message.kind === kind && fits(message as Parameters<typeof fits>[0]))),
    async settle(next) {
      const before = count('settled');
      thread.post({ kind: 'settings', settings: next.settings, facts: next.facts ?? factsOf() });
      await until(() => count('settled') > before);
      await apply(...(next.changes ?? []));
    },
    async [Symbol.asyncDispose]() {
      thread.post({ kind: 'stop' });
      await ended.promise;
    },
  };
}
