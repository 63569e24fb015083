import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runWords, startAgentStage } from './agent-stage.fixture.ts';
import type { AgentStage, Printed } from './agent-stage.fixture.ts';
import { judgeStatus } from './status-findings.ts';
import { describeFamilies, makeStatusPages } from './status-page.ts';
import type { FamilyStatus, NodeStatus } from './status-page.ts';

const now = 1_000_000_000;
const family: FamilyStatus = {
  family: 'IPv4',
  lastUpdated: now - 12_000,
  pendingSince: null,
  healthy: true,
  frontends: { Pending: 0, Done: 120, Error: 0 },
};
const healthy: NodeStatus = {
  now,
  agent: { version: '1.2.3', mode: 'ipvs', node: 'node-1', startedAt: now - 90_000_000 },
  synced: true,
  nodeEligible: true,
  families: [family],
  healthChecks: [],
  dns: { configured: false, running: false, ready: false },
  ingress: { running: false, publications: 0 },
  problems: [],
};

test('families, IPv4 first, with their frontends by state', () => {
  const waiting = { family: 'IPv6' as const, lastUpdated: null, pendingSince: now - 60_000 };
  const tallies = [
    { family: 'IPv4' as const, states: { Pending: 0, Done: 2, Error: 1 } },
    { family: 'IPv6' as const, states: { Pending: 1, Done: 0, Error: 0 } },
  ];
  const done = { family: 'IPv4' as const, lastUpdated: now, pendingSince: null };
  expect(describeFamilies([waiting, done], tallies, { now, patience: 60_000 })).toEqual([
    { ...done, healthy: true, frontends: { Pending: 0, Done: 2, Error: 1 } },
    { ...waiting, healthy: false, frontends: { Pending: 1, Done: 0, Error: 0 } },
  ]);
  expect(describeFamilies([waiting], tallies, { now, patience: 60_001 })[0]?.healthy).toBe(true);
  expect(describeFamilies([], tallies, { now, patience: 1 })).toEqual([]);
});

describe('what is wrong', () => {
  test.each<[string, Partial<NodeStatus>, readonly RegExp[]]>([
    ['nothing', {}, []],
    ['a Node that is about to leave is as it should be', { nodeEligible: false }, []],
    ['nothing was begun', { synced: false, families: [] }, [/has not begun to write rules/]],
    ['not all was written yet', { synced: false }, [/first sync is not complete/]],
    [
      'a change waits too long, and frontends are refused',
      { families: [{ ...family, healthy: false, pendingSince: now - 125_000, frontends: { Pending: 1, Done: 0, Error: 2 } }] },
      [/^IPv4: a change has waited for the kernel for 2m5s$/, /^IPv4: the kernel refused 2 frontends$/],
    ],
    ['a change that waits in time is nothing', { families: [{ ...family, pendingSince: now - 1000 }] }, []],
    [
      'a health check port is taken',
      { healthChecks: [{ service: 'shop/web', family: 'IPv6', port: 32000, listening: false, localEndpoints: 1 }] },
      [/^health check port 32000 of shop\/web cannot be listened on in IPv6/],
    ],
    ['DNS could not start', { dns: { configured: true, running: false, ready: false } }, [/DNS is configured and off/]],
    ['DNS is not ready', { dns: { configured: true, running: true, ready: false } }, [/DNS is on and not ready/]],
    ['DNS waits for the first sync', { synced: false, dns: { configured: true, running: true, ready: false } }, [/first sync/]],
    ['DNS is ready', { dns: { configured: true, running: true, ready: true } }, []],
  ])('%s', (_, over, expected) => {
    const found = judgeStatus({ ...healthy, ...over });
    expect(found.map(({ message }) => message)).toEqual(expected.map((text) => expect.stringMatching(text) as string));
    for (const { advice } of found) expect(advice).not.toBe('');
  });
});

describe('waypost status', () => {
  let status = healthy;
  let served = true;
  let stage: AgentStage;
  beforeAll(async () => {
    stage = await startAgentStage(() => (served ? makeStatusPages(() => status) : new Map()));
  });
  afterAll(() => stage.close());
  const run = (...words: readonly string[]): Promise<Printed> => runWords('status', '--url', stage.url, ...words);

  test('a healthy node', async () => {
    status = healthy;
    expect(await run()).toEqual({
      code: 0,
      err: '',
      out: [
        'node-1: healthy',
        'waypost 1.2.3 in mode ipvs, running for 1d1h',
        'DNS off, ingress off',
        '',
        'FAMILY  LAST SYNC  WAITS SINCE  DONE  PENDING  REFUSED',
        'IPv4      12s ago            -   120        0        0',
        '',
      ].join('\n'),
    });
  });

  test('a node with everything, and something wrong', async () => {
    status = {
      ...healthy,
      nodeEligible: false,
      families: [{ ...family, lastUpdated: null, pendingSince: now - 3000, frontends: { Pending: 2, Done: 1, Error: 1 } }],
      healthChecks: [{ service: 'shop/web', family: 'IPv4', port: 32000, listening: true, localEndpoints: 2 }],
      dns: { configured: true, running: true, ready: true },
      ingress: { running: true, publications: 3 },
      problems: [{ code: 'WP_TEST_A', message: 'no \u001b[31mroom', at: now - 5000, times: 4 }],
    };
    const printed = await run();
    expect([printed.code, printed.err]).toEqual([1, '']);
    expect(printed.out).toBe(
      [
        'node-1: not healthy',
        'waypost 1.2.3 in mode ipvs, running for 1d1h',
        'the Node is unknown or about to leave: /healthz sends load balancers to other nodes',
        'DNS on, ready, ingress on, 3 published',
        '',
        'FAMILY  LAST SYNC  WAITS SINCE  DONE  PENDING  REFUSED',
        'IPv4        never       3s ago     1        2        1',
        '',
        'HEALTH CHECK OF  FAMILY   PORT  LISTENS  LOCAL ENDPOINTS',
        'shop/web         IPv4    32000  yes                    2',
        '',
        'Problems of the last ten minutes:',
        String.raw`  5s ago, 4 times: no \u{1b}[31mroom (WP_TEST_A)`,
        '',
        'IPv4: the kernel refused 1 frontend: waypost services --errors says which and why',
        '',
      ].join('\n'),
    );
    const document = JSON.parse((await run('-o', 'json')).out) as Record<string, unknown>;
    expect(document).toEqual({ version: 1, healthy: false, findings: judgeStatus(status), ...status });
    expect(parse((await run('-o', 'yaml')).out)).toEqual(document);
  });

  test('the exit code for programs is the same', async () => {
    expect((await run('-o', 'json')).code).toBe(1);
    status = healthy;
    expect((await run('-o', 'yaml')).code).toBe(0);
  });

  test('no agent, an agent without the page, and wrong usage', async () => {
    const nobody = await runWords('status', '--url', 'http://127.0.0.1:1');
    expect([nobody.code, nobody.out]).toEqual([1, '']);
    expect(nobody.err).toMatch(/^waypost: no agent answers at http:\/\/127\.0\.0\.1:1\/status \(.*\): is "waypost run" running/);
    served = false;
    const older = await run();
    served = true;
    expect([older.code, older.out]).toEqual([1, '']);
    expect(older.err).toMatch(/\/status answers \(status 404\), but not as a waypost agent of this version does/);
    expect((await run('now')).code).toBe(2);
    expect((await run('-o', 'xml')).code).toBe(2);
  });
});
