import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import type { StatusRow } from '../model/mod.ts';
import { Registry, createLogger, systemClock } from '../observe/mod.ts';
import { runWords } from './agent-stage.fixture.ts';
import { LiveConfig } from './live-config.ts';
import type { ProxyHandle } from './proxy-handle.ts';
import { startServers } from './start-servers.ts';

const row: StatusRow = {
  family: 'IPv4',
  service: 'shop/web',
  servicePort: 'shop/web:http/TCP',
  kind: 'ClusterIP',
  address: '10.96.0.80',
  protocol: 'TCP',
  port: 80,
  backends: 0,
  verdict: 'reject',
  state: 'Done',
  since: Date.now() - 90_000,
  reason: '',
  code: '',
};

const proxy: ProxyHandle = {
  rows: () => [row],
  compare: async () => [{ family: 'IPv4', problem: null, differences: [], pending: [], nodeChanged: false }],
  healthOf: () => [{ family: 'IPv4', lastUpdated: 1, pendingSince: null }],
  nodeEligible: () => true,
  synced: () => true,
  stop: async () => {},
};

let folder = '';
let socket = '';
let saved = '';
let servers: readonly { close(): Promise<void> }[] = [];

/** The servers of a real agent, with a socket and ports of their own. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wp-dump-'));
  socket = join(folder, 'agent.sock');
  saved = join(folder, 'state.json');
  const flags = { 'agent-socket': socket, 'healthz-port': '0' };
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  const started = await startServers({
    config: { ...loaded.config, metrics: { host: '127.0.0.1', port: 0 } },
    live: new LiveConfig(loaded.config),
    nodeName: 'node-1',
    proxy: () => proxy,
    registry: new Registry(),
    logger: createLogger({ format: 'text', verbosity: 0, now: Date.now, write: () => {} }),
    clock: systemClock,
    startedAt: Date.now(),
    report: ({ message }) => {
      throw new Error(message);
    },
    recent: () => [],
  });
  if (!started.ok) throw new Error(started.problem.message);
  servers = started.value;
  await writeFile(saved, (await runWords('dump', '--url', `unix:${socket}`)).out);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await rm(folder, { recursive: true });
});

/** What does not depend on when it was asked. */
const commands = [
  ['status', '-o', 'json'],
  ['services'],
  ['services', '--connections'],
  ['services', '-n', 'other', '-o', 'yaml'],
  ['endpoints', '-o', 'json'],
  ['endpoints', 'shop/none'],
  ['ingress'],
  ['diff'],
];

describe('a saved state', () => {
  test.each(commands.map((words) => [words] as const))('answers as the agent does: %j', async (words) => {
    const asked = await runWords(...words, '--url', `unix:${socket}`);
    const read = await runWords(...words, '--from', saved);
    const still = (text: string): string => text.replaceAll(/"now": \d+/g, '');
    expect({ ...read, out: still(read.out) }).toEqual({ ...asked, out: still(asked.out) });
  });

  test('knows Services without endpoints by their frontends', async () => {
    const { code, err } = await runWords('endpoints', 'shop/web', '--from', saved);
    expect([code, err]).toEqual([0, expect.stringMatching(/Service shop\/web has no endpoints\.\n$/)]);
  });

  test('counts ages from when it was saved', async () => {
    const old = JSON.parse((await runWords('dump', '--url', `unix:${socket}`)).out) as { savedAt: number };
    const path = join(folder, 'old.json');
    await writeFile(path, JSON.stringify({ ...old, savedAt: row.since + 7000 }));
    expect((await runWords('services', '--from', path)).out).toMatch(/Done +7s/);
  });

  test('has a version, and pages with no secret in them', async () => {
    const { code, out } = await runWords('dump', '--url', `unix:${socket}`);
    expect(code).toBe(0);
    const state = JSON.parse(out) as { readonly pages: Readonly<Record<string, { readonly status: number }>> };
    expect(state).toMatchObject({ version: 1, schema: 'waypost.dev/dump/v1' });
    expect(Object.entries(state.pages).map(([path, { status }]) => [path, status])).toEqual([
      ['/status', 200],
      ['/services', 200],
      ['/connections', 200],
      ['/endpoints/use', 200],
      ['/ingress', 404],
      ['/diff', 200],
      ['/configz', 200],
      ['/metrics', 200],
    ]);
    expect(out).not.toMatch(/token|password|certificate|private/i);
  });

  test.each([
    ['no JSON', 'status', 'not what waypost dump writes, waypost.dev/dump/v1'],
    ['{"version": 2, "schema": "waypost.dev/dump/v2"}', 'services', 'not what waypost dump writes'],
    ['{"version": 1, "schema": "waypost.dev/dump/v1", "savedAt": 1, "pages": {}}', 'diff', 'it has no page /diff'],
  ])('that is %s is refused', async (text, command, words) => {
    const path = join(folder, 'wrong.json');
    await writeFile(path, text);
    const { code, out, err } = await runWords(command, '--from', path);
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`waypost: --from ${path}: ${words}`)]);
  });

  test('stands in place of an agent, not beside one', async () => {
    const both = await runWords('status', '--from', saved, '--url', `unix:${socket}`);
    expect([both.code, both.err]).toEqual([
      2,
      expect.stringContaining("'--from <file>' cannot be used with option '--url <url>'"),
    ]);
    expect((await runWords('diff', '--from', join(folder, 'none'))).err).toContain('ENOENT');
  });
});

describe('where an agent is looked for', () => {
  test('places are tried in turn, and the first that can be asked answers', async () => {
    const { code, err } = await runWords('diff', '--url', `unix:${folder}/none,unix:${socket}`);
    expect([code, err]).toEqual([0, expect.any(String)]);
  });

  test('where none can be asked all are told', async () => {
    const { code, err } = await runWords('dump', '--url', `unix:${folder}/none,http://127.0.0.1:1`);
    expect(code).toBe(1);
    expect(err).toMatch(
      /no agent answers at unix:\S+\/none \/status \(.*ENOENT.*\) or http:\/\/127\.0\.0\.1:1\/status \(.*\): is /,
    );
  });

  test('a path that is not absolute is wrong usage', async () => {
    const { code, err } = await runWords('status', '--url', 'unix:agent.sock');
    expect([code, err]).toEqual([2, expect.stringContaining('not "unix:agent.sock"')]);
  });
});
