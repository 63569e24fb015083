import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createDebugServer } from './debug-server.ts';
import type { HttpListener } from './http-listener.ts';
import { plainReply } from './http-serve.ts';
import type { PageAudience } from './page-guard.ts';
import { makePageRoutes } from './page-routes.ts';
import type { PageSummary } from './page/wire.ts';
import { Registry } from './metrics.ts';

const summary: PageSummary = {
  agent: { version: '1', mode: 'iptables', node: 'node-1', startedAt: 0 },
  synced: true,
  nodeEligible: true,
  families: [],
  dns: { configured: false, running: false, ready: false },
  ingress: { running: false, publications: 0 },
  problems: [],
  countsConnections: false,
};

let server: HttpListener;
let watches = 0;

async function start(audience: PageAudience): Promise<void> {
  const report = (): void => {};
  const common = { host: '127.0.0.1', clock: systemClock, report };
  const pages = makePageRoutes({
    ...common,
    audience,
    trace: async ({ body }) => plainReply(200, `traced ${await body()}`),
    feed: {
      clock: systemClock,
      summary: () => summary,
      figures: async () => ({ connections: null, dns: null }),
      watch: () => {
        watches += 1;
        return { take: () => [], waiting: 0, close: () => void (watches -= 1) };
      },
    },
  });
  server = createDebugServer({
    ...common,
    port: 0,
    mode: 'iptables',
    version: '1',
    flags: null,
    statusz: false,
    setVerbosity: null,
    configuration: () => ({}),
    registry: new Registry(),
    status: () => ({ mode: 'iptables', synced: true, rows: [] }),
    connections: async () => ({ mode: 'iptables', families: [], problems: [] }),
    pages,
    startedAt: 0,
  });
  await server.start();
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function open(path: string, { method = 'GET', headers = {}, body = '' }: Asked = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const port = server.bound[0]?.port ?? 0;
  request({ host: '127.0.0.1', port, path, method, headers, agent: false }, resolve).on('error', reject).end(body);
  return promise;
}

async function ask(
  path: string,
  asked: Asked = {},
): Promise<{ readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: string }> {
  const response = await open(path, asked);
  const parts = await Array.fromAsync(response as AsyncIterable<Buffer>);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() };
}

describe('the paths of the status page', () => {
  beforeEach(() => start('loopback'));
  afterEach(() => server.close());

  test('/ and /ui lead to it, wherever it is behind', async () => {
    for (const path of ['/', '/ui']) {
      const { status, headers } = await ask(path);
      expect([status, headers.location]).toEqual([302, 'ui/']);
    }
  });

  test('its files have a policy that allows its own origin alone, and name no other in what they load', async () => {
    const page = await ask('/ui/');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page.body).not.toMatch(/<(?:script(?! type="module" src=)|style)|\son[a-z]+=|\sstyle=/);
    const style = await ask('/ui/style.css');
    expect([style.headers['content-type'], style.headers['x-content-type-options']]).toEqual([
      'text/css; charset=utf-8',
      'nosniff',
    ]);
    expect(style.body).not.toContain('url(');
  });

  test('its scripts are JavaScript, and import what is served', async () => {
    const seen = new Set<string>();
    const waiting = ['/ui/browser/main.js'];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const { status, headers, body } = await ask(path);
      expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/javascript; charset=utf-8']);
      for (const [, specifier = ''] of body.matchAll(/from '([^']+)'/g))
        waiting.push(new URL(specifier, `http://x${path}`).pathname);
    }
    expect(seen.size).toBeGreaterThan(10);
    for (const path of [
      '/ui/browser/main.ts',
      '/ui/tsconfig.json',
      '/ui/format.test.js',
      '/ui/row.fixture.js',
      '/ui/../mod.ts',
    ]) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
    }
  });

  test('a trace is asked for with POST, by nobody else’s page', async () => {
    expect(await ask('/ui/trace')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect((await ask('/ui/trace', { method: 'POST', body: '{}' })).body).toBe('traced {}');
    const elsewhere: readonly Readonly<Record<string, string>>[] = [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { host: 'evil.example' },
    ];
    for (const headers of elsewhere) expect((await ask('/ui/trace', { method: 'POST', headers, body: '{}' })).status).toBe(403);
  });

  test('events come as they are, and a reader that hangs up is let go of', async () => {
    const stream = await open('/ui/events');
    expect(stream.headers['content-type']).toBe('text/event-stream');
    let text = '';
    for await (const part of stream as AsyncIterable<Buffer>) {
      text += part.toString();
      if (text.includes('event: ready')) break;
    }
    expect(text.match(/^event: \w+$/gm)).toEqual(['event: hello', 'event: summary', 'event: ready']);
    await expect.poll(() => watches).toBe(0);
    expect((await ask('/ui/events', { method: 'POST' })).status).toBe(405);
  });

  test('other pages of the address are as they were', async () => {
    expect((await ask('/healthz', { headers: { host: 'anything.example' } })).status).toBe(200);
  });
});

test('switched off, every path says by what', async () => {
  await start('off');
  for (const path of ['/', '/ui/', '/ui/events', '/ui/browser/main.js', '/ui/trace']) {
    expect(await ask(path)).toMatchObject({ status: 404, body: expect.stringContaining('statusPage') });
  }
  await server.close();
});
