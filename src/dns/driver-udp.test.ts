import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { fail, formatAddress, parseAddress } from '../model/mod.ts';
import type { Address, Problem } from '../model/mod.ts';
import { openBatchUdp } from './driver-udp-batch.ts';
import { openPlainUdp } from './driver-udp-plain.ts';
import { echo, openClient, unwrap, usable } from './driver-udp.fixture.ts';
import { openUdp } from './driver-udp.ts';
import type { ReturnPath } from './listen-contract.ts';
import type { UdpOptions } from './udp-socket.ts';
import { question } from './stream.fixture.ts';

const address = (text: string): Address => parseAddress(text) ?? unreachable(text);
function unreachable(text: string): never {
  throw new TypeError(text);
}
const base = { address: address('127.0.0.1'), port: 0, reusePort: false, answer: echo };
const ids = (replies: readonly Buffer[]): number[] => replies.map((reply) => reply.readUInt16BE(0)).toSorted((a, b) => a - b);
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe.each([
  { kind: 'batches', open: openBatchUdp },
  { kind: 'plain', open: openPlainUdp },
])('UDP, $kind', ({ open }) => {
  const serve = async (options: Partial<UdpOptions> = {}) => {
    const socket = unwrap(await open({ ...base, ...options }));
    return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
  };

  test.each(usable(['127.0.0.1', '127.0.0.53', '::1']))('[DNS-123] answers from %s, the address asked', async (text) => {
    using server = await serve({ address: address(text) });
    using client = await openClient(text, server.port);
    expect([server.address, server.port > 0]).toEqual([text, true]);
    client.send(question(7));
    const [reply] = await client.replies(1);
    expect([...(reply ?? [])].slice(0, 3)).toEqual([0, 7, 0x80]);
    expect(reply?.readUInt16BE(reply.length - 2)).toBe(client.port);
  });

  test('[DNS-13] answers a burst of 200, and all of several clients at a time', async () => {
    using server = await serve();
    using one = await openClient('127.0.0.1', server.port);
    using two = await openClient('127.0.0.1', server.port);
    for (const id of range(200)) for (const client of [one, two]) client.send(question(id, `${id}`.repeat(id % 50)));
    for (const client of [one, two]) expect(ids(await client.replies(200))).toEqual(range(200));
    expect(server.counts).toEqual({ received: 400, sent: 400, lost: 0, cutOff: 0 });
  });

  test('hands over who sent, in octets', async () => {
    const seen: string[] = [];
    using four = await serve({
      answer(...all) {
        const [, , , , { buffer, offset, octets, port }] = all;
        seen.push(`${formatAddress(buffer.slice(offset, offset + octets))} ${port}`);
        return echo(...all);
      },
    });
    using client = await openClient('127.0.0.1', four.port, '127.0.0.77');
    client.send(question(1));
    await client.replies(1);
    expect(seen).toEqual([`127.0.0.77 ${client.port}`]);
  });

  test.each(usable(['127.0.0.1', '0.0.0.0', '::1', '::']))('sends later what is not ready at once, from %s', async (text) => {
    const paths: ReturnPath[] = [];
    using server = await serve({
      address: address(text),
      answer(socket, ...rest) {
        if (rest[0][rest[1] + 1] === 2) return echo(socket, ...rest);
        paths.push(socket.keepPath());
        return 0;
      },
    });
    using client = await openClient(text === '::' ? '::1' : text === '0.0.0.0' ? '127.0.0.1' : text, server.port);
    using other = await openClient(text.includes(':') ? '::1' : '127.0.0.1', server.port);
    client.send(question(1));
    client.send(question(2));
    other.send(question(2));
    await client.replies(1);
    await other.replies(1);
    for (const path of paths) server.send(path, question(9));
    expect(ids(await client.replies(2))).toEqual([2, 9]);
    expect(() => server.keepPath()).toThrow('no message in hand');
  });

  test('gives no reply where there is none, loses one that is too long, and throws away what is longer than a question', async () => {
    using server = await serve({
      answer(socket, input, start, length, ...rest) {
        if (input[start + 1] === 1) return 0;
        if (input[start + 1] === 2) socket.send(socket.keepPath(), new Uint8Array(4097));
        return echo(socket, input, start, length, ...rest);
      },
    });
    using client = await openClient('127.0.0.1', server.port);
    for (const message of [question(1), question(2), question(3, 'x'.repeat(4085)), question(4), question(5, '')])
      client.send(message);
    expect(ids(await client.replies(3))).toEqual([2, 4, 5]);
    expect(server.counts).toEqual({ received: 5, sent: 3, lost: 1, cutOff: 1 });
  });

  test('takes a question and gives a reply of the full room, and empty datagrams', async () => {
    using server = await serve({ answer: (_socket, _input, _start, length) => (length === 4096 || length === 0 ? 4096 : 0) });
    using client = await openClient('127.0.0.1', server.port);
    client.send(new Uint8Array(4096));
    client.send(new Uint8Array(0));
    expect((await client.replies(2)).map((reply) => reply.length)).toEqual([4096, 4096]);
  });

  test('goes on after replies that could not be delivered', async () => {
    using server = await serve();
    const gone = await openClient('127.0.0.1', server.port);
    for (const id of range(20)) gone.send(question(id));
    await turn();
    gone[Symbol.dispose]();
    using client = await openClient('127.0.0.1', server.port);
    client.send(question(1));
    await client.replies(1);
    client.send(question(2));
    expect(ids(await client.replies(2))).toEqual([1, 2]);
  });

  test('shares its port with others where all want to', async () => {
    using first = await serve({ reusePort: true });
    using second = await serve({ reusePort: true, port: first.port });
    using clients = new DisposableStack();
    for (const id of range(64)) {
      const client = clients.use(await openClient('127.0.0.1', first.port));
      client.send(question(id));
      await client.replies(1);
    }
    expect(first.counts.received + second.counts.received).toBe(64);
    expect(Math.min(first.counts.received, second.counts.received)).toBeGreaterThan(0);
  });

  test('a port in use, and an address that is not here, are problems that name them', async () => {
    using server = await serve();
    expect(await open({ ...base, port: server.port })).toMatchObject({
      problem: { code: 'WP_DNS_BIND', message: `cannot bind UDP 127.0.0.1 port ${server.port}: EADDRINUSE` },
    });
    expect(await open({ ...base, address: address('192.0.2.1'), port: 5300 })).toMatchObject({
      problem: { code: 'WP_DNS_BIND', message: 'cannot bind UDP 192.0.2.1 port 5300: EADDRNOTAVAIL' },
    });
  });

  test.each(usable(['::']))('leaves IPv4 to others where it is bound to IPv6, %s', async (text) => {
    using six = await serve({ address: address(text) });
    using four = await serve({ port: six.port, address: address('0.0.0.0') });
    using client = await openClient('127.0.0.1', six.port);
    client.send(question(1));
    await client.replies(1);
    expect([six.counts.received, four.counts.received]).toEqual([0, 1]);
  });

  test('closed, is silent: by its own answer in the middle of a batch too, and its port is free', async () => {
    const state = { answered: 0 };
    using server = await serve({
      answer(socket, ...rest) {
        state.answered += 1;
        if (state.answered === 3) socket.close();
        return echo(socket, ...rest);
      },
    });
    using client = await openClient('127.0.0.1', server.port);
    for (const id of range(20)) client.send(question(id));
    while (state.answered < 3) await turn();
    await turn();
    expect(state.answered).toBe(3);
    server.close();
    server.send(server, question(1));
    using again = await serve({ port: server.port });
    expect(again.port).toBe(server.port);
  });
});

describe('a wildcard', () => {
  test('[DNS-123] has replies leave from the address asked', async () => {
    using clients = new DisposableStack();
    const server = unwrap(await openBatchUdp({ ...base, address: address('0.0.0.0') }));
    clients.defer(() => server.close());
    for (const text of ['127.0.0.1', '127.0.0.2', '127.9.9.9']) {
      const client = clients.use(await openClient(text, server.port, '127.0.0.9'));
      for (const id of range(100)) client.send(question(id));
      expect(ids(await client.replies(100))).toEqual(range(100));
    }
  });
});

describe('the choice of a socket', () => {
  const open = async (prefer: 'batch' | 'plain', more: Partial<Parameters<typeof openUdp>[0]> = {}) => {
    const problems: Problem[] = [];
    const opened = await openUdp({ ...base, prefer, report: (problem) => problems.push(problem), ...more });
    if (opened.ok) opened.value.close();
    return { opened, problems };
  };
  const openBatch = async () => fail('WP_NETLINK_FFI', 'system calls are out of reach');

  test('is what was preferred, without a word', async () => {
    for (const prefer of ['batch', 'plain'] as const) expect((await open(prefer)).problems).toEqual([]);
  });

  test('falls back where batches are out of reach, and says so', async () => {
    const { opened, problems } = await open('batch', { openBatch });
    expect(opened.ok).toBe(true);
    expect(problems).toEqual([
      { code: 'WP_DNS_PLAIN_UDP', message: expect.stringContaining('system calls are out of reach'), cause: undefined },
    ]);
  });

  test('says what a plain socket on a wildcard cannot do', async () => {
    const { opened, problems } = await open('plain', { address: address('0.0.0.0') });
    expect([opened.ok, problems.map(({ message }) => message)]).toEqual([
      true,
      [expect.stringContaining('replies from 0.0.0.0')],
    ]);
  });

  test('does not fall back where the address cannot be had', async () => {
    const taken = createSocket('udp4').bind(0, '127.0.0.1');
    await once(taken, 'listening');
    const { opened, problems } = await open('batch', { port: taken.address().port });
    taken.close();
    expect([opened, problems]).toMatchObject([{ problem: { code: 'WP_DNS_BIND' } }, []]);
  });
});
