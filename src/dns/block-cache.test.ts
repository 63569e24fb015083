import { describe, expect, test } from 'vitest';
import { createBlockCache } from './block-cache.ts';
import { makeCacheSettings, makeRandom } from './cache.fixture.ts';
import type { ForwardResult } from './forward-contract.ts';
import { name, settle } from './forward.fixture.ts';
import type { Request } from './resolution.ts';
import type { Server } from './server.ts';
import { answered, ask, FakeForwarder, forwardTo, makeParts, makeRequest, makeServer, record, soaOf } from './server.fixture.ts';
import type { BlockParts } from './server-parts.ts';
import type { CacheSettings } from './settings.ts';
import { makeChange, makeService, makeSettings, plainOptions, toAddress } from './zone.fixture.ts';
import { createZone } from './zone.ts';

interface Bench {
  readonly server: Server;
  readonly forwarder: FakeForwarder;
  /** Milliseconds. */
  now: number;
  ask(question: string, over?: Partial<Request>): Promise<readonly string[]>;
}

/** A block with a cache and an upstream that says of every name that it has an address, in lower case, for `ttl` seconds. */
function makeBench(settings: Partial<CacheSettings> = {}, parts: Partial<BlockParts> = {}, ttl = 60): Bench {
  const forwarder = new FakeForwarder(({ name: asked }) =>
    answered([], { answer: [{ ...record(`x. ${ttl} IN A 192.0.2.1`), name: asked }] }),
  );
  const bench: Bench = {
    server: makeServer(),
    forwarder,
    now: 1_000_000,
    ask: (question, over) => ask(bench.server, question, over),
  };
  const cache = createBlockCache(makeCacheSettings(settings), () => bench.now, makeRandom());
  return Object.assign(bench, { server: makeServer(makeParts({ cache, forward: [forwardTo(forwarder)], ...parts })) });
}

const failed: ForwardResult = { kind: 'failed', reason: 'x' };
const hit = (ttl: number): readonly string[] => ['NOERROR cache', `a.test. ${ttl} IN A 192.0.2.1`];
const miss = (ttl: number): readonly string[] => ['NOERROR forward', `a.test. ${ttl} IN A 192.0.2.1`];

describe('a cache', () => {
  test('[DNS-102] counts down, and asks again at the end', async () => {
    const bench = makeBench();
    expect(await bench.ask('a.test. A')).toEqual(miss(60));
    bench.now += 900;
    expect(await bench.ask('a.test. A')).toEqual(hit(60));
    bench.now += 100;
    expect(await bench.ask('a.test. A')).toEqual(hit(59));
    bench.now += 58_000;
    expect(await bench.ask('a.test. A')).toEqual(hit(1));
    bench.now += 999;
    expect(await bench.ask('a.test. A')).toEqual(hit(1));
    bench.now += 1;
    expect(await bench.ask('a.test. A')).toEqual(miss(60));
    expect(bench.forwarder.asked).toHaveLength(2);
  });

  test('[DNS-102] one entry for all spellings and transports, one each for types and for DO and CD', async () => {
    const bench = makeBench();
    for (const over of [{}, { stream: true }, { source: '10.0.0.1' }]) {
      await bench.ask('a.test. A', over);
      await bench.ask('A.Test. A', over);
    }
    expect(bench.forwarder.asked).toHaveLength(1);
    await bench.ask('a.test. AAAA');
    await bench.ask('a.test. A', { dnssecOk: true });
    await bench.ask('a.test. A', { checkingDisabled: true });
    await bench.ask('a.test. A', { dnssecOk: true, checkingDisabled: true });
    await bench.ask('b.test. A');
    expect(bench.forwarder.asked).toHaveLength(6);
  });

  test('[DNS-103] a denial for the smaller of two numbers, counting down', async () => {
    for (const [ttl, minimum, least] of [
      [300, 60, 60],
      [20, 3600, 20],
    ] as const) {
      const bench = makeBench();
      bench.forwarder.answer = () => answered([], { rcode: 3, authority: [soaOf('test.', ttl, minimum)] });
      await bench.ask('a.test. A');
      bench.now += 5000;
      const [code, soa] = await bench.ask('a.test. A');
      expect([code, soa?.split(' ')[2]]).toEqual(['NXDOMAIN cache', String(least - 5)]);
      bench.now += (least - 5) * 1000;
      expect((await bench.ask('a.test. A'))[0]).toBe('NXDOMAIN forward');
    }
  });

  test('[DNS-103] what has no SOA is not kept, nor are other codes', async () => {
    const bench = makeBench();
    for (const answer of [
      answered([], { rcode: 3 }),
      answered([]),
      answered([], { rcode: 5 }),
      answered(['a.test. 60 IN CNAME b.test.']),
    ]) {
      bench.forwarder.answer = () => answer;
      const before = bench.forwarder.asked.length;
      await bench.ask('a.test. A');
      await bench.ask('a.test. A');
      expect(bench.forwarder.asked).toHaveLength(before + 2);
    }
  });

  test('[DNS-104] a failure for a short time', async () => {
    const bench = makeBench();
    bench.forwarder.answer = () => failed;
    expect(await bench.ask('a.test. A')).toEqual(['SERVFAIL forward']);
    bench.now += 4999;
    expect(await bench.ask('a.test. A')).toEqual(['SERVFAIL cache']);
    bench.forwarder.answer = () => answered(['a.test. 60 IN A 192.0.2.1']);
    bench.now += 1;
    expect(await bench.ask('a.test. A')).toEqual(miss(60));
  });

  test('[DNS-105] a cut answer is not kept', async () => {
    const bench = makeBench();
    bench.forwarder.answer = () => answered(['a.test. 60 IN A 192.0.2.1'], { truncated: true });
    await bench.ask('a.test. A');
    await bench.ask('a.test. A');
    expect(bench.forwarder.asked).toHaveLength(2);
  });

  test('[DNS-107] caps lower a TTL, floors do not raise one, 0 is passed on and not kept', async () => {
    const capped = makeBench({ success: { capacity: 10, ttlCap: 30, ttlFloor: 10 } });
    expect(await capped.ask('a.test. A')).toEqual(miss(30));
    const low = makeBench({ success: { capacity: 10, ttlCap: 30, ttlFloor: 10 } }, {}, 3);
    expect(await low.ask('a.test. A')).toEqual(miss(3));
    low.now += 5000;
    expect(await low.ask('a.test. A')).toEqual(hit(1));
    const none = makeBench({ success: { capacity: 10, ttlCap: 30, ttlFloor: 10 } }, {}, 0);
    expect(await none.ask('a.test. A')).toEqual(miss(0));
    expect(await none.ask('a.test. A')).toEqual(miss(0));
    expect(none.forwarder.asked).toHaveLength(2);
  });

  test('[DNS-107] records of one set have one TTL, the least', async () => {
    const bench = makeBench();
    bench.forwarder.answer = () => answered(['a.test. 60 IN A 192.0.2.1', 'A.test. 20 IN A 192.0.2.2']);
    expect((await bench.ask('a.test. A')).slice(1).map((line) => line.split(' ')[1])).toEqual(['20', '20']);
  });

  test('AD of the upstream is kept with the answer', async () => {
    const bench = makeBench();
    bench.forwarder.answer = () => answered(['a.test. 60 IN A 192.0.2.1'], { authenticData: true });
    await bench.ask('a.test. A');
    expect(await bench.server.resolve(makeRequest('a.test. A'))).toMatchObject({ stage: 'cache', authenticData: true });
  });

  test('[DNS-102] the end of an alias of ours is kept, not the alias', async () => {
    const zone = createZone(makeSettings(), plainOptions);
    const alias = makeService('shop/out', { kind: 'external', externalName: 'a.test' });
    zone.apply(makeChange({ namespaces: [{ name: 'shop', labels: {} }], services: [alias] }));
    const own = [name('cluster.local.')];
    const bench = makeBench({ disableSuccess: own, disableDenial: own }, { zone });
    await bench.ask('out.shop.svc.cluster.local. A');
    bench.now += 20_000;
    expect(await bench.ask('out.shop.svc.cluster.local. A')).toEqual([
      'NOERROR aa kubernetes',
      'out.shop.svc.cluster.local. 30 IN CNAME a.test.',
      'a.test. 40 IN A 192.0.2.1',
    ]);
    expect(bench.forwarder.asked).toHaveLength(1);
  });
});

describe('our own names', () => {
  const make = (settings: Partial<CacheSettings>): { readonly bench: Bench; readonly zone: ReturnType<typeof createZone> } => {
    const zone = createZone(makeSettings(), plainOptions);
    const services = [makeService('shop/web', { clusterIps: [toAddress('10.96.0.80')] })];
    zone.apply(makeChange({ namespaces: [{ name: 'shop', labels: {} }], services }));
    return { zone, bench: makeBench(settings, { zone }) };
  };
  const web = 'web.shop.svc.cluster.local.';
  const changed = makeChange({ services: [makeService('shop/web', { clusterIps: [toAddress('10.96.0.81')] })] });

  test('[DNS-109] are not kept as shipped: full TTL, and changes show at once', async () => {
    const own = [name('cluster.local.')];
    const { bench, zone } = make({ disableSuccess: own, disableDenial: own });
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa kubernetes', `${web} 30 IN A 10.96.0.80`]);
    bench.now += 10_000;
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa kubernetes', `${web} 30 IN A 10.96.0.80`]);
    zone.apply(changed);
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa kubernetes', `${web} 30 IN A 10.96.0.81`]);
    zone.apply(makeChange({ removedServices: ['shop/web'] }));
    expect((await bench.ask(`${web} A`))[0]).toBe('NXDOMAIN aa kubernetes');
  });

  test('[DNS-109] count down with their caps where they are kept', async () => {
    const { bench, zone } = make({
      success: { capacity: 10, ttlCap: 20, ttlFloor: 0 },
      denial: { capacity: 10, ttlCap: 5, ttlFloor: 0 },
    });
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa kubernetes', `${web} 20 IN A 10.96.0.80`]);
    bench.now += 7000;
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa cache', `${web} 13 IN A 10.96.0.80`]);
    zone.apply(changed);
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa kubernetes', `${web} 20 IN A 10.96.0.81`]);
    bench.now += 20_000;
    expect(await bench.ask(`${web} A`)).toEqual(['NOERROR aa kubernetes', `${web} 20 IN A 10.96.0.81`]);
    const missing = 'wbe.shop.svc.cluster.local. A';
    expect((await bench.ask(missing))[1]).toMatch(/^authority: cluster\.local\. 5 IN SOA/);
    bench.now += 3000;
    expect(await bench.ask(missing)).toMatchObject({ 0: 'NXDOMAIN aa cache' });
    bench.now += 2000;
    expect(await bench.ask(missing)).toMatchObject({ 0: 'NXDOMAIN aa kubernetes' });
  });
});

describe('an entry near its end', () => {
  test('is asked for anew once, where it is asked for often', async () => {
    const bench = makeBench({ prefetch: { amount: 2, intervalMs: 60_000, percentage: 10 } });
    for (let round = 0; round < 3; round += 1) await bench.ask('a.test. A');
    expect(bench.forwarder.asked).toHaveLength(1);
    bench.now += 55_000;
    expect(await bench.ask('a.test. A')).toEqual(hit(5));
    expect(await bench.ask('a.test. A')).toMatchObject({ 0: 'NOERROR cache' });
    await settle();
    expect(bench.forwarder.asked).toHaveLength(2);
    expect(await bench.ask('a.test. A')).toEqual(hit(60));
  });
});

describe('an entry past its end', () => {
  test('is served at once while a new answer is fetched', async () => {
    const bench = makeBench({ serveStale: { forMs: 3_600_000, mode: 'immediate' } });
    await bench.ask('a.test. A');
    bench.now += 61_000;
    const later = Promise.withResolvers<ForwardResult>();
    bench.forwarder.answer = () => later.promise;
    for (let round = 0; round < 3; round += 1) expect(await bench.ask('a.test. A')).toEqual(hit(30));
    expect(bench.forwarder.asked).toHaveLength(2);
    later.resolve(answered(['a.test. 60 IN A 192.0.2.2']));
    await settle();
    expect(await bench.ask('a.test. A')).toEqual(['NOERROR cache', 'a.test. 60 IN A 192.0.2.2']);
    expect(bench.forwarder.asked).toHaveLength(2);
  });

  test.each(['immediate', 'verify'] as const)(
    '[DNS-97] stays where the upstream fails, and gives way where it denies: %s',
    async (mode) => {
      const bench = makeBench({ serveStale: { forMs: 3_600_000, mode } });
      await bench.ask('a.test. A');
      bench.now += 61_000;
      bench.forwarder.answer = () => failed;
      for (let round = 0; round < 3; round += 1) {
        expect(await bench.ask('a.test. A')).toEqual(hit(30));
        await settle();
      }
      expect(bench.forwarder.asked).toHaveLength(2);
      bench.now += 10_000;
      bench.forwarder.answer = () => answered([], { rcode: 3, authority: [soaOf('test.')] });
      await bench.ask('a.test. A');
      await settle();
      expect((await bench.ask('a.test. A'))[0]).toMatch(/^NXDOMAIN/);
    },
  );

  test('is served only if there is no other answer, where that is asked for', async () => {
    const bench = makeBench({ serveStale: { forMs: 3_600_000, mode: 'verify' } });
    await bench.ask('a.test. A');
    bench.now += 61_000;
    expect(await bench.ask('a.test. A')).toEqual(miss(60));
    bench.now += 61_000;
    bench.forwarder.answer = () => failed;
    expect(await bench.ask('a.test. A')).toEqual(hit(30));
    bench.now += 3_600_000;
    expect(await bench.ask('a.test. A')).toEqual(['SERVFAIL forward']);
  });

  test('is not served as shipped', async () => {
    const bench = makeBench();
    await bench.ask('a.test. A');
    bench.now += 60_000;
    bench.forwarder.answer = () => failed;
    expect(await bench.ask('a.test. A')).toEqual(['SERVFAIL forward']);
  });
});
