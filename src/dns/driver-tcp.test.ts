import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { openTcpClient } from './driver-tcp.fixture.ts';
import type { TcpClient } from './driver-tcp.fixture.ts';
import { openTcp } from './driver-tcp.ts';
import type { TcpOptions } from './driver-tcp.ts';
import { unwrap, usable } from './driver-udp.fixture.ts';
import type { AnswerMessage } from './listen-contract.ts';
import { ConnectionBudget } from './stream-budget.ts';
import { HandClock, framed, question, testLimits } from './stream.fixture.ts';

const address = (text: string): Address => parseAddress(text) ?? ('' as Address);
const echo: AnswerMessage = (input, _peer, _local, reply) => reply(input);
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const ids = (answers: readonly Uint8Array[]): number[] => answers.map((answer) => ((answer[0] ?? 0) << 8) | (answer[1] ?? 0));

/** Goes round the loop until something is so: no clock is asked. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

async function serve(options: Partial<TcpOptions> = {}) {
  const clock = new HandClock();
  const shared = new ConnectionBudget(clock);
  const all = { address: address('127.0.0.1'), port: 0, reusePort: false, answer: echo, limits: testLimits, shared, ...options };
  const server = unwrap(await openTcp(all));
  const clients = new DisposableStack();
  const connect = async (silent = false): Promise<TcpClient> =>
    clients.use(await openTcpClient(server.address === '::' ? '::1' : server.address, server.port, silent));
  return {
    server,
    clock,
    shared,
    connect,
    /** Closes the clients and then the server. */
    async [Symbol.asyncDispose]() {
      clients.dispose();
      await server.close();
    },
  };
}

/** Keeps messages until the test answers them, by id. */
function createDesk() {
  const asked = new Map<number, () => void>();
  const answer: AnswerMessage = (input, _peer, _local, reply) => {
    const copy = Uint8Array.from(input);
    asked.set(((copy[0] ?? 0) << 8) | (copy[1] ?? 0), () => reply(copy));
  };
  return { asked, answer };
}

describe('TCP', () => {
  test.each(usable(['127.0.0.1', '127.0.0.53', '::1', '::']))(
    '[DNS-92][DNS-123] answers at %s, many to a connection',
    async (text) => {
      const seen: string[] = [];
      await using tcp = await serve({
        address: address(text),
        answer(input, { buffer, offset, octets, port }, local, reply) {
          seen.push(`${formatAddress(buffer.slice(offset, offset + octets))} ${port} ${local.port}`);
          reply(input);
        },
      });
      const client = await tcp.connect();
      for (const id of range(5)) {
        client.ask(question(id));
        expect((await client.answers(id + 1)).at(-1)).toEqual(question(id));
      }
      const { localAddress, localPort } = client.socket;
      expect(new Set(seen)).toEqual(new Set([`${localAddress} ${localPort} ${tcp.server.port}`]));
    },
  );

  test.each([5, 50, 500])('[DNS-92] %i messages in one write have their answers', async (count) => {
    await using tcp = await serve();
    const client = await tcp.connect();
    client.ask(...range(count).map((id) => question(id, 'x'.repeat(id))));
    expect(ids(await client.answers(count))).toEqual(range(count));
  });

  test('[DNS-92] octet by octet and cut at odd places', async () => {
    await using tcp = await serve();
    const client = await tcp.connect();
    const stream = Buffer.concat(range(4).map((id) => framed(question(id))));
    for (const octet of stream) await new Promise<void>((resolve) => void client.socket.write(Buffer.of(octet), () => resolve()));
    expect(ids(await client.answers(4))).toEqual(range(4));
    for (const [from, to] of [
      [0, 1],
      [1, 25],
      [25, 47],
      [47, stream.length],
    ]) {
      await new Promise<void>((resolve) => void client.socket.write(stream.subarray(from, to), () => resolve()));
    }
    expect(ids(await client.answers(8)).slice(4)).toEqual(range(4));
  });

  test('[DNS-92] a slow answer holds up no other: they come out of order', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({ answer });
    const client = await tcp.connect();
    client.ask(...range(50).map((id) => question(id)));
    await until(() => asked.size === 50);
    for (const id of range(50).toReversed()) asked.get(id)?.();
    expect(ids(await client.answers(50))).toEqual(range(50).toReversed());
  });

  test('[DNS-92] a client that half-closes gets all its answers, and then the end', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({ answer });
    const client = await tcp.connect();
    client.socket.end(Buffer.concat(range(3).map((id) => framed(question(id)))));
    await until(() => asked.size === 3);
    for (const give of asked.values()) give();
    expect(ids(await client.answers(3))).toEqual(range(3));
    await client.closed;
    await until(() => tcp.shared.count === 0);
  });

  test('[DNS-92] messages of no length and short ones are passed over', async () => {
    await using tcp = await serve();
    const client = await tcp.connect();
    client.ask(new Uint8Array(0), new Uint8Array(11), question(1));
    expect(ids(await client.answers(1))).toEqual([1]);
  });

  test('the longest message and the longest answer', async () => {
    await using tcp = await serve();
    const client = await tcp.connect();
    const longest = Uint8Array.from({ length: 65_535 }, (_, index) => index);
    client.ask(longest, question(7));
    const answers = await client.answers(2);
    expect([Buffer.compare(answers[0] ?? longest.subarray(1), longest), ids(answers)[1]]).toEqual([0, 7]);
  });

  test('[DNS-92] reads no more than it may leave unanswered, and loses nothing', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({ answer, limits: { ...testLimits, outstanding: 50 } });
    const client = await tcp.connect();
    client.ask(...range(500).map((id) => question(id, 'x'.repeat(400))));
    await until(() => asked.size === 50);
    for (const _ of range(50)) await turn();
    expect(asked.size).toBe(50);
    for (let answered = 0; answered < 500;) {
      await until(() => asked.size > 0);
      for (const [id, give] of asked) {
        asked.delete(id);
        answered += 1;
        give();
      }
    }
    expect(ids(await client.answers(500))).toHaveLength(500);
  });

  test('a client that asks on and on and does not read is not read either, and closed in the end', async () => {
    let taken = 0;
    await using tcp = await serve({
      answer(_input, _peer, _local, reply) {
        taken += 1;
        reply(new Uint8Array(65_535));
      },
    });
    const client = await tcp.connect(true);
    client.ask(...range(2000).map((id) => question(id)));
    let before = -1;
    while (before !== taken) {
      before = taken;
      for (const _ of range(100)) await turn();
    }
    // What the kernel has room for, and little more.
    expect(taken).toBeLessThan(500);
    tcp.clock.advance(testLimits.idleMs + 500);
    await until(() => tcp.shared.count === 0);
  });

  test('[DNS-92] closes who says nothing, who trickles, who announces too much; not who is quiet for 2 s after an answer', async () => {
    await using tcp = await serve();
    const [quiet, good, liar, trickler] = await Promise.all(range(4).map(() => tcp.connect()));
    if (quiet === undefined || good === undefined || liar === undefined || trickler === undefined) throw new Error('no client');
    good.ask(question(1));
    await good.answers(1);
    liar.socket.write(Buffer.concat([Buffer.of(1, 0), question(2)]));
    await until(() => tcp.shared.count === 4);
    for (const octet of framed(question(3)).subarray(0, 5)) {
      await new Promise<void>((resolve) => void trickler.socket.write(Buffer.of(octet), () => resolve()));
      tcp.clock.advance(1100);
    }
    await Promise.all([quiet.closed, liar.closed, trickler.closed]);
    expect(tcp.shared.count).toBe(1);
    good.ask(question(4));
    expect(ids(await good.answers(2))).toEqual([1, 4]);
    tcp.clock.advance(testLimits.idleMs + 500);
    await good.closed;
  });

  test('an answer that comes when the client has gone goes nowhere', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({ answer });
    const client = await tcp.connect();
    client.ask(question(1), question(2));
    await until(() => asked.size === 2);
    client.socket.resetAndDestroy();
    await until(() => tcp.shared.count === 0);
    for (const give of asked.values()) give();
    const other = await tcp.connect();
    other.ask(question(3));
    await until(() => asked.size === 3);
    asked.get(3)?.();
    expect(ids(await other.answers(1))).toEqual([3]);
  });
});

describe('many connections', () => {
  test('[DNS-13] 100 at a time all have their answers', async () => {
    await using tcp = await serve();
    const clients = await Promise.all(range(100).map(() => tcp.connect()));
    for (const [id, client] of clients.entries()) client.ask(question(id), question(id + 1000));
    const answers = await Promise.all(clients.map((client) => client.answers(2)));
    expect(answers.map((pair) => ids(pair))).toEqual(range(100).map((id) => [id, id + 1000]));
  });

  test('[DNS-92] beyond their number the oldest idle one goes, over all listeners together', async () => {
    const limits = { ...testLimits, connections: 10 };
    await using one = await serve({ limits });
    await using two = await serve({ limits, shared: one.shared });
    const first = await one.connect();
    first.ask(question(1));
    await first.answers(1);
    one.clock.advance(100);
    const second = await two.connect();
    second.ask(question(2));
    await second.answers(1);
    one.clock.advance(100);
    for (const index of range(9)) {
      const client = await [one, two][index % 2]!.connect();
      client.ask(question(index));
      await client.answers(1);
    }
    await first.closed;
    expect(one.shared.count).toBe(10);
    second.ask(question(3));
    expect(ids(await second.answers(2))).toEqual([2, 3]);
  });

  test('[DNS-92] 1,000 slow and half-open clients disturb nobody', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({
      answer: (input, ...rest) => (input[2] === 1 ? answer(input, ...rest) : echo(input, ...rest)),
      limits: { ...testLimits, connections: 2000 },
    });
    const good = await tcp.connect();
    good.ask(question(0));
    await good.answers(1);
    const slow = await Promise.all(range(1000).map(() => tcp.connect(true)));
    for (const [index, client] of slow.entries()) {
      // Some say nothing, some a part of a length, some a part of a message, some ask what is never answered and half-close.
      if (index % 4 === 1) client.socket.write(Buffer.of(0));
      if (index % 4 === 2) client.socket.write(Buffer.concat([Buffer.of(255, 255), question(index)]));
      if (index % 4 === 3) client.socket.end(framed(Uint8Array.from(question(index), (octet, at) => (at === 2 ? 1 : octet))));
    }
    await until(() => tcp.shared.count === 1001 && asked.size === 250);
    for (const id of range(50)) {
      good.ask(question(id));
      await good.answers(id + 2);
    }
    expect(tcp.clock.waiting).toBe(1);
    tcp.clock.advance(4000);
    good.ask(question(51));
    await good.answers(52);
    // Those that never completed a message go first; those that wait for an answer when they have waited for too long.
    tcp.clock.advance(2000);
    expect(tcp.shared.count).toBe(251);
    tcp.clock.advance(14_500);
    expect(tcp.shared.count).toBe(1);
    good.ask(question(52));
    expect(ids(await good.answers(53)).at(-1)).toBe(52);
  });

  test('as many as there may be, all silent, leave room for a newcomer', async () => {
    await using tcp = await serve({ limits: { ...testLimits, connections: 50 } });
    const silent = await Promise.all(range(60).map(() => tcp.connect(true)));
    const good = await tcp.connect();
    good.ask(question(1));
    expect(ids(await good.answers(1))).toEqual([1]);
    expect([silent.length, tcp.shared.count]).toEqual([60, 50]);
  });
});

describe('a listener', () => {
  test('closing takes no more, lets what was asked be answered, and ends idle connections', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({ answer });
    const [waiting, idle] = [await tcp.connect(), await tcp.connect()];
    waiting.ask(question(1));
    await until(() => asked.size === 1);
    const closed = tcp.server.close();
    await idle.closed;
    waiting.ask(question(2));
    asked.get(1)?.();
    expect(ids(await waiting.answers(1))).toEqual([1]);
    waiting.socket.end();
    await closed;
    await expect(tcp.connect()).rejects.toThrow('ECONNREFUSED');
  });

  test('closing does not wait for ever', async () => {
    const { asked, answer } = createDesk();
    await using tcp = await serve({ answer });
    const client = await tcp.connect();
    client.ask(question(1));
    await until(() => asked.size === 1);
    const closed = tcp.server.close();
    tcp.clock.advance(testLimits.messageMs + 500);
    await closed;
    expect(tcp.shared.count).toBe(0);
  });

  test('shares its port with others where all want to', async () => {
    await using first = await serve({ reusePort: true });
    await using second = await serve({ reusePort: true, port: first.server.port });
    for (const id of range(64)) {
      const client = await first.connect();
      client.ask(question(id));
      await client.answers(1);
    }
    expect(first.shared.count + second.shared.count).toBe(64);
    expect(Math.min(first.shared.count, second.shared.count)).toBeGreaterThan(0);
  });

  test('a port in use, and an address that is not here, are problems that name them', async () => {
    await using tcp = await serve();
    const options = { reusePort: false, answer: echo, limits: testLimits, shared: tcp.shared };
    const { port } = tcp.server;
    expect(await openTcp({ ...options, address: address('127.0.0.1'), port })).toMatchObject({
      problem: { code: 'WP_DNS_BIND', message: `cannot listen on TCP 127.0.0.1 port ${port}: EADDRINUSE` },
    });
    expect(await openTcp({ ...options, address: address('192.0.2.1'), port: 5300 })).toMatchObject({
      problem: { code: 'WP_DNS_BIND', message: 'cannot listen on TCP 192.0.2.1 port 5300: EADDRNOTAVAIL' },
    });
  });
});
