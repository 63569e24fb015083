import { describe, expect, test } from 'vitest';
import type { Dirty, Snapshot } from '../model/mod.ts';
import { address, endpoint, pod, service, slice, snapshotOf } from './feed.fixture.ts';
import { makeRequest } from './server.fixture.ts';
import { rootName } from './name.ts';
import type { ResolverOptions } from './resolver.ts';
import { Resolver } from './resolver.ts';
import { plainBlock, stockKubernetes, usualClusterDomain } from './settings-default.ts';
import type { DnsSettings } from './settings.ts';
import { TurnedClock } from './settings-clock.fixture.ts';
import { ThreadKeeper } from './thread-keeper.ts';
import type { StartThread, ThreadHandlers } from './thread-keeper.ts';
import type { FromWorker, ListenPoint, NodeFacts, ToWorker, WorkerData } from './worker-messages.ts';
import type { ZoneChange } from './zone-input.ts';

/** A thread that a test answers for. */
class FakeThread {
  readonly data: WorkerData;
  readonly handlers: ThreadHandlers;
  readonly posted: ToWorker[] = [];
  killed = false;
  /** Says that it applied each change at once. */
  quick = true;

  constructor(data: WorkerData, handlers: ThreadHandlers) {
    this.data = data;
    this.handlers = handlers;
  }

  say(message: FromWorker): void {
    this.handlers.message(message);
  }

  post(message: ToWorker): void {
    this.posted.push(structuredClone(message));
    if (this.quick && message.kind === 'change') this.say({ kind: 'applied' });
  }

  kill(): void {
    this.killed = true;
    this.handlers.ended('killed');
  }

  /** Answers the last ping. */
  pong(over: { readonly synced?: boolean; readonly looped?: boolean } = {}): void {
    const ping = this.posted.findLast(({ kind }) => kind === 'ping');
    if (ping?.kind !== 'ping') throw new Error('there was no ping');
    this.say({ kind: 'pong', id: ping.id, synced: true, looped: false, ...over });
  }

  get changes(): readonly ZoneChange[] {
    return this.posted.flatMap((message) => (message.kind === 'change' ? [message.change] : []));
  }

  get kinds(): readonly string[] {
    return this.posted.map(({ kind }) => kind).filter((kind) => kind !== 'ping');
  }
}

const point: ListenPoint = { address: address('127.0.0.1'), port: 5353, serves: 53 };
const facts: NodeFacts = { nodeZone: null, serverAddresses: [], selfService: null, sources: [], loopName: '\x05probe\0' };
const settings: DnsSettings = {
  blocks: [{ ...plainBlock([rootName], 53), kubernetes: stockKubernetes([usualClusterDomain]) }],
  health: null,
  ready: null,
  metrics: null,
  reload: null,
};

class Bench {
  readonly clock = new TurnedClock();
  readonly threads: FakeThread[] = [];
  readonly problems: string[] = [];
  readonly pings: (number | null)[] = [];
  readonly lines: string[] = [];
  changes = 0;
  /** Set before a thread starts. */
  quick = true;
  readonly options: ResolverOptions;
  readonly keeper: ThreadKeeper;

  constructor() {
    const startThread: StartThread = (data, handlers) => {
      const thread = new FakeThread(data, handlers);
      thread.quick = this.quick;
      this.threads.push(thread);
      return thread;
    };
    this.options = {
      settings,
      facts,
      listen: [point],
      threads: 2,
      udp: 'batch',
      nodeName: 'node-1',
      clock: this.clock,
      startThread,
      report: ({ code }) => this.problems.push(code),
      log: (line) => this.lines.push(line),
      changed: () => (this.changes += 1),
      observePing: (seconds) => this.pings.push(seconds),
      observeProgramming() {},
    };
    this.keeper = new ThreadKeeper(this.options);
  }

  get thread(): FakeThread {
    const last = this.threads.at(-1);
    if (last === undefined) throw new Error('no thread was started');
    return last;
  }
}

const names = (change: ZoneChange | undefined): readonly string[] => change?.services.map(({ name }) => name) ?? [];

function dirty(...keys: readonly string[]): Dirty {
  return { services: new Set(keys as never[]), namespaces: new Set(), pods: new Set(), nodes: new Set(), node: false };
}

const shop = { namespaces: [{ name: 'shop', labels: {} }] };
const web = service('web');
const webSlice = slice('web', [endpoint('10.244.1.1')]);

describe('a thread that ends', () => {
  test('is started again at once, and later each time that it ends soon, with all that it has to know', () => {
    const bench = new Bench();
    const { clock, keeper, threads } = bench;
    keeper.start();
    keeper.logQueries(true);
    keeper.update(snapshotOf([web], [webSlice], shop), dirty('shop/web'));
    expect(threads[0]?.data).toEqual({ settings, listen: [point], udp: 'batch', facts });
    for (const delay of [0, 500, 2000, 10_000, 10_000]) {
      const before = threads.length;
      bench.thread.kill();
      clock.turn(Math.max(0, delay - 1));
      expect(threads.length).toBe(delay === 0 ? before + 1 : before);
      clock.turn(delay === 0 ? 0 : 1);
      expect(threads.length).toBe(before + 1);
      expect(bench.thread.kinds).toEqual(['log', 'change']);
      expect(bench.thread.changes[0]?.synced).toBe(true);
      expect(names(bench.thread.changes[0])).toEqual(['web']);
    }
    expect(bench.problems).toEqual(Array.from({ length: 5 }, () => 'WP_DNS_THREAD'));
  });

  test('after a minute it counts as sound: it is started again at once', () => {
    const bench = new Bench();
    bench.keeper.start();
    bench.thread.kill();
    bench.clock.turn(500);
    for (let second = 0; second < 60; second += 1) {
      bench.clock.turn(1000);
      bench.thread.pong();
    }
    bench.thread.kill();
    bench.clock.turn(0);
    expect(bench.threads).toHaveLength(3);
  });

  test('is not alive, synced or listening meanwhile, and what it said before does not count', () => {
    const bench = new Bench();
    bench.keeper.start();
    const first = bench.thread;
    first.say({ kind: 'listening', open: [point], descriptors: [] });
    first.pong();
    expect(bench.keeper.state).toEqual({ synced: true, listening: true, alive: true, looped: false });
    expect(bench.changes).toBe(2);
    first.kill();
    expect(bench.keeper.state).toEqual({ synced: false, listening: false, alive: false, looped: false });
    expect(bench.changes).toBe(3);
    bench.clock.turn(500);
    first.pong();
    first.say({ kind: 'listening', open: [point], descriptors: [] });
    expect(bench.keeper.state).toMatchObject({ alive: false, listening: false });
    bench.thread.pong({ synced: false });
    expect(bench.keeper.state).toMatchObject({ alive: true, synced: false });
  });

  test('leaves nobody waiting for an answer', async () => {
    const bench = new Bench();
    const { keeper } = bench;
    expect(await keeper.count()).toBe(null);
    keeper.start();
    const waiting = [keeper.count(), keeper.ask(makeRequest('a.test. A'), 53)];
    bench.thread.kill();
    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(await keeper.count()).toBe(null);
  });
});

describe('pings', () => {
  test('tell whether it is alive, how long it takes, and whether it is looped', () => {
    const bench = new Bench();
    bench.keeper.start();
    bench.clock.turn(3);
    bench.thread.pong();
    expect(bench.pings).toEqual([0.003]);
    bench.clock.turn(500);
    bench.thread.pong({ looped: true });
    expect(bench.keeper.state).toMatchObject({ alive: true, looped: true });
  });

  test('silence of more than 1.5 s: not alive, until it is heard again', () => {
    const bench = new Bench();
    bench.keeper.start();
    bench.thread.pong();
    bench.clock.turn(1500);
    expect(bench.keeper.state.alive).toBe(true);
    bench.clock.turn(500);
    expect(bench.keeper.state.alive).toBe(false);
    expect(bench.pings.at(-1)).toBe(null);
    bench.thread.pong();
    expect(bench.keeper.state.alive).toBe(true);
    expect(bench.problems).toEqual([]);
  });

  test('silence of more than 15 s: it is ended and started again', () => {
    const bench = new Bench();
    bench.keeper.start();
    bench.thread.pong();
    bench.clock.turn(15_000);
    expect(bench.thread.killed).toBe(false);
    bench.clock.turn(500);
    expect(bench.threads[0]?.killed).toBe(true);
    bench.clock.turn(500);
    expect(bench.threads).toHaveLength(2);
    expect(bench.problems).toEqual(['WP_DNS_THREAD', 'WP_DNS_THREAD']);
  });
});

describe('changes of the cluster', () => {
  test('[DNS-116] nothing is told before all was read', () => {
    const bench = new Bench();
    bench.keeper.start();
    const read = snapshotOf([web], [webSlice], shop);
    const partly: readonly Snapshot[] = [
      { ...read, listed: false },
      { ...read, namespaces: null },
    ];
    for (const snapshot of partly) bench.keeper.update(snapshot, dirty('shop/web'));
    expect(bench.thread.changes).toEqual([]);
    bench.keeper.update(read, dirty());
    expect(bench.thread.changes.at(-1)?.synced).toBe(true);
  });

  test('[DNS-118] those that come while two are under way are sent as one', () => {
    const bench = new Bench();
    bench.quick = false;
    const { keeper } = bench;
    keeper.start();
    keeper.update(snapshotOf([web], [], shop), dirty('shop/web'));
    const second = snapshotOf([web, service('two')], [], shop);
    keeper.update(second, dirty('shop/two'));
    expect(bench.thread.changes.map(names)).toEqual([['web'], ['two']]);
    keeper.update(snapshotOf([web, service('two'), service('three')], [], shop), dirty('shop/three'));
    keeper.update(snapshotOf([web, service('three'), service('four')], [], shop), dirty('shop/two', 'shop/four'));
    expect(bench.thread.changes).toHaveLength(2);
    bench.thread.say({ kind: 'applied' });
    expect(names(bench.thread.changes[2]).toSorted()).toEqual(['four', 'three']);
    expect(bench.thread.changes[2]?.removedServices).toEqual(['shop/two']);
    bench.thread.say({ kind: 'applied' });
    bench.thread.say({ kind: 'applied' });
    expect(bench.thread.changes).toHaveLength(3);
  });

  test('a thread that has to be told anew is told of everything', () => {
    const bench = new Bench();
    bench.keeper.start();
    bench.keeper.update(snapshotOf([web], [webSlice], shop), dirty('shop/web'));
    bench.thread.say({ kind: 'settled', resync: false });
    expect(bench.thread.changes).toHaveLength(1);
    bench.thread.say({ kind: 'settled', resync: true });
    expect(bench.thread.changes.map(names)).toEqual([['web'], ['web']]);
    expect(bench.thread.changes[1]?.synced).toBe(true);
  });

  test('[DNS-126] settings that need more of the cluster have it told again, others do not', () => {
    const bench = new Bench();
    bench.keeper.start();
    bench.keeper.update(snapshotOf([web], [webSlice], shop), dirty('shop/web'));
    bench.keeper.settle({ ...settings, blocks: settings.blocks.map((block) => ({ ...block, shuffle: true })) }, facts);
    bench.thread.say({ kind: 'settled', resync: false });
    expect(bench.thread.kinds).toEqual(['change', 'settings']);
    const kubernetes = { ...stockKubernetes([usualClusterDomain]), zonal: true };
    bench.keeper.settle({ ...settings, blocks: settings.blocks.map((block) => ({ ...block, kubernetes })) }, facts);
    bench.thread.say({ kind: 'settled', resync: true });
    expect(bench.thread.kinds).toEqual(['change', 'settings', 'settings', 'change']);
  });

  test('[DNS-126] nothing is told between settings and the word that they hold: it would be of neither zone', () => {
    const bench = new Bench();
    bench.quick = false;
    const { keeper } = bench;
    keeper.start();
    keeper.update(snapshotOf([web], [], shop), dirty('shop/web'));
    bench.thread.say({ kind: 'applied' });
    for (const ttl of [60, 90]) {
      const kubernetes = { ...stockKubernetes([usualClusterDomain]), ttl };
      keeper.settle({ ...settings, blocks: settings.blocks.map((block) => ({ ...block, kubernetes })) }, facts);
    }
    keeper.update(snapshotOf([web, service('two')], [], shop), dirty('shop/two'));
    bench.thread.say({ kind: 'settled', resync: true });
    expect(bench.thread.kinds).toEqual(['change', 'settings', 'settings']);
    bench.thread.say({ kind: 'settled', resync: true });
    expect(bench.thread.kinds).toEqual(['change', 'settings', 'settings', 'change']);
    expect(names(bench.thread.changes[1])).toEqual(['web', 'two']);
  });

  test('[DNS-126] what went while the thread was told anew is told to be gone: its zone may have gone on', () => {
    const bench = new Bench();
    bench.quick = false;
    const { keeper } = bench;
    keeper.start();
    const pods = [pod('old')];
    keeper.update(snapshotOf([web, service('two')], [], { ...shop, pods }), dirty('shop/web', 'shop/two'));
    bench.thread.say({ kind: 'applied' });
    const autopath = { zones: [], search: [] };
    keeper.settle({ ...settings, blocks: settings.blocks.map((block) => ({ ...block, autopath })) }, facts);
    keeper.update(snapshotOf([web]), {
      ...dirty('shop/two'),
      namespaces: new Set(['shop']),
      pods: new Set(['shop/old'] as never[]),
    });
    bench.thread.say({ kind: 'settled', resync: false });
    expect(bench.thread.changes[1]).toMatchObject({
      removedServices: ['shop/two'],
      removedNamespaces: ['shop'],
      removedPods: ['shop/old'],
      services: [{ name: 'web' }],
      synced: true,
    });
  });
});

describe('a resolver', () => {
  test('is ready when all of its threads are, and says what any of them has to say', async () => {
    const bench = new Bench();
    const resolver = new Resolver(bench.options);
    resolver.start();
    const [one, two] = bench.threads;
    one?.say({ kind: 'listening', open: [point], descriptors: [] });
    one?.pong();
    expect(resolver.state).toEqual({ synced: false, listening: false, alive: false, looped: false });
    two?.say({ kind: 'listening', open: [point], descriptors: [] });
    two?.pong({ looped: true });
    expect(resolver.state).toEqual({ synced: true, listening: true, alive: true, looped: true });
    two?.say({ kind: 'listening', open: [], descriptors: [] });
    expect(resolver.state.listening).toBe(false);
    one?.say({ kind: 'log', lines: ['a', 'b'] });
    one?.say({ kind: 'problem', problem: { code: 'WP_DNS_BIND', message: '' } });
    expect([bench.lines, bench.problems]).toEqual([['a', 'b'], ['WP_DNS_BIND']]);
    const other = { ...point, port: 5454 };
    resolver.listen([other]);
    expect(bench.threads.map((thread) => thread.posted.at(-1))).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 'listen', listen: [other] })),
    );
    const closed = resolver.close();
    for (const thread of bench.threads) {
      expect(thread.kinds.at(-1)).toBe('stop');
      thread.handlers.ended(null);
    }
    await closed;
    bench.clock.turn(60_000);
    expect(bench.threads).toHaveLength(2);
  });

  test('[DNS-125] a loop that one thread finds is told to all of them, once for each configuration', () => {
    const bench = new Bench();
    const resolver = new Resolver(bench.options);
    resolver.start();
    const [one, two] = bench.threads;
    const told = (): readonly number[] => bench.threads.map(({ kinds }) => kinds.filter((kind) => kind === 'looped').length);
    one?.pong();
    expect(told()).toEqual([0, 0]);
    two?.pong({ looped: true });
    one?.pong({ looped: true });
    expect(told()).toEqual([1, 1]);
    resolver.settle(settings, facts);
    two?.pong();
    two?.pong({ looped: true });
    expect(told()).toEqual([2, 2]);
  });

  test('ends threads that do not end themselves', async () => {
    const bench = new Bench();
    const resolver = new Resolver(bench.options);
    resolver.start();
    const closed = resolver.close();
    bench.clock.turn(2000);
    await closed;
    expect(bench.threads.map(({ killed }) => killed)).toEqual([true, true]);
  });
});
