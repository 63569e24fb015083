import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Problem } from '../model/mod.ts';
import { Registry, systemClock } from '../observe/mod.ts';
import type { HttpListener } from '../observe/mod.ts';
import { makeDnsPages } from './dns-pages.ts';

const anyPort = { host: '127.0.0.1', port: 0 };

describe('[DNS-120] the pages of health, readiness and metrics', () => {
  let open: readonly HttpListener[] = [];
  const state = { ready: false, alive: true };
  const problems: Problem[] = [];

  async function start(settings: Partial<Parameters<typeof makeDnsPages>[0]['settings']> = {}): Promise<readonly HttpListener[]> {
    open = await makeDnsPages({
      settings: { health: { ...anyPort, lameDuckMs: 0 }, ready: anyPort, metrics: anyPort, ...settings } as never,
      registry: new Registry(),
      ready: () => state.ready,
      alive: () => state.alive,
      clock: systemClock,
      report: (problem) => problems.push(problem),
    });
    return open;
  }

  afterEach(async () => {
    await Promise.all(open.map((one) => one.close()));
    problems.length = 0;
  });

  async function ask(listener: HttpListener | undefined, path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${listener?.bound[0]?.port}${path}`);
    return `${response.status} ${(await response.text()).trim()}`;
  }

  test('[DNS-116] /ready is 503 with what is missing until the cluster is known, and /health is 200 all the while', async () => {
    const [health, ready] = await start();
    expect([await ask(ready, '/ready'), await ask(health, '/health')]).toEqual(['503 kubernetes', '200 OK']);
    state.ready = true;
    expect([await ask(ready, '/ready'), await ask(health, '/health')]).toEqual(['200 OK', '200 OK']);
    state.ready = false;
    state.alive = false;
    expect(await ask(health, '/health')).toBe('503 a DNS thread does not answer');
    state.alive = true;
    expect([await ask(ready, '/other'), await ask(health, '/ready')].map((reply) => reply.slice(0, 3))).toEqual(['404', '404']);
  });

  test('pages that are not asked for are not served, and a port that is taken is told', async () => {
    expect(await start({ health: null, ready: null, metrics: null })).toEqual([]);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await start({ health: null, ready: null, metrics: { host: '127.0.0.1', port } });
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringContaining(`WP_OBSERVE_BIND the DNS metrics address 127.0.0.1:${port} cannot be bound`),
    ]);
    await new Promise((resolve) => other.close(resolve));
  });

  test('[DNS-119] /metrics has the text of the registry', async () => {
    const [, , metrics] = await start();
    expect(await ask(metrics, '/metrics')).toBe('200 ');
  });
});
