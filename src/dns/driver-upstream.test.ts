import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { decode } from 'dns-packet';
import type { Answer } from 'dns-packet';
import type { Clock } from '../model/mod.ts';
import { recordType } from './constants.ts';
import { openUpstreams } from './driver-upstream.ts';
import type { ForwardResult, Forwarder } from './forward-contract.ts';
import { HandClock, flag, makeObserver, makeReply, makeRule, question } from './forward.fixture.ts';
import { createForwarder } from './forward.ts';
import { formatRecord } from './presentation.ts';
import type { ForwardRule, Upstream } from './settings.ts';
import { refusedUpstream, startUpstream } from './upstream.fixture.ts';
import type { Behaviour, RealUpstream } from './upstream.fixture.ts';

/** The machine's own time. */
const realClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

/** Short where a test waits for a lapse; the budget is never what decides. */
const timing = { attemptMs: 60, budgetMs: 15_000, probeMs: 50 };
/** Where a lapse would be a failure of the test. */
const patient = { attemptMs: 10_000, budgetMs: 30_000, probeMs: 10_000 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(behave: Behaviour, options?: Parameters<typeof startUpstream>[1]): Promise<RealUpstream> {
  const server = await startUpstream(behave, options);
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

function open(
  upstreams: readonly Upstream[],
  over: Partial<ForwardRule> = {},
  times = patient,
  clock = realClock,
): Forwarder & { lines: string[] } {
  const rule = makeRule(upstreams, over);
  const { observer, lines } = makeObserver();
  const forwarder = createForwarder(rule, openUpstreams(rule, clock, observer, times));
  cleanups.push(() => forwarder.close());
  return { ...forwarder, lines };
}

/** The answer section in master file form, or what came in its place. */
function texts(result: ForwardResult): readonly string[] {
  return result.kind === 'answered' ? result.answer.map((record) => formatRecord(record)) : [JSON.stringify(result)];
}

const good = ['www.example.com. 60 IN A 192.0.2.1'];
const answer: Behaviour = ({ packet }, reply) => reply.send(makeReply(packet));

describe('records through a real upstream', () => {
  const www = 'www.example.com';
  it.each<readonly [string, Answer, string]>([
    ['A', { type: 'A', name: www, ttl: 7, data: '192.0.2.9' }, 'A 192.0.2.9'],
    ['AAAA', { type: 'AAAA', name: www, ttl: 7, data: '2001:db8::9' }, 'AAAA 2001:db8::9'],
    ['MX', { type: 'MX', name: www, ttl: 7, data: { preference: 5, exchange: 'mx.example.com' } }, 'MX 5 mx.example.com.'],
    ['TXT', { type: 'TXT', name: www, ttl: 7, data: ['one', 'two'] }, 'TXT "one" "two"'],
    [
      'SRV',
      { type: 'SRV', name: www, ttl: 7, data: { priority: 1, weight: 2, port: 3, target: 'a.example.com' } },
      'SRV 1 2 3 a.example.com.',
    ],
    [
      'CAA',
      { type: 'CAA', name: www, ttl: 7, data: { flags: 0, tag: 'issue', value: 'ca.example' } },
      'CAA 0 "issue" "ca.example"',
    ],
  ])('[DNS-93] %s', async (type, record, text) => {
    const server = await start(({ packet }, reply) => reply.send(makeReply(packet, { answers: [record] })));
    const number = recordType[type as keyof typeof recordType];
    const result = await open([server.upstream]).ask(question('www.example.com.', { type: number }));
    expect(texts(result)).toEqual([`www.example.com. 7 IN ${text}`]);
  });

  it.each([recordType.HTTPS, 65_280, 1234])('[DNS-93] type %i, octet for octet', async (type) => {
    const data = Buffer.from([0, 1, 0xc0, 0x0c, 0xff, 0, 3, 0x77]);
    const server = await start(({ packet }, reply) => {
      const bytes = makeReply(packet, { answers: [{ type: 'NULL', name: www, ttl: 7, data }] });
      // The library can only write types it knows: NULL (10), at a name in full, becomes the type wanted.
      const at = bytes.length - data.length - 10;
      new DataView(bytes.buffer, bytes.byteOffset).setUint16(at, type);
      reply.send(bytes);
    });
    const result = await open([server.upstream]).ask(question('www.example.com.', { type }));
    expect(result).toMatchObject({ kind: 'answered', answer: [{ type, data: new Uint8Array(data) }] });
  });

  it('[DNS-93] the root', async () => {
    const server = await start(({ packet }, reply) =>
      reply.send(makeReply(packet, { answers: [{ type: 'NS', name: '.', ttl: 9, data: 'a.root-servers.net' }] })),
    );
    const result = await open([server.upstream]).ask(question('.', { type: recordType.NS }));
    expect(texts(result)).toEqual(['. 9 IN NS a.root-servers.net.']);
  });

  it('[DNS-94] NXDOMAIN with its SOA and the alias that led there, without the rest of the authority', async () => {
    const soa = { mname: 'ns.example.com', rname: 'h.example.com', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 };
    const server = await start(({ packet }, reply) =>
      reply.send(
        makeReply(
          packet,
          {
            answers: [{ type: 'CNAME', name: www, ttl: 7, data: 'gone.example.com' }],
            authorities: [
              { type: 'NS', name: 'example.com', ttl: 7, data: 'evil.example.net' },
              { type: 'SOA', name: 'example.com', ttl: 7, data: soa },
            ],
            additionals: [{ type: 'A', name: 'evil.example.net', ttl: 7, data: '192.0.2.66' }],
          },
          3,
        ),
      ),
    );
    const result = await open([server.upstream]).ask(question('www.example.com.'));
    expect(result).toMatchObject({ kind: 'answered', rcode: 3, authority: [{ type: recordType.SOA, ttl: 7 }] });
    expect(texts(result)).toEqual(['www.example.com. 7 IN CNAME gone.example.com.']);
  });

  it('over IPv6', async () => {
    const server = await start(answer, { host: '::1' });
    expect(texts(await open([server.upstream]).ask(question('www.example.com.')))).toEqual(good);
    const forced = open([server.upstream], { transport: 'force_tcp' });
    expect(texts(await forced.ask(question('www.example.com.')))).toEqual(good);
  });
});

describe('UDP', () => {
  it('[DNS-98] wrong ids, wrong questions and garbage before the right answer, at once and later', async () => {
    const server = await start(({ packet }, reply) => {
      reply.send(Buffer.from('garbage'));
      reply.send(new Uint8Array(0));
      reply.send(new Uint8Array(600).fill(0xc0));
      reply.send(makeReply({ ...packet, id: (packet.id ?? 0) ^ 1 }));
      reply.send(makeReply(packet, { questions: [{ type: 'A', name: 'other.example.com' }] }));
      reply.send(makeReply(packet).subarray(0, 30));
      setImmediate(() => reply.send(makeReply(packet)));
    });
    const forwarder = open([server.upstream]);
    expect(texts(await forwarder.ask(question('www.example.com.')))).toEqual(good);
    expect(server.seen).toHaveLength(1);
  });

  it('[DNS-98] a right answer from another address or port is not taken', async () => {
    const stranger = createSocket('udp4');
    stranger.bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    cleanups.push(() => stranger.close());
    const forged = { type: 'A', name: 'www.example.com', ttl: 60, data: '192.0.2.66' } as const;
    const server = await start(({ packet, port }, reply) => {
      stranger.send(makeReply(packet, { answers: [forged] }), port, '127.0.0.1', () => {
        setImmediate(() => reply.send(makeReply(packet)));
      });
    });
    expect(texts(await open([server.upstream]).ask(question('www.example.com.')))).toEqual(good);
  });

  it('[DNS-99] every query has a port and an id of its own, and neither runs in steps', async () => {
    const server = await start(answer);
    const forwarder = open([server.upstream]);
    for (let index = 0; index < 60; index += 1) await forwarder.ask(question(`n${index}.example.com.`));
    for (const numbers of [server.seen.map(({ port }) => port), server.seen.map(({ packet }) => packet.id ?? 0)]) {
      expect(new Set(numbers).size).toBeGreaterThan(55);
      const steps = numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0));
      expect(new Set(steps).size).toBeGreaterThan(50);
    }
  });

  it('[DNS-99] with random spelling the spelling has to come back', async () => {
    const server = await start(({ packet }, reply) => {
      const [asked] = packet.questions ?? [];
      reply.send(makeReply(packet, { questions: [{ type: 'A', name: asked?.name.toLowerCase() ?? '' }] }));
      reply.send(makeReply(packet, { answers: [{ type: 'A', name: asked?.name ?? '', ttl: 60, data: '192.0.2.7' }] }));
    });
    const forwarder = open([server.upstream], { mixCase: true });
    const long = 'a-name-of-very-many-letters.example.com.';
    const result = await forwarder.ask(question(long));
    expect(result).toMatchObject({ kind: 'answered', answer: [{ data: new Uint8Array([192, 0, 2, 7]) }] });
    expect(server.seen[0]?.packet.questions?.[0]?.name).toMatch(/[A-Z]/);
  });

  it('[DNS-97] a refused port leads to the next upstream', async () => {
    const server = await start(answer);
    const forwarder = open([await refusedUpstream(), server.upstream], { healthIntervalMs: 100_000 });
    expect(texts(await forwarder.ask(question('www.example.com.')))).toEqual(good);
  });

  it('[DNS-97] a refused port alone is a failure at once, with the reason', async () => {
    const upstream = await refusedUpstream();
    const result = await open([upstream]).ask(question('www.example.com.'));
    expect(result).toEqual({ kind: 'failed', reason: `127.0.0.1:${upstream.port} over udp: ECONNREFUSED` });
  });

  it('[DNS-97] a lost datagram and a silent upstream are survived', async () => {
    const silent = await start(() => {});
    let lost = 0;
    const lossy = await start((query, reply) => {
      lost += 1;
      if (lost > 1) answer(query, reply);
    });
    const forwarder = open([silent.upstream, lossy.upstream], { maxFails: 0 }, timing);
    expect(texts(await forwarder.ask(question('www.example.com.')))).toEqual(good);
    expect(silent.seen.length).toBeGreaterThan(1);
  });

  it('[DNS-97] an upstream that comes back is found by probes', async () => {
    let awake = false;
    const server = await start((query, reply) => {
      if (awake) answer(query, reply);
    });
    const times = { attemptMs: 40, budgetMs: 200, probeMs: 50 };
    const forwarder = open([server.upstream], { healthIntervalMs: 20, allDown: 'fail' }, times);
    expect((await forwarder.ask(question('a.example.com.'))).kind).toBe('failed');
    await expect.poll(() => forwarder.lines.filter((line) => line.startsWith('health')).length).toBeGreaterThan(1);
    expect(await forwarder.ask(question('b.example.com.'))).toEqual({ kind: 'failed', reason: 'all upstreams are down' });
    awake = true;
    await expect.poll(async () => (await forwarder.ask(question('c.example.com.'))).kind).toBe('answered');
  });

  it('an address without a route is a failure, not a crash', async () => {
    // The kernel lets nobody send to the broadcast address who has not asked for it.
    const bad = { address: '255.255.255.255', port: 53 } as Upstream;
    const result = await open([bad]).ask(question('www.example.com.'));
    expect(result.kind).toBe('failed');
  });
});

describe('TCP', () => {
  it('[DNS-96] the whole of a cut answer is fetched', async () => {
    const many = Array.from({ length: 100 }, (_, index) => ({
      type: 'A' as const,
      name: 'big.example.com',
      ttl: 60,
      data: `192.0.2.${index}`,
    }));
    const server = await start(({ packet, protocol }, reply) =>
      reply.send(
        protocol === 'udp'
          ? makeReply(packet, { flags: flag.truncated, answers: many.slice(0, 3) })
          : makeReply(packet, { answers: many }),
      ),
    );
    const result = await open([server.upstream]).ask(question('big.example.com.'));
    expect(result).toMatchObject({ kind: 'answered', truncated: false });
    expect(texts(result)).toHaveLength(100);
  });

  it('[DNS-96] without TCP at the upstream what was cut off is given as such', async () => {
    const server = await start(({ packet }, reply) => reply.send(makeReply(packet, { flags: flag.truncated })), {
      udpOnly: true,
    });
    const result = await open([server.upstream]).ask(question('big.example.com.'));
    expect(result).toMatchObject({ kind: 'answered', truncated: true });
  });

  it('one connection serves questions one after the other, and expires', async () => {
    const server = await start(answer);
    const clock = new HandClock();
    const forwarder = open([server.upstream], { transport: 'force_tcp', expireMs: 10_000 }, patient, clock);
    for (let index = 0; index < 5; index += 1) await forwarder.ask(question(`n${index}.example.com.`));
    const label = `127.0.0.1:${server.upstream.port}`;
    expect(forwarder.lines.filter((line) => line === `miss ${label} tcp`)).toHaveLength(1);
    expect(forwarder.lines.filter((line) => line === `hit ${label} tcp`)).toHaveLength(4);
    expect(server.connections()).toBe(1);
    await clock.turn(9999);
    expect(server.open()).toBe(1);
    await clock.turn(1);
    await expect.poll(() => server.open()).toBe(0);
    await forwarder.ask(question('late.example.com.'));
    expect(server.connections()).toBe(2);
  });

  it('many questions at once share few connections, and replies in any order find theirs', async () => {
    const held: (() => void)[] = [];
    const server = await start((query, reply) => {
      const [asked] = query.packet.questions ?? [];
      const data = `192.0.2.${asked?.name.slice(1).split('.')[0]}`;
      held.push(() => reply.send(makeReply(query.packet, { answers: [{ type: 'A', name: asked?.name ?? '', ttl: 1, data }] })));
      if (held.length === 100) for (const send of held.toReversed()) send();
    });
    const forwarder = open([server.upstream], { transport: 'force_tcp' });
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) => forwarder.ask(question(`n${index}.example.com.`))),
    );
    expect(results.map((result) => texts(result)[0])).toEqual(
      Array.from({ length: 100 }, (_, index) => `n${index}.example.com. 1 IN A 192.0.2.${index}`),
    );
    expect(server.connections()).toBeLessThanOrEqual(4);
  });

  it('replies cut into octets are put together', async () => {
    const server = await start(({ packet }, reply) => {
      const bytes = makeReply(packet);
      const octets = [bytes.length >> 8, bytes.length & 0xff, ...bytes];
      const next = (): void => {
        const octet = octets.shift();
        if (octet === undefined) return;
        reply.raw(new Uint8Array([octet]));
        setImmediate(next);
      };
      next();
    });
    const result = await open([server.upstream], { transport: 'force_tcp' }).ask(question('www.example.com.'));
    expect(texts(result)).toEqual(good);
  });

  it('[DNS-98] noise on a connection is waited past', async () => {
    const server = await start(({ packet }, reply) => {
      reply.send(new Uint8Array(0));
      reply.send(Buffer.from('garbage'));
      reply.send(makeReply({ ...packet, id: (packet.id ?? 0) ^ 1 }));
      reply.send(makeReply(packet, { questions: [{ type: 'A', name: 'other.example.com' }] }));
      reply.send(makeReply(packet));
    });
    const result = await open([server.upstream], { transport: 'force_tcp' }).ask(question('www.example.com.'));
    expect(texts(result)).toEqual(good);
  });

  it.each(['end', 'reset'] as const)(
    '[DNS-97] a kept connection that ends (%s) with a question on it is no failure',
    async (how) => {
      const server = await start((query, reply) => {
        if (query.connection === 1 && server.seen.length > 1) reply[how]();
        else answer(query, reply);
      });
      const forwarder = open([server.upstream], { transport: 'force_tcp' });
      await forwarder.ask(question('first.example.com.'));
      expect(texts(await forwarder.ask(question('www.example.com.')))).toEqual(good);
      expect(server.connections()).toBe(2);
      expect(server.seen).toHaveLength(3);
    },
  );

  it.each(['end', 'reset'] as const)('[DNS-97] an upstream that ends every connection (%s) fails over', async (how) => {
    const bad = await start((_, reply) => reply[how]());
    const fine = await start(answer);
    const forwarder = open([bad.upstream, fine.upstream], { transport: 'force_tcp', healthIntervalMs: 100_000 });
    expect(texts(await forwarder.ask(question('www.example.com.')))).toEqual(good);
  });

  it('[DNS-97] a connection that went silent is not used again', async () => {
    const server = await start((query, reply) => {
      if (query.connection > 1) answer(query, reply);
    });
    const clock = new HandClock();
    const forwarder = open([server.upstream], { transport: 'force_tcp', maxFails: 0 }, patient, clock);
    void forwarder.ask(question('lost.example.com.'));
    await expect.poll(() => server.seen.length).toBe(1);
    await clock.turn(1500);
    const results = [];
    for (let index = 0; index < 6; index += 1) results.push(await forwarder.ask(question('www.example.com.')));
    expect(results.map(({ kind }) => kind)).toEqual(Array.from({ length: 6 }, () => 'answered'));
    expect(server.connections()).toBe(2);
  });

  it('a port that is refused is a failure with the reason', async () => {
    const upstream = await refusedUpstream();
    const result = await open([upstream], { transport: 'force_tcp' }).ask(question('www.example.com.'));
    expect(result).toEqual({ kind: 'failed', reason: `127.0.0.1:${upstream.port} over tcp: ECONNREFUSED` });
  });
});

it('[DNS-100] an independent decoder finds in the query what was asked and nothing of the client', async () => {
  const server = await start(answer);
  await open([server.upstream]).ask(question('WwW.example.com.', { dnssecOk: true, checkingDisabled: true }));
  const packet = decode(Buffer.from(server.seen[0]?.bytes ?? []));
  expect(packet).toMatchObject({
    flag_rd: true,
    flag_cd: true,
    questions: [{ name: 'www.example.com', type: 'A', class: 'IN' }],
    answers: [],
    authorities: [],
    additionals: [{ type: 'OPT', udpPayloadSize: 1232, flag_do: true, options: [] }],
  });
});
