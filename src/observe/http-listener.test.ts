import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Problem } from '../model/mod.ts';
import { systemClock } from './clock.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import { HttpListener, bindHosts } from './http-listener.ts';
import { ask } from './http-request.fixture.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
const withoutIpv6 = hasIpv6 ? '' : ' [skipped: this machine has no ::1]';
if (!hasIpv6) process.stderr.write('skipped: the tests of IPv6 listeners, for this machine has no ::1\n');

function listen(host: string, port: number, clock = systemClock, problems: Problem[] = []): HttpListener {
  return new HttpListener({
    name: 'test',
    host,
    port,
    answer: (path) => (path === '/a' ? { status: 200, headers: { 'X-Path': path }, body: 'grüß' } : null),
    clock,
    report: (problem) => problems.push(problem),
  });
}

function portOf(listener: HttpListener): number {
  return listener.bound[0]?.port ?? 0;
}

test('answers any method, leaves the query out of the path and says 404 for the rest', async () => {
  await using listener = listen('127.0.0.1', 0);
  await listener.start();
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    expect(await ask('127.0.0.1', portOf(listener), '/a?verbose=1', method)).toMatchObject({
      status: 200,
      body: 'grüß',
      headers: { 'x-path': '/a', 'content-length': '6' },
    });
  }
  expect(await ask('127.0.0.1', portOf(listener), '/b')).toMatchObject({ status: 404, body: '404 page not found\n' });
});

test.skipIf(!hasIpv6).each(['0.0.0.0', '::'])(
  `[SP-121] the wildcard %s accepts IPv4 and IPv6 clients${withoutIpv6}`,
  async (host) => {
    await using listener = listen(host, 0);
    await listener.start();
    expect((await ask('127.0.0.1', portOf(listener), '/a')).status).toBe(200);
    expect((await ask('::1', portOf(listener), '/a')).status).toBe(200);
  },
);

test.skipIf(!hasIpv6)(`an address that is not a wildcard is the only one bound${withoutIpv6}`, async () => {
  await using listener = listen('127.0.0.1', 0);
  await listener.start();
  await expect(ask('::1', portOf(listener), '/a')).rejects.toThrow(/ECONNREFUSED/);
});

test('the wildcard takes two sockets where the kernel keeps the families apart', () => {
  expect(bindHosts('0.0.0.0', true)).toEqual(['0.0.0.0', '::']);
  expect(bindHosts('0.0.0.0', false)).toEqual(['::']);
  expect(bindHosts('192.0.2.1', true)).toEqual(['192.0.2.1']);
});

describe('[SP-122] a taken port', () => {
  test('is reported and tried again every 5 s until it is free', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.1', resolve);
    });
    const { port } = holder.address() as AddressInfo;
    const clock = new FakeClock(0);
    const problems: Problem[] = [];
    await using listener = listen('127.0.0.1', port, clock, problems);
    await listener.start();
    expect(listener.bound).toEqual([]);
    expect(problems.map(({ code }) => code)).toEqual(['WP_OBSERVE_BIND']);
    expect(problems[0]?.message).toMatch(
      new RegExp(`^the test address 127\\.0\\.0\\.1:${port} cannot be bound \\(.*EADDRINUSE.*; trying again in 5 s$`),
    );

    clock.advance(4999);
    expect(clock.waiting).toBe(1);
    clock.advance(1);
    await until(() => problems.length === 2 && clock.waiting === 1);
    await new Promise((resolve) => {
      holder.close(resolve);
    });
    clock.advance(5000);
    await until(() => listener.bound.length === 1);
    expect((await ask('127.0.0.1', port, '/a')).status).toBe(200);
    expect(problems).toHaveLength(2);
  });

  test('is not tried again after close', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.1', resolve);
    });
    const clock = new FakeClock(0);
    const listener = listen('127.0.0.1', (holder.address() as AddressInfo).port, clock);
    await listener.start();
    expect(clock.waiting).toBe(1);
    await listener.close();
    expect(clock.waiting).toBe(0);
    await new Promise((resolve) => {
      holder.close(resolve);
    });
  });
});

test('close ends open connections and frees the port', async () => {
  const listener = listen('127.0.0.1', 0);
  await listener.start();
  const port = portOf(listener);
  expect((await ask('127.0.0.1', port, '/a')).status).toBe(200);
  await listener.close();
  await expect(ask('127.0.0.1', port, '/a')).rejects.toThrow(/ECONNREFUSED/);
});

/** Waits for something that sockets make true; vitest's time limit ends a wait that is in vain. */
async function until(condition: () => boolean): Promise<void> {
  if (condition()) return;
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  await until(condition);
}
