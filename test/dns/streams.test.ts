import { once } from 'node:events';
import { decode } from 'dns-packet';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openTcpClient } from '../../src/dns/driver-tcp.fixture.ts';
import type { TcpClient } from '../../src/dns/driver-tcp.fixture.ts';
import { framed } from '../../src/dns/stream.fixture.ts';
import { makeQuery, openAsker } from './asker.ts';
import { loopback } from './live-thread.ts';
import { nameOf, startTalking, web } from './messages-cluster.ts';
import type { Talking } from './messages-cluster.ts';

let talking: Talking;
beforeAll(async () => {
  talking = await startTalking();
});
afterAll(() => talking?.[Symbol.asyncDispose]());
afterEach(() => talking.upstream.release());

const connect = (): Promise<TcpClient> => openTcpClient(loopback, talking.thread.port);
const idsOf = (messages: readonly Uint8Array[]): readonly number[] =>
  messages.map((bytes) => ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const local = (id: number): Buffer => makeQuery(web, { id });

/** Names that no test had before, so that no cache knows them. */
let fresh = 0;
const slow = (id: number): Buffer => {
  fresh += 1;
  return makeQuery(nameOf(`slow-${fresh}.test.`), { id });
};

describe('many questions on one connection', () => {
  test.each([5, 50])('[DNS-92] %i in one write are all answered', async (count) => {
    using client = await connect();
    client.ask(...range(1, count).map(local));
    const answers = await client.answers(count);
    expect(idsOf(answers).toSorted((a, b) => a - b)).toEqual(range(1, count));
    for (const bytes of answers) expect(decode(Buffer.from(bytes)).answers).toMatchObject([{ data: '10.96.0.80' }]);
  });

  test.each([5, 50])('[DNS-92] one slow name does not hold up %i others', async (count) => {
    using client = await connect();
    client.ask(...range(1, count).flatMap((id) => (id === 2 ? [slow(2)] : [local(id)])));
    const before = await client.answers(count - 1);
    expect(idsOf(before)).not.toContain(2);
    expect(new Set(idsOf(before)).size).toBe(count - 1);
    await waitForQuestion(fresh);
    talking.upstream.release();
    expect(idsOf(await client.answers(count)).at(-1)).toBe(2);
  });

  test('[DNS-92] 50 slow ones are under way at once', async () => {
    using client = await connect();
    const first = fresh + 1;
    client.ask(...range(1, 50).map(slow), local(51));
    expect(idsOf(await client.answers(1))).toEqual([51]);
    for (const number of range(first, fresh)) await waitForQuestion(number);
    talking.upstream.release();
    expect(idsOf(await client.answers(51)).toSorted((a, b) => a - b)).toEqual(range(1, 51));
  });

  test('[DNS-92] one by one, again and again', async () => {
    using client = await connect();
    for (const id of range(1, 30)) {
      client.ask(local(id));
      expect(idsOf(await client.answers(id)).at(-1)).toBe(id);
    }
  });
});

describe('a stream', () => {
  test('[DNS-92] octet by octet and cut anywhere', async () => {
    using client = await connect();
    const octets = framed(local(1));
    for (const octet of octets) client.socket.write(Buffer.of(octet));
    expect(idsOf(await client.answers(1))).toEqual([1]);
    const two = Buffer.concat([framed(local(2)), framed(local(3))]);
    for (const at of [1, octets.length - 1, octets.length + 1]) {
      client.socket.write(two.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      client.socket.write(two.subarray(at));
    }
    expect(idsOf(await client.answers(7)).slice(1)).toEqual([2, 3, 2, 3, 2, 3]);
  });

  test('[DNS-92] a client that ends its side gets what it asked for, slow names too', async () => {
    using client = await connect();
    client.ask(local(1), slow(2), local(3));
    client.socket.end();
    expect(idsOf(await client.answers(2))).toEqual([1, 3]);
    await waitForQuestion(fresh);
    talking.upstream.release();
    expect(idsOf(await client.answers(3))).toEqual([1, 3, 2]);
    await client.closed;
  });

  test('[DNS-92] lengths of 0 and of less than a header are passed over, or the end of that connection alone', async () => {
    using client = await connect();
    using other = await connect();
    client.socket.write(Buffer.concat([framed(Buffer.alloc(0)), framed(Buffer.alloc(3)), framed(local(1))]));
    await Promise.race([client.answers(1), client.closed]);
    other.ask(local(2));
    expect(idsOf(await other.answers(1))).toEqual([2]);
  });

  test('[DNS-92] a length that promises more than comes does no harm to others', async () => {
    using liar = await connect();
    using other = await connect();
    liar.socket.write(Buffer.concat([Buffer.of(0xff, 0xff), local(1)]));
    liar.socket.end();
    await liar.closed;
    other.ask(local(2));
    expect(idsOf(await other.answers(1))).toEqual([2]);
  });

  test('[DNS-92] a client that is gone before its answers come does no harm', async () => {
    const client = await connect();
    client.ask(slow(1), local(2));
    await client.answers(1);
    await waitForQuestion(fresh);
    client.socket.resetAndDestroy();
    await once(client.socket, 'close');
    talking.upstream.release();
    using other = await connect();
    other.ask(local(3));
    expect(idsOf(await other.answers(1))).toEqual([3]);
  });
});

describe('many at once', () => {
  test('[DNS-13] 100 connections and 200 datagrams', async () => {
    const clients = await Promise.all(range(1, 100).map(connect));
    using asker = await openAsker('udp', talking.thread.port);
    const datagrams = Promise.all(range(1, 200).map((id) => asker.ask(local(id))));
    for (const [index, client] of clients.entries()) client.ask(local(index));
    const answers = await Promise.all(clients.map((client) => client.answers(1)));
    expect(answers.flatMap(idsOf)).toEqual(range(0, 99));
    expect((await datagrams).every(({ packet }) => packet.answers?.length === 1)).toBe(true);
    for (const client of clients) client[Symbol.dispose]();
  });
});

/** Until the upstream has seen the question for `slow-N`, so that it has something to release. */
async function waitForQuestion(number: number): Promise<void> {
  const isSeen = (): boolean => talking.upstream.seen.some(({ packet }) => packet.questions?.[0]?.name === `slow-${number}.test`);
  while (!isSeen()) await new Promise((resolve) => setImmediate(resolve));
}
