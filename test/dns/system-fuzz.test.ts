import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import dnsPacket from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { rcode } from '../../src/dns/constants.ts';
import { StreamFrames, frame } from '../../src/dns/forward-frames.ts';
import { Lane } from '../../src/dns/lane.ts';
import type { DatagramSocket, Peer } from '../../src/dns/listen-contract.ts';
import { makeChange, makeEndpoint, makeService, makeSettings } from '../../src/dns/zone.fixture.ts';
import { plainForward } from '../../src/dns/settings-default.ts';
import { WorkerCore } from '../../src/dns/worker-core.ts';
import type { ZoneChange } from '../../src/dns/zone-input.ts';
import { Judge } from './system-judge.ts';
import { Dice, Mutator, longestMutation } from './system-mutations.ts';
import { factsOf, loopback, settingsOf, startLiveThread } from './live-thread.ts';
import type { LiveThread } from './live-thread.ts';

const directly = 950_000;
const throughSocket = 50_000;

const many = Array.from({ length: 200 }, (_, index) => makeEndpoint(`10.244.7.${index + 1}`));
const web = { name: 'web', protocol: 'TCP', port: 80 } as const;
const cluster: ZoneChange = makeChange({
  namespaces: [{ name: 'shop', labels: {} }],
  services: [
    makeService('shop/web', { clusterIps: ['10.96.0.1', 'fd00:10:96::1'] as never, ports: [web] }),
    makeService('shop/many', { kind: 'headless', ports: [web], slices: [{ ports: [web], endpoints: many, labels: {} }] }),
    makeService('shop/away', { kind: 'external', externalName: 'ok.test' }),
  ],
});
const names = [
  'web.shop.svc.cluster.local',
  '_web._tcp.web.shop.svc.cluster.local',
  'many.shop.svc.cluster.local',
  '_web._tcp.many.shop.svc.cluster.local',
  'away.shop.svc.cluster.local',
  'missing.shop.svc.cluster.local',
  'shop.svc.cluster.local',
  'cluster.local',
  '1.0.96.10.in-addr.arpa',
  '9.9.9.9.in-addr.arpa',
  '10-244-7-1.shop.pod.cluster.local',
  'host.example.org',
  '.',
];
const settings = settingsOf({ kubernetes: makeSettings(), shuffle: true });

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function heapAfterCollection(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('[DNS-91] a million packets of every kind', () => {
  test(`${directly} that are answered in this thread: no exception, no reply that is wrong, no memory that grows`, async () => {
    const dice = new Dice(20_261_127);
    const panics: unknown[] = [];
    const core = new WorkerCore(
      settingsOf({ kubernetes: makeSettings(), shuffle: true, forward: [plainForward] }),
      factsOf(),
      {
        clock: { now: () => 1_700_000_000_000, after: () => () => undefined },
        now: () => 0,
        random: (below) => dice.roll(below),
        openForwarder: () => ({
          ask: async ({ type }) =>
            type === 1
              ? {
                  kind: 'answered',
                  rcode: rcode.NXDOMAIN,
                  authenticData: false,
                  truncated: false,
                  answer: [],
                  authority: [],
                  upstream: '',
                }
              : { kind: 'failed', reason: 'none' },
          close: () => undefined,
        }),
        openHosts: () => {
          throw new Error('no hosts are configured');
        },
        panic: (error) => panics.push(error),
        looped: () => undefined,
      },
      null,
    );
    core.apply(cluster);
    const server = core.servers.get(53);
    if (server === undefined) throw new Error('no server');
    const lane = new Lane();
    const listening = server.listen(() => lane);
    const judge = new Judge();
    const input = new Uint8Array(longestMutation);
    const out = new Uint8Array(4096);
    let length = 0;
    let late = 0;
    const socket: DatagramSocket = {
      address: loopback,
      port: 53,
      keepPath: () => input.slice(0, length),
      send: (path, bytes) => {
        late -= 1;
        judge.see(path as Uint8Array, bytes, null, false);
      },
      close: () => undefined,
    };
    const keepPath = socket.keepPath.bind(socket);
    socket.keepPath = () => {
      late += 1;
      return keepPath();
    };
    const peer: Peer = { buffer: Uint8Array.of(10, 244, 1, 10), offset: 0, octets: 4, port: 40_000 };
    const mutator = new Mutator(7, names);
    let middle = 0;
    for (let sent = 0; sent < directly; sent += 1) {
      length = mutator.write(input);
      const written = server.answerDatagram(listening, socket, input, 0, length, peer, out, 0);
      // The independent library is slow: a part of them.
      if (written > 0) judge.see(input.subarray(0, length), out.subarray(0, written), null, sent % 16 === 0);
      if (sent % 1000 === 0) await turn();
      if (sent === directly / 2) middle = heapAfterCollection();
    }
    await turn();
    expect(panics).toEqual([]);
    expect(late).toBe(0);
    expect(heapAfterCollection() - middle).toBeLessThan(8 * 2 ** 20);
    // Of all that may be said something was said, so the packets were not all of one kind.
    for (const code of [rcode.NOERROR, rcode.FORMERR, rcode.NXDOMAIN, rcode.NOTIMP, rcode.REFUSED])
      expect(`${code}: ${(judge.byCode.get(code) ?? 0) > 1000}`).toBe(`${code}: true`);
    expect(judge.replies).toBeGreaterThan(directly / 2);
    expect(judge.readByOther).toBeGreaterThan(judge.askedOther * 0.9);
    core.close();
  });

  test(`${throughSocket} through UDP of a DNS thread, and as many frames over TCP as fit: the next question is always answered`, async () => {
    await using thread = await startLiveThread({ settings, changes: [cluster] });
    const judge = new Judge();
    await floodUdp(thread, judge);
    await floodTcp(thread, judge);
    expect(judge.replies).toBeGreaterThan(throughSocket / 2);
    expect(judge.readByOther).toBeGreaterThan(judge.askedOther * 0.9);
    expect(thread.told.filter(({ kind }) => kind === 'problem')).toEqual([]);
  });
});

test('[DNS-92] a thousand connections that never finish a message, and UDP and TCP of others go on', async () => {
  await using thread = await startLiveThread({ settings, changes: [cluster] });
  const message = marker(1);
  const halves = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      const socket = net.connect(thread.port, loopback);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      // Nothing, half a length, a length, a part of a message, or all but its last octet.
      const parts = [0, 1, 2, 12, message.length + 1];
      socket.write(frame(message).subarray(0, parts[index % parts.length]));
      return socket;
    }),
  );
  using asker = await openUdp(thread);
  for (let asked = 0; asked < 2000; asked += 50) {
    const ids = Array.from({ length: 50 }, (_, index) => 2 + asked + index);
    await Promise.all(ids.map((id) => asker.ask(id, marker(id))));
  }
  expect(asker.unasked).toBe(0);
  const client = net.connect(thread.port, loopback);
  client.write(frame(marker(77)));
  const [first] = (await once(client, 'data')) as [Buffer];
  expect(dnsPacket.decode(first.subarray(2)).answers).toMatchObject([{ data: '10.96.0.1' }]);
  client.destroy();
  for (const socket of halves) socket.destroy();
});

/** A good question. */
function marker(id: number): Buffer {
  const questions = [{ type: 'A', name: 'web.shop.svc.cluster.local' }] as const;
  return dnsPacket.encode({ type: 'query', id, flags: 0x0100, questions: [...questions] });
}

interface UdpAsker extends Disposable {
  /** Waits for the reply with this id. */
  ask(id: number, message: Uint8Array): Promise<Buffer>;
  send(message: Uint8Array): void;
  /** Replies that nobody waited for. */
  unasked: number;
}

async function openUdp(thread: LiveThread, other: (reply: Buffer) => void = () => undefined): Promise<UdpAsker> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 });
  const waiting = new Map<number, (reply: Buffer) => void>();
  socket.connect(thread.port, loopback);
  await once(socket, 'connect');
  const asker: UdpAsker = {
    unasked: 0,
    send: (message) => socket.send(message),
    ask(id, message) {
      const reply = new Promise<Buffer>((resolve) => {
        waiting.set(id, resolve);
      });
      socket.send(message);
      return reply;
    },
    [Symbol.dispose]: () => void socket.close(),
  };
  socket.on('message', (reply) => {
    const id = reply.readUInt16BE(0);
    const give = waiting.get(id);
    waiting.delete(id);
    if (give !== undefined) return give(reply);
    asker.unasked += 1;
    return other(reply);
  });
  return asker;
}

/** Packets few at a time, each with an id of its own, and behind them a good question. */
async function floodUdp(thread: LiveThread, judge: Judge): Promise<void> {
  const sent = new Map<number, Uint8Array>();
  using asker = await openUdp(thread, (reply) => {
    const query = sent.get(reply.readUInt16BE(0));
    if (query === undefined) throw new Error('a reply to nothing');
    judge.see(query, reply, null, true);
  });
  const mutator = new Mutator(11, names);
  const each = 100;
  for (let count = 0; count < throughSocket; count += each) {
    sent.clear();
    for (let id = 0; id < each; id += 1) {
      const message = new Uint8Array(longestMutation);
      const length = mutator.write(message);
      new DataView(message.buffer).setUint16(0, id);
      sent.set(id, message.subarray(0, length));
      asker.send(message.subarray(0, length));
    }
    const reply = await asker.ask(each, marker(each));
    expect(dnsPacket.decode(reply).answers?.length).toBe(1);
  }
}

/** The same in frames, several connections one after the other. */
async function floodTcp(thread: LiveThread, judge: Judge): Promise<void> {
  const mutator = new Mutator(13, names);
  const [connections, each] = [50, 200];
  for (let connection = 0; connection < connections; connection += 1) {
    const socket = net.connect(thread.port, loopback);
    const frames = new StreamFrames();
    const sent = new Map<number, Uint8Array>();
    const done = Promise.withResolvers<void>();
    socket.on('data', (data) => {
      frames.push(data, (reply) => {
        const id = ((reply[0] ?? 0) << 8) | (reply[1] ?? 0);
        if (id === each) done.resolve();
        else judge.see(sent.get(id) ?? new Uint8Array(0), reply, 65_535, true);
      });
    });
    socket.on('close', () => done.resolve());
    socket.on('error', () => undefined);
    for (let id = 0; id < each; id += 1) {
      const message = new Uint8Array(longestMutation);
      const length = Math.max(12, mutator.write(message));
      new DataView(message.buffer).setUint16(0, id);
      sent.set(id, message.subarray(0, length));
      socket.write(frame(message.subarray(0, length)));
    }
    socket.write(frame(marker(each)));
    await done.promise;
    socket.destroy();
  }
}
