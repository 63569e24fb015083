import { describe, expect, test } from 'vitest';
import { succeed } from '../model/mod.ts';
import { encodeQuery } from './encode-query.ts';
import { address } from './feed.fixture.ts';
import { name, settle } from './forward.fixture.ts';
import type { AnswerDatagram, AnswerMessage } from './listen-contract.ts';
import { formatName, rootName } from './name.ts';
import { parseMessage } from './parse-message.ts';
import { answered, FakeForwarder, makeHosts, makeRequest, record } from './server.fixture.ts';
import { plainBlock, plainForward, plainHosts, stockKubernetes, usualClusterDomain } from './settings-default.ts';
import { TurnedClock } from './settings-clock.fixture.ts';
import type { DnsSettings, ServerBlock } from './settings.ts';
import { WorkerProgram } from './worker-program.ts';
import type { FromWorker, ListenPoint, NodeFacts } from './worker-messages.ts';
import { makeChange, makeService, toAddress } from './zone.fixture.ts';
import type { ZoneChange } from './zone-input.ts';

const point: ListenPoint = { address: address('127.0.0.1'), port: 5353, serves: 53 };
const facts: NodeFacts = { nodeZone: null, serverAddresses: [], selfService: null, sources: [], loopName: name('probe.') };
const kubernetes = stockKubernetes([usualClusterDomain]);
const web = 'web.shop.svc.cluster.local.';

function settingsOf(block: Partial<ServerBlock>): DnsSettings {
  return { blocks: [{ ...plainBlock([rootName], 53), ...block }], health: null, ready: null, metrics: null, reload: null };
}

function changeOf(clusterIp: string, over: Partial<ZoneChange> = {}): ZoneChange {
  const services = [makeService('shop/web', { clusterIps: [toAddress(clusterIp)] })];
  return makeChange({ namespaces: [{ name: 'shop', labels: {} }], services, ...over });
}

/** A worker without a thread, sockets or upstreams. */
class Bench {
  readonly clock = new TurnedClock();
  readonly told: FromWorker[] = [];
  readonly open = new Map<string, AnswerMessage>();
  readonly forwarders: FakeForwarder[] = [];
  readonly program: WorkerProgram;
  ended = false;
  answer: FakeForwarder['answer'] = ({ name: asked }) =>
    answered([], { answer: [{ ...record('x. 60 IN A 192.0.2.1'), name: asked }] });

  constructor(settings: DnsSettings, over: Partial<NodeFacts> = {}) {
    const data = { settings, listen: [point], udp: 'batch', facts: { ...facts, ...over } } as const;
    this.program = new WorkerProgram(data, {
      clock: this.clock,
      now: () => 0,
      random: () => 0,
      openUdp: ({ port, answer }) => this.#open(`udp ${port}`, () => undefined as never, answer),
      openTcp: ({ port, answer }) => this.#open(`tcp ${port}`, answer),
      openForwarder: () => {
        const forwarder = new FakeForwarder((question) => this.answer(question));
        this.forwarders.push(forwarder);
        return forwarder;
      },
      openHosts: (hosts) => ({ ...makeHosts(...hosts.lines), loadedAt: 5, close() {} }),
      heapUsed: () => 7,
      tell: (message) => this.told.push(structuredClone(message)),
      end: () => (this.ended = true),
    });
  }

  #open(key: string, answer: AnswerMessage, _datagram?: AnswerDatagram) {
    this.open.set(key, answer);
    const counts = { received: 0, sent: 0, lost: 0, cutOff: 0 };
    const close = (): never => void this.open.delete(key) as never;
    return Promise.resolve(succeed({ ...point, descriptor: 9, counts, keepPath: () => null, send() {}, close }));
  }

  /** The addresses of a name over TCP, or the code where there are none. */
  async ask(text: string, from = '10.0.0.1'): Promise<readonly string[] | number> {
    const bytes = encodeQuery({ id: 1, name: name(text), type: 1, dnssecOk: false, checkingDisabled: false, udpSize: 512 });
    const peer = { buffer: Uint8Array.from(from.split('.').map(Number)), offset: 0, octets: 4, port: 9 } as const;
    const replies: Uint8Array[] = [];
    this.open.get('tcp 5353')?.(bytes, peer, { port: 5353 }, (reply) => replies.push(reply));
    await settle();
    const message = parseMessage(replies[0] ?? new Uint8Array());
    if (message === null) throw new Error('no reply');
    return message.answer.length > 0 ? message.answer.map(({ data }) => data.join('.')) : message.rcode;
  }

  ofKind<K extends FromWorker['kind']>(kind: K): readonly Extract<FromWorker, { kind: K }>[] {
    return this.told.filter((message): message is Extract<FromWorker, { kind: K }> => message.kind === kind);
  }
}

describe('the start', () => {
  test('[DNS-116] listens as soon as the cluster is known', async () => {
    const bench = new Bench(settingsOf({ kubernetes }));
    bench.program.start();
    bench.program.take({ kind: 'change', change: changeOf('10.96.0.80', { synced: false }) });
    await settle();
    expect(bench.open.size).toBe(0);
    bench.program.take({ kind: 'change', change: makeChange() });
    await settle();
    expect([...bench.open.keys()]).toEqual(['udp 5353', 'tcp 5353']);
    expect(await bench.ask(web)).toEqual(['10.96.0.80']);
    expect(bench.ofKind('applied')).toHaveLength(2);
    expect(bench.ofKind('listening').at(-1)).toEqual({ kind: 'listening', open: [point], descriptors: [9] });
  });

  test('[DNS-116] listens after 5 s all the same, and does not know what it does not know', async () => {
    const bench = new Bench(settingsOf({ kubernetes, forward: [plainForward] }));
    bench.program.start();
    bench.clock.turn(4999);
    await settle();
    expect(bench.open.size).toBe(0);
    bench.clock.turn(1);
    await settle();
    expect(await bench.ask(web)).toBe(2);
    expect(await bench.ask('example.com.')).toEqual(['192.0.2.1']);
    bench.program.take({ kind: 'ping', id: 3 });
    expect(bench.told.at(-1)).toEqual({ kind: 'pong', id: 3, synced: false, looped: false });
  });

  test('listens at once where there is no cluster to know', async () => {
    const bench = new Bench(settingsOf({ forward: [plainForward] }));
    bench.program.start();
    await settle();
    expect(bench.open.size).toBe(2);
  });
});

describe('new settings', () => {
  const started = async (block: Partial<ServerBlock> = { kubernetes }): Promise<Bench> => {
    const bench = new Bench(settingsOf(block));
    bench.program.start();
    bench.program.take({ kind: 'change', change: changeOf('10.96.0.80') });
    await settle();
    return bench;
  };

  test('[DNS-126] of the same zone hold at once, with all that it knows', async () => {
    const bench = await started();
    expect(await bench.ask('example.com.')).toBe(5);
    bench.program.take({ kind: 'settings', settings: settingsOf({ kubernetes, forward: [plainForward] }), facts });
    expect(bench.told.at(-1)).toEqual({ kind: 'settled', resync: false });
    expect(await bench.ask(web)).toEqual(['10.96.0.80']);
    expect(await bench.ask('example.com.')).toEqual(['192.0.2.1']);
  });

  test('[DNS-126] of another zone hold from the moment on at which it is known; until then the old ones answer', async () => {
    const bench = await started();
    bench.program.take({ kind: 'settings', settings: settingsOf({ kubernetes: { ...kubernetes, ttl: 60 } }), facts });
    expect(bench.told.at(-1)).toEqual({ kind: 'settled', resync: true });
    bench.program.take({ kind: 'change', change: changeOf('10.96.0.81', { synced: false }) });
    expect(await bench.ask(web)).toEqual(['10.96.0.80']);
    bench.program.take({ kind: 'ping', id: 1 });
    expect(bench.told.at(-1)).toMatchObject({ kind: 'pong', synced: true });
    bench.program.take({ kind: 'change', change: makeChange() });
    expect(await bench.ask(web)).toEqual(['10.96.0.81']);
  });

  test('[DNS-126] questions that are with the old upstreams are answered; those are closed 10 s later', async () => {
    const bench = await started({ kubernetes, forward: [plainForward] });
    const later = Promise.withResolvers<ReturnType<typeof answered>>();
    bench.answer = () => later.promise;
    const waiting = bench.ask('example.com.').catch((error: unknown) => error);
    const replies: Uint8Array[] = [];
    const bytes = encodeQuery({ id: 1, name: name('a.test.'), type: 1, dnssecOk: false, checkingDisabled: false, udpSize: 512 });
    const peer = { buffer: Uint8Array.of(10, 0, 0, 1), offset: 0, octets: 4, port: 9 } as const;
    bench.open.get('tcp 5353')?.(bytes, peer, { port: 5353 }, (reply) => replies.push(reply));
    bench.program.take({ kind: 'settings', settings: settingsOf({ kubernetes }), facts });
    expect(await bench.ask('example.com.')).toBe(5);
    later.resolve(answered(['a.test. 60 IN A 192.0.2.9']));
    await settle();
    expect(replies).toHaveLength(1);
    bench.clock.turn(9999);
    expect(bench.forwarders.map(({ closed }) => closed)).toEqual([false]);
    bench.clock.turn(1);
    expect(bench.forwarders.map(({ closed }) => closed)).toEqual([true]);
    expect(await waiting).toBeInstanceOf(Error);
  });

  test('[DNS-129] who may ask, where a block has no rules, is up to the node', async () => {
    const sources = [{ family: 'IPv4', address: address('10.0.0.0'), length: 8 }] as const;
    const bench = await started();
    expect(await bench.ask(web, '192.0.2.7')).toEqual(['10.96.0.80']);
    bench.program.take({ kind: 'settings', settings: settingsOf({ kubernetes }), facts: { ...facts, sources } });
    expect(await bench.ask(web, '192.0.2.7')).toBe(5);
    expect(await bench.ask(web, '10.9.9.9')).toEqual(['10.96.0.80']);
  });
});

describe('what the main thread asks for', () => {
  test('other sockets, answers with their steps, counts, the end', async () => {
    const hosts = { ...plainHosts, file: null, lines: ['10.0.0.7 printer.lan'], fallthrough: [rootName] };
    const bench = new Bench(settingsOf({ hosts, forward: [plainForward], cache: null }));
    const { program } = bench;
    program.start();
    await settle();
    program.take({ kind: 'listen', listen: [{ ...point, port: 5454 }] });
    await settle();
    expect([...bench.open.keys()]).toEqual(['udp 5454', 'tcp 5454']);
    program.take({ kind: 'ask', id: 4, request: makeRequest('printer.lan. A'), port: 53 });
    program.take({ kind: 'ask', id: 5, request: makeRequest('example.com. A'), port: 53 });
    await settle();
    const [printer, other] = bench.ofKind('answered').toSorted((a, b) => a.id - b.id);
    expect(printer).toMatchObject({ id: 4, answer: { stage: 'hosts', rcode: 0, steps: ['found in the hosts table'] } });
    expect(other).toMatchObject({ id: 5, answer: { stage: 'forward', steps: ['answered by 10.0.0.1:53'] } });
    expect(other?.answer.answer.map((one) => formatName(one.name))).toEqual(['example.com.']);
    program.take({ kind: 'count', id: 6 });
    expect(bench.ofKind('counted').at(-1)?.counts).toMatchObject({ hosts: { entries: 1, reloadedAt: 5 }, panics: 0, heap: 7 });
    program.take({ kind: 'settings', settings: settingsOf({ kubernetes, forward: [plainForward] }), facts });
    program.take({ kind: 'change', change: makeChange() });
    program.take({ kind: 'stop' });
    await settle();
    expect([bench.open.size, bench.ended]).toEqual([0, true]);
    expect(bench.forwarders.map(({ closed }) => closed)).toEqual([true, true]);
  });

  test('[DNS-130] a log of all questions while it is on, and of those that the settings want always', async () => {
    const bench = new Bench(
      settingsOf({
        hosts: { ...plainHosts, file: null, fallthrough: [rootName] },
        log: [{ zones: [name('lan.')], classes: [] }],
      }),
    );
    bench.program.start();
    await settle();
    const asked = async (): Promise<readonly string[]> => {
      const before = bench.ofKind('log').length;
      await bench.ask('a.lan.');
      await bench.ask('a.test.');
      bench.clock.turn(100);
      return bench
        .ofKind('log')
        .slice(before)
        .flatMap(({ lines }) => lines.map((line) => line.split(' ')[5] ?? ''));
    };
    expect(await asked()).toEqual(['a.lan.']);
    bench.program.take({ kind: 'log', on: true });
    expect(await asked()).toEqual(['a.lan.', 'a.test.']);
    bench.program.take({ kind: 'log', on: false });
    expect(await asked()).toEqual(['a.lan.']);
  });

  test('[DNS-125] a probe that comes back is told of, and nothing is sent on in a circle', async () => {
    const stub = { ...plainForward, suffix: name('stub.test.') };
    const bench = new Bench(settingsOf({ forward: [plainForward, stub], loop: true }));
    bench.program.start();
    await settle();
    expect(await bench.ask('a.stub.test.')).toEqual(['192.0.2.1']);
    expect(bench.forwarders[0]?.asked).toMatchObject([{ name: facts.loopName, type: 13 }]);
    bench.program.take({ kind: 'ask', id: 1, request: makeRequest('Probe. HINFO'), port: 53 });
    await settle();
    expect(bench.ofKind('answered').at(-1)?.answer).toMatchObject({ rcode: 2 });
    expect(bench.ofKind('problem')).toMatchObject([{ problem: { code: 'WP_DNS_LOOP' } }]);
    bench.program.take({ kind: 'ping', id: 2 });
    expect(bench.told.at(-1)).toMatchObject({ looped: true });
    expect(await bench.ask('example.com.')).toBe(2);
    expect(bench.forwarders[0]?.asked).toHaveLength(1);
    expect(await bench.ask('a.stub.test.')).toEqual(['192.0.2.1']);
  });
});
