import { describe, expect, test } from 'vitest';
import { compileAcl } from './acl.ts';
import { createRateLimiter } from './acl-rate-limit.ts';
import { createBlockCache } from './block-cache.ts';
import { makeCacheSettings, makeRandom } from './cache.fixture.ts';
import { rcode } from './constants.ts';
import { name, settle } from './forward.fixture.ts';
import type { ForwardResult } from './forward-contract.ts';
import type { Name } from './name.ts';
import { parseMessage } from './parse-message.ts';
import type { LogEntry } from './query-log.ts';
import { compileRewrite } from './rewrite.ts';
import { Server } from './server.ts';
import { Client, codeOf, peerOf, queryOf } from './server-client.fixture.ts';
import { answered, FakeForwarder, forwardTo, makeHosts, makeParts, makeServer, record } from './server.fixture.ts';
import { makeChange, makeService, makeSettings, plainOptions, toAddress } from './zone.fixture.ts';
import { createZone } from './zone.ts';

const zone = createZone(makeSettings(), plainOptions);
zone.apply(
  makeChange({
    namespaces: [{ name: 'shop', labels: {} }],
    services: [makeService('shop/web', { clusterIps: [toAddress('10.96.0.80')] })],
  }),
);
const web = 'web.shop.svc.cluster.local.';

describe('access', () => {
  const sources = [{ family: 'IPv4', address: toAddress('10.0.0.0'), length: 8 } as const];
  const rule = (action: 'allow' | 'block' | 'filter' | 'drop') =>
    compileAcl([
      { zones: [], action: 'allow', types: [], sources },
      { zones: [], action, types: [], sources: [] },
    ]);
  const stranger = peerOf('192.0.2.1');

  test.each([
    ['block', rcode.REFUSED],
    ['filter', rcode.NOERROR],
    ['drop', null],
  ] as const)('[DNS-129] %s, before any work, for what is kept too', (action, expected) => {
    const forwarder = new FakeForwarder();
    const client = new Client(makeServer(makeParts({ acl: rule(action), zone, forward: [forwardTo(forwarder)] })));
    for (let round = 0; round < 2; round += 1) {
      expect(parseMessage(client.datagram(queryOf(web)) ?? new Uint8Array())?.answer).toHaveLength(1);
      for (const asked of [web, 'example.com.']) {
        const reply = client.datagram(queryOf(asked), stranger);
        expect(codeOf(reply)).toBe(expected);
        expect(reply === null ? 0 : parseMessage(reply)?.answer.length).toBe(0);
        // A place on the connection is given back even where nothing is said.
        const [streamed] = client.message(queryOf(asked), stranger);
        expect(streamed?.length === 0 ? null : codeOf(streamed)).toBe(expected);
      }
    }
    expect(forwarder.asked).toEqual([]);
  });

  test('[DNS-129] no other replies than those: malformed, of another class, to come later', () => {
    const client = new Client(makeServer(makeParts({ acl: rule('drop'), zone, forward: [forwardTo(new FakeForwarder())] })));
    const other = queryOf(web);
    other[12 + name(web).length + 3] = 3;
    expect(client.datagram(other, stranger)).toBe(null);
  });

  /** A question whose name is cut off, and one for a name that no block has. */
  const nameless = queryOf(web).slice(0, 20);
  const nobodys = queryOf('example.com.', 0);

  test.each([
    ['block', rcode.REFUSED],
    ['filter', rcode.REFUSED],
    ['drop', null],
  ] as const)('[DNS-129] %s for what belongs to no block: its name cannot be read, or is nobody’s', (action, expected) => {
    const zones = [name('cluster.local.')];
    const client = new Client(
      makeServer(makeParts({ acl: rule(action), zones }), makeParts({ acl: rule(action), zones: [name('b.')] })),
    );
    for (const message of [nameless, nobodys]) {
      expect(codeOf(client.datagram(message))).toBe(rcode.FORMERR);
      expect(codeOf(client.datagram(message, stranger))).toBe(expected);
      const [streamed] = client.message(message, stranger);
      expect(streamed?.length === 0 ? null : codeOf(streamed)).toBe(expected);
    }
  });

  test('[DNS-129] what belongs to no block is told what is wrong with it where one block listens to its sender', () => {
    const onlyNames = compileAcl([{ zones: [name('secret.')], action: 'block', types: [], sources: [] }]);
    for (const acl of [null, onlyNames]) {
      const client = new Client(
        makeServer(makeParts({ acl: rule('drop'), zones: [name('a.')] }), makeParts({ acl, zones: [name('b.')] })),
      );
      expect([nameless, nobodys].map((message) => codeOf(client.datagram(message, stranger)))).toEqual([1, 1]);
    }
  });

  test('each block has rules of its own', () => {
    const client = new Client(
      makeServer(
        makeParts({ zone }),
        makeParts({ zones: [name('closed.')], acl: rule('block'), hosts: makeHosts('10.0.0.1 a.closed') }),
      ),
    );
    expect(codeOf(client.datagram(queryOf('a.closed.'), stranger))).toBe(rcode.REFUSED);
    expect(codeOf(client.datagram(queryOf(web), stranger))).toBe(rcode.NOERROR);
  });
});

describe('the rate of replies', () => {
  test('[DNS-129] beyond it a client is told to come over TCP, or nothing; others and TCP do not notice', () => {
    const rateLimit = createRateLimiter({ perSecond: 3, seed: 1 });
    const client = new Client(makeServer(makeParts({ zone, rateLimit })));
    const replies = Array.from({ length: 7 }, () => client.datagram(queryOf(web)));
    const kinds = replies.map((reply) =>
      reply === null ? 'nothing' : parseMessage(reply)?.truncated === true ? 'cut' : 'answer',
    );
    expect(kinds).toEqual(['answer', 'answer', 'answer', 'cut', 'nothing', 'cut', 'nothing']);
    const cut = parseMessage(replies[3] ?? new Uint8Array());
    expect(cut).toMatchObject({ id: 77, truncated: true, answer: [], edns: { udpSize: 1232 } });
    expect(parseMessage(client.datagram(queryOf(web), peerOf('10.0.0.2')) ?? new Uint8Array())?.answer).toHaveLength(1);
    for (let round = 0; round < 7; round += 1) expect(codeOf(client.message(queryOf(web))[0])).toBe(0);
  });
});

describe('replies that come later', () => {
  test('[DNS-102] carry id, spelling, size and flags of their own question, whatever was asked meanwhile', async () => {
    const results = new Map<Name, PromiseWithResolvers<ForwardResult>>();
    const forwarder = new FakeForwarder(({ name: asked }) => {
      const result = Promise.withResolvers<ForwardResult>();
      results.set(asked, result);
      return result.promise;
    });
    const client = new Client(makeServer(makeParts({ zone, forward: [forwardTo(forwarder)] })));
    expect(client.datagram(queryOf('One.test.', 1, { id: 1, dnssecOk: true }))).toBe(null);
    const streamed = client.message(queryOf('Two.test.', 28, { id: 2, checkingDisabled: true }));
    expect(client.datagram(queryOf(web, 1, { id: 3 }))).not.toBe(null);
    for (const [asked, result] of results)
      result.resolve(answered([], { authenticData: true, answer: [{ ...record('x. 60 IN A 192.0.2.1'), name: asked }] }));
    await settle();
    expect(client.sent.map((bytes) => parseMessage(bytes))).toMatchObject([
      {
        id: 1,
        questions: [{ name: name('One.test.') }],
        answer: [{ name: name('One.test.') }],
        authenticData: true,
        edns: { dnssecOk: true },
      },
    ]);
    expect(streamed.map((bytes) => parseMessage(bytes))).toMatchObject([
      { id: 2, questions: [{ name: name('Two.test.'), type: 28 }], checkingDisabled: true, authenticData: false },
    ]);
  });

  test('[DNS-101] AD of an upstream is shown to those who set AD or DO', async () => {
    const forwarder = new FakeForwarder(() => answered(['a.test. 60 IN A 192.0.2.1'], { authenticData: true }));
    const client = new Client(makeServer(makeParts({ zone, forward: [forwardTo(forwarder)] })));
    const withAd = queryOf('a.test.');
    withAd[3] = 0x20;
    for (const message of [queryOf('a.test.'), withAd, queryOf('a.test.', 1, { dnssecOk: true })]) client.datagram(message);
    await settle();
    expect(client.sent.map((bytes) => parseMessage(bytes)?.authenticData)).toEqual([false, true, true]);
    const own = queryOf(web);
    own[3] = 0x20;
    expect(parseMessage(client.datagram(own) ?? new Uint8Array())?.authenticData).toBe(false);
  });

  test('[DNS-76][DNS-102] each asker sees the spelling that it used, whoever was the first to ask', async () => {
    const forwarder = new FakeForwarder(({ name: asked }) =>
      answered([], { answer: [{ ...record('x. 60 IN A 192.0.2.1'), name: asked }] }),
    );
    const cache = createBlockCache(makeCacheSettings(), () => 0, makeRandom());
    const rewrite = compileRewrite([
      { matches: { kind: 'name', how: 'exact', from: 'old.test.', to: web, answers: 'auto' }, after: 'stop' },
      { matches: { kind: 'name', how: 'exact', from: 'far.test.', to: 'new.test.', answers: 'auto' }, after: 'stop' },
    ]);
    const client = new Client(makeServer(makeParts({ cache, rewrite, zone, forward: [forwardTo(forwarder)] })));
    for (const [first, second] of [
      ['One.test.', 'oNE.tEST.'],
      ['Old.test.', 'oLD.tEST.'],
      ['Far.test.', 'fAR.tEST.'],
      ['Web.shop.svc.cluster.local.', 'WEB.shop.svc.CLUSTER.local.'],
    ] as const)
      for (const text of [first, second]) {
        client.sent.length = 0;
        const reply = client.datagram(queryOf(text));
        await settle();
        const message = parseMessage(reply ?? client.sent[0] ?? new Uint8Array());
        expect(message?.answer.map((one) => one.name)).toEqual([name(text)]);
      }
  });

  test('[DNS-106] OPT is a matter of each question, whoever was the first to ask', async () => {
    for (const first of [true, false]) {
      const forwarder = new FakeForwarder(() => answered(['a.test. 60 IN A 192.0.2.1']));
      const cache = createBlockCache(makeCacheSettings(), () => 0, makeRandom());
      const client = new Client(makeServer(makeParts({ cache, forward: [forwardTo(forwarder)] })));
      const plain = queryOf('a.test.').slice(0, -11);
      plain[11] = 0;
      const messages = [queryOf('a.test.'), plain];
      client.datagram(messages[first ? 0 : 1] ?? plain);
      await settle();
      const replies = [...client.sent, ...messages.map((message) => client.datagram(message) ?? new Uint8Array())];
      expect(replies.map((bytes) => parseMessage(bytes)?.edns !== null)).toEqual([first, true, false]);
      expect(forwarder.asked).toHaveLength(1);
    }
  });

  test('[DNS-105] an answer out of the cache is cut for a small client, and whole for others', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `a.test. 60 IN A 192.0.2.${index}`);
    const forwarder = new FakeForwarder(() => answered(many));
    const cache = createBlockCache(makeCacheSettings(), () => 0, makeRandom());
    const client = new Client(makeServer(makeParts({ cache, forward: [forwardTo(forwarder)] })));
    client.message(queryOf('a.test.'));
    await settle();
    const [small, large] = [512, 1232].map((udpSize) =>
      parseMessage(client.datagram(queryOf('a.test.', 1, { udpSize })) ?? new Uint8Array()),
    );
    expect([small?.truncated, large?.truncated]).toEqual([true, false]);
    expect(small?.answer.length).toBeGreaterThanOrEqual(20);
    expect(large?.answer).toHaveLength(50);
    expect(parseMessage(client.message(queryOf('a.test.', 1, { udpSize: 512 }))[0] ?? new Uint8Array())?.answer).toHaveLength(50);
  });

  test('[DNS-91] an exception is a SERVFAIL for that question alone', async () => {
    const panics: unknown[] = [];
    const parts = makeParts({
      hosts: {
        lease: { live: true },
        lookup(asked) {
          if (asked === name('bad.')) throw new Error('a bug');
          return null;
        },
      },
      zone,
      forward: [{ ...forwardTo(new FakeForwarder()), forwarder: { ask: () => Promise.reject(new Error('later')), close() {} } }],
    });
    const server = new Server({
      blocks: [parts],
      tableSize: 4,
      now: () => 0,
      random: () => 0,
      panic: (error) => panics.push(error),
    });
    const client = new Client(server);
    expect(codeOf(client.datagram(queryOf('bad.')))).toBe(rcode.SERVFAIL);
    client.datagram(queryOf('a.test.'));
    await settle();
    expect(client.sent.map(codeOf)).toEqual([rcode.SERVFAIL]);
    expect(codeOf(client.datagram(queryOf(web)))).toBe(rcode.NOERROR);
    expect(panics).toHaveLength(2);
  });
});

describe('counts and the log', () => {
  const sum = (counts: Float64Array): number => counts.reduce((all, one) => all + one, 0);

  test('[DNS-119] every question is counted once, also those that are kept, refused, dropped or answered later', async () => {
    const forwarder = new FakeForwarder(() => answered(['a.test. 60 IN A 192.0.2.1']));
    const client = new Client(makeServer(makeParts({ zone, forward: [forwardTo(forwarder)] })));
    for (let round = 0; round < 3; round += 1) client.datagram(queryOf(web));
    client.datagram(queryOf('a.test.'));
    client.message(queryOf(web, 252));
    client.datagram(new Uint8Array(3));
    await settle();
    const [own, none] = client.lanes;
    expect([sum(own?.counts.requests ?? new Float64Array()), sum(own?.counts.responses ?? new Float64Array())]).toEqual([5, 5]);
    expect([...(none?.counts.dropped ?? [])]).toEqual([1]);
  });

  test('[DNS-130] an entry for each reply, with the rules of its block, until it is switched off', async () => {
    const rules = [{ zones: [], classes: [] }];
    const server = makeServer(
      makeParts({ log: rules, zone, forward: [forwardTo(new FakeForwarder(() => answered([], { rcode: 2 })))] }),
    );
    const entries: unknown[] = [];
    const keep = ({ query, peer, flags, ...rest }: LogEntry): void => {
      entries.push({ ...rest, id: query.id, type: query.type, port: peer.port, flags });
    };
    const client = new Client(server);
    client.datagram(queryOf(web));
    server.switchLog(keep);
    for (let round = 0; round < 2; round += 1) client.datagram(queryOf(web, 1, { id: round }), peerOf('10.0.0.3', 99));
    client.message(queryOf('a.test.', 28));
    await settle();
    server.switchLog(null);
    client.datagram(queryOf(web));
    const own = {
      rules,
      requestSize: queryOf(web).length,
      rcode: 0,
      stream: false,
      type: 1,
      port: 99,
      flags: 0x8580,
      seconds: 0,
    };
    expect(entries).toMatchObject([
      { ...own, id: 0 },
      { ...own, id: 1 },
      { rules, rcode: 2, stream: true, type: 28 },
    ]);
  });
});
