import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileAcl } from './acl.ts';
import { createRateLimiter } from './acl-rate-limit.ts';
import { createBlockCache } from './block-cache.ts';
import type { CountedCache } from './block-cache.ts';
import { makeCacheSettings, makeRandom } from './cache.fixture.ts';
import { rcode } from './constants.ts';
import { name, settle } from './forward.fixture.ts';
import type { ForwardResult } from './forward-contract.ts';
import { countOfStage } from './lane-counts.ts';
import { parseMessage } from './parse-message.ts';
import { formatRecord } from './presentation.ts';
import { compileRewrite } from './rewrite.ts';
import { Server } from './server.ts';
import { Client, codeOf, peerOf, queryOf } from './server-client.fixture.ts';
import {
  answered,
  FakeForwarder,
  forwardTo,
  makeHosts,
  makeParts,
  makeServer,
  record,
  soaOf,
  web,
  zoneOf,
} from './server.fixture.ts';
import type { BlockCache, BlockParts } from './server-parts.ts';
import type { CacheSettings } from './settings.ts';
import type { Zone } from './zone-contract.ts';
import {
  anyChange,
  makeChange,
  makeService,
  makeSettings,
  plainOptions,
  someNames,
  toAddress,
  worldTypes,
} from './zone.fixture.ts';
import { createZone } from './zone.ts';

const webName = 'web.shop.svc.cluster.local.';

function rethrow(error: unknown): never {
  throw error;
}

/** A reply as lines: its code, then its records. */
function show(bytes: Uint8Array | null | undefined): readonly string[] {
  const message = parseMessage(bytes ?? new Uint8Array());
  if (message === null) return ['nothing'];
  return [`${codeOf(bytes)}`, ...[...message.answer, ...message.authority].map(formatRecord)];
}

/** A zone that counts how often it is asked. */
function counting(zone: Zone): Zone & { asked: number } {
  return {
    ...zone,
    asked: 0,
    lookup(...question) {
      this.asked += 1;
      return zone.lookup(...question);
    },
  };
}

interface Bench {
  readonly client: Client;
  readonly cache: CountedCache;
  readonly forwarder: FakeForwarder;
  /** How often the stages looked into the cache. */
  finds: number;
  /** Milliseconds. */
  now: number;
  /** The reply, which may have come later. */
  ask(text: string, over?: Parameters<typeof queryOf>[2], type?: number): Promise<Uint8Array>;
}

/** A server with a cache, whose upstream gives every name an address for 60 s. */
function makeBench(settings: Partial<CacheSettings> = {}, over: Partial<BlockParts> = {}): Bench {
  const forwarder = new FakeForwarder(({ name: asked }) =>
    answered([], { answer: [{ ...record('x. 60 IN A 192.0.2.1'), name: asked }] }),
  );
  const bench = { finds: 0, now: 1_000_000, forwarder };
  const cache = createBlockCache(makeCacheSettings(settings), () => bench.now, makeRandom());
  const counted: BlockCache = {
    ...cache,
    find: (request) => {
      bench.finds += 1;
      return cache.find(request);
    },
  };
  const client = new Client(makeServer(makeParts({ cache: counted, forward: [forwardTo(forwarder)], ...over })));
  const ask: Bench['ask'] = async (text, more, type = 1) => {
    const reply = client.datagram(queryOf(text, type, more));
    await settle();
    return reply ?? client.sent.pop() ?? new Uint8Array();
  };
  return Object.assign(bench, { cache, client, ask });
}

const addressLine = (ttl: number, owner = 'a.test.'): readonly string[] => ['0', `${owner} ${ttl} IN A 192.0.2.1`];

describe('answers of our own zone', () => {
  /** Compares two servers of one zone after each of some changes: one keeps its answers, the other never had any. */
  test('[DNS-118] never differ from what would be worked out anew', () => {
    let compared = 0;
    const walk = fc.tuple(someNames, fc.array(anyChange, { minLength: 2, maxLength: 6 }));
    fc.assert(
      fc.property(walk, ([names, changes]) => {
        const own = createZone(makeSettings({ pods: 'verified', fallthrough: [name('in-addr.arpa.')] }), plainOptions);
        own.apply(makeChange());
        const parts: BlockParts = makeParts({ zone: own, hosts: makeHosts('10.0.0.7 one.shop.svc.cluster.local') });
        const keeper = new Client(
          new Server({ blocks: [parts], tableSize: 2048, now: () => 0, random: () => 0, panic: rethrow }),
        );
        const questions = names.flatMap((asked) => worldTypes.map((type) => queryOf({ name: asked }, type)));
        const different: unknown[] = [];
        for (const change of changes) {
          own.apply(change);
          const fresh = new Client(makeServer(parts));
          for (const message of questions) {
            const [kept, anew] = [keeper.datagram(message), fresh.message(message)[0]];
            compared += 1;
            if (kept === null || anew === undefined || Buffer.compare(kept, anew) !== 0) different.push([message, kept, anew]);
          }
        }
        expect(different).toEqual([]);
      }),
      { numRuns: 30 },
    );
    expect(compared).toBeGreaterThan(10_000);
  });

  test('[DNS-111] end when the hosts table changes, for names of ours that are listed from then on', () => {
    const hosts = makeHosts();
    const client = new Client(makeServer(makeParts({ hosts, zone: zoneOf([web]) })));
    const address = (): string =>
      Buffer.from(parseMessage(client.datagram(queryOf(webName)) ?? new Uint8Array())?.answer[0]?.data ?? []).join('.');
    expect([address(), address()]).toEqual(['10.96.0.80', '10.96.0.80']);
    hosts.load('10.0.0.9 web.shop.svc.cluster.local');
    expect([address(), address()]).toEqual(['10.0.0.9', '10.0.0.9']);
    hosts.load(null);
    expect(address()).toBe('10.96.0.80');
  });

  test.each(['late.shop.svc.cluster.local.', `www.${'a-long-name.'.repeat(5)}example.com.shop.svc.cluster.local.`])(
    '[DNS-118] a denial is worked out once, for every spelling, until the next change: %s',
    (missing) => {
      const zone = counting(zoneOf([web]));
      const client = new Client(makeServer(makeParts({ zone })));
      const replies = [missing, missing.toUpperCase(), missing].map((text) => show(client.datagram(queryOf(text))));
      expect(replies[0]).toEqual(['3', expect.stringMatching(/^cluster\.local\. 30 IN SOA .* \d+ 7200 1800 86400 30$/)]);
      expect(new Set(replies.map((lines) => lines.join('\n').toLowerCase()))).toHaveProperty('size', 1);
      expect(zone.asked).toBe(1);
      zone.apply(makeChange({ services: [makeService('shop/other', { clusterIps: [toAddress('10.96.0.7')] })] }));
      // Another serial number: nothing of before the change is served.
      expect(show(client.datagram(queryOf(missing)))).not.toEqual(replies[0]);
      expect(zone.asked).toBe(2);
    },
  );

  test('[DNS-118] a denial gives way at once to the Service that takes its name', () => {
    const zone = counting(zoneOf([web]));
    const client = new Client(makeServer(makeParts({ zone })));
    const missing = queryOf('late.shop.svc.cluster.local.');
    expect([client.datagram(missing), client.datagram(missing)].map(codeOf)).toEqual([rcode.NXDOMAIN, rcode.NXDOMAIN]);
    zone.apply(makeChange({ services: [makeService('shop/late', { clusterIps: [toAddress('10.96.0.9')] })] }));
    expect(show(client.datagram(missing))).toEqual(['0', 'late.shop.svc.cluster.local. 30 IN A 10.96.0.9']);
    zone.apply(makeChange({ removedServices: ['shop/late'] }));
    expect(codeOf(client.datagram(missing))).toBe(rcode.NXDOMAIN);
  });
});

describe('answers out of the cache', () => {
  test('[DNS-102] pass no stage from the third on, count down each second, and end with their time', async () => {
    const bench = makeBench();
    for (const text of ['a.test.', 'A.Test.', 'a.TEST.', 'a.test.'])
      expect(show(await bench.ask(text))).toEqual(addressLine(60, text));
    expect(bench.finds).toBe(2);
    for (const [after, ttl] of [
      [999, 60],
      [1, 59],
      [57_000, 2],
      [1000, 1],
      [999, 1],
    ] as const) {
      bench.now += after;
      expect(show(await bench.ask('a.test.'))).toEqual(addressLine(ttl));
    }
    expect([bench.finds, bench.forwarder.asked.length]).toEqual([2, 1]);
    bench.now += 1;
    expect(show(await bench.ask('a.test.'))).toEqual(addressLine(60));
    expect([bench.finds, bench.forwarder.asked.length]).toEqual([3, 2]);
  });

  test('[DNS-119] count as what they are', async () => {
    const bench = makeBench();
    for (let round = 0; round < 10; round += 1) await bench.ask('a.test.');
    expect(bench.cache.counts).toMatchObject({ hits: { success: 9 }, misses: 1 });
    const [lane] = bench.client.lanes;
    expect(lane === undefined ? [] : (['forward', 'cache'] as const).map((stage) => countOfStage(lane.counts, stage))).toEqual([
      1, 9,
    ]);
  });

  /** Compares a server that keeps its answers with one that has none, before the same cache. */
  test('[DNS-102][DNS-106] never differ from what the stages would say: bits, sizes, spellings, times', async () => {
    const upstreamSays: readonly ForwardResult[] = [
      answered(['a.test. 60 IN A 192.0.2.1'], { authenticData: true }),
      answered(['a.test. 9 IN CNAME b.test.', 'b.test. 300 IN A 192.0.2.2']),
      answered(Array.from({ length: 40 }, (_, index) => `a.test. 5 IN A 192.0.2.${index}`)),
      answered(
        Array.from({ length: 9 }, (_, index) => `${'bcdefghij'[index]}. 7 IN TXT ""`),
        { authority: [soaOf('test.')] },
      ),
      answered([], { rcode: 3, authority: [soaOf('test.', 20)], authenticData: true }),
      answered([], { authority: [soaOf('test.', 4)] }),
      { kind: 'failed', reason: 'x' },
    ];
    const asker = fc.record({
      text: fc.constantFrom('a.test.', 'A.tEst.'),
      type: fc.constantFrom(1, 16),
      dnssecOk: fc.boolean(),
      checkingDisabled: fc.boolean(),
      authentic: fc.boolean(),
      withOpt: fc.boolean(),
      udpSize: fc.constantFrom(512, 1232),
      after: fc.constantFrom(0, 0, 1, 999, 1000, 5000),
    });
    let compared = 0;
    const walk = fc.array(asker, { minLength: 10, maxLength: 30 });
    const property = fc.asyncProperty(fc.constantFrom(...upstreamSays), walk, async (said, askers) => {
      let now = 0;
      const cache = createBlockCache(makeCacheSettings(), () => now, makeRandom());
      const parts = makeParts({ cache, forward: [forwardTo(new FakeForwarder(() => said))] });
      const keeper = new Client(makeServer(parts));
      for (const { text, type, authentic, withOpt, after, ...over } of askers) {
        now += after;
        const message = withOpt ? queryOf(text, type, over) : queryOf(text, type, { ...over, dnssecOk: false }).slice(0, -11);
        if (!withOpt) message[11] = 0;
        message[3] = (message[3] ?? 0) | (authentic ? 0x20 : 0);
        const reply = keeper.datagram(message);
        await settle();
        if (reply === null) continue;
        compared += 1;
        expect(show(reply)).toEqual(show(new Client(makeServer(parts)).datagram(message)));
        expect(reply).toEqual(new Client(makeServer(parts)).datagram(message));
      }
    });
    await fc.assert(property, { numRuns: 100 });
    expect(compared).toBeGreaterThan(500);
  });

  test('are of no more use than the entry of the cache: pushed out, they are asked for again', async () => {
    const bench = makeBench({ success: { capacity: 1, ttlCap: 3600, ttlFloor: 0 } });
    for (let round = 0; round < 3; round += 1) await bench.ask('a.test.');
    await bench.ask('b.test.');
    expect(bench.forwarder.names).toEqual(['a.test.', 'b.test.']);
    await bench.ask('a.test.');
    expect(bench.forwarder.names).toEqual(['a.test.', 'b.test.', 'a.test.']);
  });

  test('near their end they are asked for anew once, where that is configured', async () => {
    const bench = makeBench({ prefetch: { amount: 5, intervalMs: 60_000, percentage: 10 } });
    for (let round = 0; round < 5; round += 1) await bench.ask('a.test.');
    expect(bench.finds).toBe(2);
    bench.now += 54_000;
    bench.forwarder.answer = () => answered(['a.test. 60 IN A 192.0.2.9']);
    expect(show(await bench.ask('a.test.'))).toEqual(addressLine(6));
    for (let round = 0; round < 3; round += 1)
      expect(show(await bench.ask('a.test.'))).toEqual(['0', 'a.test. 60 IN A 192.0.2.9']);
    expect(bench.forwarder.asked).toHaveLength(2);
  });

  test('past their end are what the cache makes of them', async () => {
    const bench = makeBench({ serveStale: { forMs: 3_600_000, mode: 'immediate' }, servfailMs: 0 });
    for (let round = 0; round < 3; round += 1) await bench.ask('a.test.');
    bench.now += 60_000;
    bench.forwarder.answer = () => ({ kind: 'failed', reason: 'x' });
    for (let round = 0; round < 3; round += 1) expect(show(await bench.ask('a.test.'))).toEqual(addressLine(30));
    expect(bench.forwarder.asked).toHaveLength(4);
    bench.now += 3_600_000;
    expect(show(await bench.ask('a.test.'))).toEqual(['2']);
  });

  test('behind a rewritten name count down too', async () => {
    const rewrite = compileRewrite([
      { matches: { kind: 'name', how: 'exact', from: 'far.test.', to: 'a.test.', answers: 'auto' }, after: 'stop' },
    ]);
    const bench = makeBench({}, { rewrite });
    const seen: string[] = [];
    for (const after of [0, 0, 10_000, 10_000, 39_999, 1]) {
      bench.now += after;
      seen.push(show(await bench.ask('far.test.')).join(' '));
    }
    expect(seen).toEqual([60, 60, 50, 40, 1, 60].map((ttl) => addressLine(ttl, 'far.test.').join(' ')));
  });

  test('[DNS-129] access rules, the limit of replies and the log hold for them', async () => {
    const acl = compileAcl([
      { zones: [], action: 'drop', types: [], sources: [{ family: 'IPv4', address: toAddress('192.0.2.0'), length: 24 }] },
    ]);
    const bench = makeBench({}, { acl });
    for (let round = 0; round < 3; round += 1) await bench.ask('a.test.');
    expect(bench.client.datagram(queryOf('a.test.'), peerOf('192.0.2.1'))).toBe(null);
    expect(codeOf(bench.client.datagram(queryOf('a.test.')))).toBe(0);
    const limited = makeBench({}, { rateLimit: createRateLimiter({ perSecond: 3, seed: 1 }) });
    for (let round = 0; round < 3; round += 1) await limited.ask('a.test.');
    expect(parseMessage((await limited.ask('a.test.')) ?? new Uint8Array())?.truncated).toBe(true);
    const parts = makeParts({ cache: bench.cache });
    const logged = makeServer(parts);
    const client = new Client(logged);
    let lines = 0;
    client.datagram(queryOf('a.test.'));
    logged.switchLog(() => {
      lines += 1;
    });
    for (let round = 0; round < 3; round += 1) client.datagram(queryOf('a.test.'));
    expect(lines).toBe(3);
  });
});

describe('our own names in the cache', () => {
  const own = { success: { capacity: 10, ttlCap: 20, ttlFloor: 15 }, denial: { capacity: 10, ttlCap: 20, ttlFloor: 15 } };
  const moved = makeChange({ services: [makeService('shop/web', { clusterIps: [toAddress('10.96.0.81')] })] });

  test.each([{}, { keepTtl: true }, { serveStale: { forMs: 3_600_000, mode: 'immediate' } } as const])(
    '[DNS-109] count down, and a change shows at once: %j',
    async (settings) => {
      const zone = counting(zoneOf([web]));
      const bench = makeBench({ ...own, ...settings }, { zone });
      const ask = async (): Promise<string> => show(await bench.ask(webName))[1] ?? '';
      for (let round = 0; round < 4; round += 1) expect(await ask()).toBe(`${webName} 20 IN A 10.96.0.80`);
      expect([bench.finds, zone.asked]).toEqual([2, 1]);
      bench.now += 7000;
      expect(await ask()).toBe(`${webName} ${settings.keepTtl === true ? 20 : 13} IN A 10.96.0.80`);
      zone.apply(moved);
      expect(await ask()).toBe(`${webName} 20 IN A 10.96.0.81`);
      bench.now += 20_000;
      // What is right is at hand: nothing stale is served, and nothing lives longer than its TTL for want of it.
      expect(await ask()).toBe(`${webName} 20 IN A 10.96.0.81`);
      zone.apply(makeChange({ removedServices: ['shop/web'] }));
      expect(show(await bench.ask(webName))[0]).toBe('3');
      zone.apply(moved);
      expect(await ask()).toBe(`${webName} 20 IN A 10.96.0.81`);
      expect(bench.forwarder.asked).toEqual([]);
    },
  );
});
