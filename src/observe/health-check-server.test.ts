import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Family, Outcome } from '../model/mod.ts';
import { answerHealthCheck, openHealthCheckServer } from './health-check-server.ts';
import { ask } from './http-request.fixture.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
if (!hasIpv6) process.stderr.write('SKIPPED: health check node ports in IPv6, for this machine has no ::1\n');

/** A port that is free on the wildcard of both families, a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, hasIpv6 ? '::' : '0.0.0.0', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

function open(
  port: number,
  hosts: readonly string[],
  over: { family?: Family; count?: () => number; healthy?: () => boolean } = {},
): Promise<Outcome<{ close(): Promise<void> }>> {
  const { family = 'IPv4', count = () => 2, healthy = () => true } = over;
  const about = { namespace: 'shop', name: 'web', family, hosts, port };
  return openHealthCheckServer({ ...about, localEndpoints: count, healthy, report: () => {} });
}

async function closing(opened: Outcome<{ close(): Promise<void> }>): Promise<void> {
  if (!opened.ok) throw new Error(opened.problem.message);
  await opened.value.close();
}

describe('[SP-124] the answer', () => {
  test('byte for byte', () => {
    expect(answerHealthCheck({ namespace: 'ns', name: 'svc' }, 2, true)).toEqual({
      status: 200,
      headers: {
        'Content-Type': 'application/json',
        'X-Content-Type-Options': 'nosniff',
        'X-Load-Balancing-Endpoint-Weight': '2',
      },
      body: '{\n\t"service": {\n\t\t"namespace": "ns",\n\t\t"name": "svc"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    });
  });

  test('any path and method, 503 without an endpoint, as things are when it is asked for', async () => {
    let count = 1;
    const port = await freePort();
    const opened = await open(port, ['127.0.0.1'], { count: () => count });
    for (const [path, method] of [
      ['/', 'GET'],
      ['/healthz?x=1', 'POST'],
      ['/a/b', 'DELETE'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop
      expect((await ask('127.0.0.1', port, path, method)).status).toBe(200);
    }
    count = 0;
    expect(await ask('127.0.0.1', port, '/')).toMatchObject({
      status: 503,
      headers: { 'x-load-balancing-endpoint-weight': '0' },
    });
    expect(await ask('127.0.0.1', port, '/', 'HEAD')).toMatchObject({ status: 503, body: '' });
    await closing(opened);
  });

  test('[SP-125] [SP-127] while the data plane is ill: 503, and the weight all the same', async () => {
    const port = await freePort();
    const opened = await open(port, ['127.0.0.1'], { healthy: () => false });
    const { status, headers, body } = await ask('127.0.0.1', port, '/');
    expect(status).toBe(503);
    expect(headers['x-load-balancing-endpoint-weight']).toBe('2');
    expect(JSON.parse(body)).toMatchObject({ localEndpoints: 2, serviceProxyHealthy: false });
    await closing(opened);
  });
});

describe('[SP-128] addresses', () => {
  test.skipIf(!hasIpv6)(
    `the wildcards of both families are two listeners on one port${hasIpv6 ? '' : ' [skipped: no ::1]'}`,
    async () => {
      const port = await freePort();
      const six = await open(port, ['::'], { family: 'IPv6', count: () => 6 });
      await expect(ask('127.0.0.1', port, '/')).rejects.toThrow(/ECONNREFUSED/);
      const four = await open(port, ['0.0.0.0'], { count: () => 4 });
      expect((await ask('127.0.0.1', port, '/')).headers['x-load-balancing-endpoint-weight']).toBe('4');
      expect((await ask('::1', port, '/')).headers['x-load-balancing-endpoint-weight']).toBe('6');
      await closing(four);
      await closing(six);
    },
  );

  test('only those listed are listened on, and all of them', async () => {
    const port = await freePort();
    const opened = await open(port, ['127.0.0.2', '127.0.0.3']);
    expect((await ask('127.0.0.2', port, '/')).status).toBe(200);
    expect((await ask('127.0.0.3', port, '/')).status).toBe(200);
    await expect(ask('127.0.0.1', port, '/')).rejects.toThrow(/ECONNREFUSED/);
    await closing(opened);
    await expect(ask('127.0.0.2', port, '/')).rejects.toThrow(/ECONNREFUSED/);
  });

  test('[SP-129] one that is taken fails the whole, closes the others and says which', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.3', resolve);
    });
    const { port } = holder.address() as AddressInfo;
    const opened = await open(port, ['127.0.0.2', '127.0.0.3']);
    expect(opened).toMatchObject({
      ok: false,
      problem: {
        code: 'WP_OBSERVE_HEALTH_CHECK_PORT',
        message: expect.stringContaining(`127.0.0.3:${port} of Service shop/web`) as string,
      },
    });
    await expect(ask('127.0.0.2', port, '/')).rejects.toThrow(/ECONNREFUSED/);
    await new Promise((resolve) => {
      holder.close(resolve);
    });
  });
});
