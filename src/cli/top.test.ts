import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Clock, DestinationConnections } from '../model/mod.ts';
import { jsonReply } from '../observe/mod.ts';
import type { ConnectionsReport } from '../observe/mod.ts';
import { CountAdder } from './count-adder.ts';
import type { ServiceSum } from './count-adder.ts';
import { runWords, startAgentStage } from './agent-stage.fixture.ts';
import type { AgentStage, Printed } from './agent-stage.fixture.ts';
import { drawScreen, screenModes } from './top-print.ts';
import { sortRows } from './top-rows.ts';
import type { TopRow } from './top-rows.ts';
import { runTop } from './top.ts';
import type { TopOptions, TopPlace } from './top.ts';

function destination(endpoint: string, active: number, inactive = 0, draining = false): DestinationConnections {
  const passed = { connections: 10 * active, inPackets: 2000 * active, outPackets: active, inBytes: 1e6 * active, outBytes: 0 };
  return { endpoint, weight: 1, active, inactive, persistent: 1, draining, ...passed };
}

function reportOf(web: number, api: number): ConnectionsReport {
  const servers = [
    {
      server: 'TCP 10.96.0.1:80',
      service: 'shop/web',
      destinations: [destination('10.244.1.1:80', web, 4), destination('10.244.1.2:80', 1)],
    },
    { server: 'TCP 192.0.2.11:30080', service: 'shop/web', destinations: [destination('10.244.1.1:80', 2)] },
    { server: 'FWM 9 IPv4', service: null, destinations: [destination('192.0.2.7:0', 99)] },
  ];
  const others = [{ server: 'TCP [fd00::a]:80', service: 'team/api', destinations: [destination('[fd00::1]:80', api, 0, true)] }];
  return {
    mode: 'ipvs',
    families: [
      { family: 'IPv4', servers },
      { family: 'IPv6', servers: others },
    ],
    problems: [],
  };
}

/** The rows of the second look, so many seconds after the first. */
async function compare(
  looks: readonly [ConnectionsReport, ConnectionsReport],
  seconds: number,
  options: Parameters<typeof sortRows>[1],
): Promise<readonly TopRow[]> {
  const adder = new CountAdder(async () => {});
  let sums: ServiceSum[] = [];
  for (const [index, look] of looks.entries()) {
    sums = [];
    await adder.take(look, index * seconds * 1000, (sum) => sums.push(sum));
  }
  return sortRows(sums, options);
}

describe('two looks', () => {
  test('are added up by Service, the most active first', async () => {
    expect(await compare([reportOf(1, 30), reportOf(6, 10)], 2, { by: 'service' })).toEqual([
      {
        service: 'team/api',
        endpoint: null,
        active: 10,
        inactive: 0,
        persistent: 1,
        connections: 100,
        inPackets: 20_000,
        outPackets: 10,
        inBytes: 10_000_000,
        outBytes: 0,
        activePerSecond: -10,
        inactivePerSecond: 0,
        // The counters went backwards: the endpoint was taken out and put in again, and has counted so much since.
        connectionsPerSecond: 50,
        inPacketsPerSecond: 10_000,
        outPacketsPerSecond: 5,
        inBytesPerSecond: 5_000_000,
        outBytesPerSecond: 0,
        draining: true,
      },
      {
        service: 'shop/web',
        endpoint: null,
        active: 9,
        inactive: 4,
        persistent: 3,
        connections: 90,
        inPackets: 18_000,
        outPackets: 9,
        inBytes: 9_000_000,
        outBytes: 0,
        activePerSecond: 2.5,
        inactivePerSecond: 0,
        connectionsPerSecond: 25,
        inPacketsPerSecond: 5000,
        outPacketsPerSecond: 2.5,
        inBytesPerSecond: 2_500_000,
        outBytesPerSecond: 0,
        draining: false,
      },
    ]);
  });

  test('or by endpoint; what is new had nothing, and what passed is not known of a family that was not looked at', async () => {
    const empty: ConnectionsReport = { mode: 'ipvs', families: [], problems: [] };
    const unseen: ConnectionsReport = { ...empty, families: [{ family: 'IPv4', servers: [] }] };
    const wanted = { by: 'endpoint', namespace: 'shop' } as const;
    const numbers = (rows: readonly TopRow[]): unknown =>
      rows.map((row) => [row.endpoint, row.active, row.activePerSecond, row.inactivePerSecond, row.connectionsPerSecond]);
    expect(numbers(await compare([unseen, reportOf(6, 10)], 4, wanted))).toEqual([
      ['10.244.1.1:80', 8, 2, 1, 20],
      ['10.244.1.2:80', 1, 0.25, 0, 2.5],
    ]);
    expect(numbers(await compare([empty, reportOf(6, 10)], 4, wanted))).toEqual([
      ['10.244.1.1:80', 8, 2, 1, null],
      ['10.244.1.2:80', 1, 0.25, 0, null],
    ]);
    expect(await compare([reportOf(1, 1), empty], 1, { by: 'service' })).toEqual([]);
  });
});

describe('a screen', () => {
  test('has colours only where they are wanted, and no line more than fits', () => {
    expect(drawScreen(['head', 'a'], { rows: 9, color: false })).toBe('\u001b[Hhead\u001b[K\r\na\u001b[K\u001b[J');
    expect(drawScreen(['head', 'a', 'b', 'c'], { rows: 3, color: true })).toBe(
      '\u001b[H\u001b[1mhead\u001b[22m\u001b[K\r\na\u001b[K\r\nand 2 more\u001b[K\u001b[J',
    );
  });
});

describe('waypost top', () => {
  /** What the agent answers, one after the other; the last goes on. Null: it has no such page. */
  let answers: (ConnectionsReport | null)[] = [];
  let stage: AgentStage;
  beforeAll(async () => {
    stage = await startAgentStage(() => {
      const [next = null] = answers.length > 1 ? answers.splice(0, 1) : answers;
      return next === null ? new Map() : new Map([['/connections', () => jsonReply(200, next)]]);
    });
  });
  afterAll(() => stage.close());

  /** Runs it in a place where time passes at once; on a terminal it is told to end after so many intervals. */
  async function run(over: Partial<TopOptions> = {}, looks: number | null = null): Promise<Printed> {
    const printed = { out: '', err: '' };
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    let now = 0;
    let left = looks ?? Number.POSITIVE_INFINITY;
    const clock: Clock = {
      now: () => now,
      after: (milliseconds, action) => {
        left -= 1;
        if (left < 0) stop();
        else {
          now += milliseconds;
          queueMicrotask(action);
        }
        return () => {};
      },
    };
    const place: TopPlace = { clock, screen: looks === null ? null : { rows: () => 24, color: false }, stopped: () => stopped };
    const terminal = { out: (text: string) => void (printed.out += text), err: (text: string) => void (printed.err += text) };
    const options: TopOptions = { url: stage.url, output: 'table', by: 'service', interval: '2s', once: false, ...over };
    return { code: await runTop(options, terminal, place), ...printed };
  }

  test('without a terminal: one table after one interval', async () => {
    answers = [reportOf(1, 30), reportOf(6, 10)];
    expect(await run()).toEqual({
      code: 0,
      err: '',
      out: [
        'SERVICE   ACTIVE    +/S  INACTIVE  NEW/S  PKT/S IN  OUT  OCT/S IN  OUT  STATE',
        'team/api      10  -10.0         0     50       10k    5        5M    0  draining',
        'shop/web       9   +2.5         4     25        5k  2.5      2.5M    0',
        '',
      ].join('\n'),
    });
    answers = [reportOf(1, 1)];
    expect((await run({ by: 'endpoint', namespace: 'shop' })).out).toMatch(
      /^SERVICE +ENDPOINT .*\nshop\/web +10\.244\.1\.1:80 +3 +0 +4 +0 +0 +0 +0 +0\nshop\/web +10\.244\.1\.2:80 .*\n$/,
    );
    expect(await run({ namespace: 'none' })).toEqual({ code: 0, out: '', err: 'No endpoints to show.\n' });
  });

  test('for programs', async () => {
    answers = [reportOf(1, 30), reportOf(6, 10)];
    const document = JSON.parse((await run({ output: 'json' }, 5)).out) as unknown;
    const rows = await compare([reportOf(1, 30), reportOf(6, 10)], 2, { by: 'service' });
    expect(document).toEqual({ version: 1, mode: 'ipvs', by: 'service', seconds: 2, rows, problems: [] });
    answers = [reportOf(1, 30), reportOf(6, 10)];
    expect(parse((await run({ output: 'yaml' })).out)).toEqual(document);
  });

  test('an agent that does not tell what passes, or whose driver cannot, gets a mark for it', async () => {
    const bare = (endpoint: string): object => ({ endpoint, weight: 1, active: 3, inactive: 0, persistent: 0, draining: false });
    const server = { server: 'TCP 10.96.0.1:80', service: 'shop/web', destinations: [bare('10.244.1.1:80')] };
    answers = [{ mode: 'ipvs', families: [{ family: 'IPv4', servers: [server] }], problems: [] } as unknown as ConnectionsReport];
    expect((await run()).out).toMatch(/^SERVICE .*\nshop\/web +3 +0 +0 +- +- +- +- +-\n$/);
  });

  test('120 columns hold a line of long numbers', async () => {
    const wide = (times: number): ConnectionsReport => {
      const passed = { connections: 1e5, inPackets: 1e6, outPackets: 1.11e6, inBytes: 1.11e9, outBytes: 1.11e10 };
      const counters = Object.fromEntries(Object.entries(passed).map(([name, value]) => [name, value * times]));
      const one = { ...destination('10.244.123.234:8080', 1000 * times, 123_456, true), ...counters };
      const server = { server: 'TCP 10.96.0.1:80', service: 'payments/gateway-api', destinations: [one] };
      return { mode: 'ipvs', families: [{ family: 'IPv4', servers: [server] }], problems: [] };
    };
    answers = [wide(1), wide(100)];
    const lines = (await run({ by: 'endpoint' })).out.split('\n');
    expect(lines[1]).toMatch(/\+49500\.0 +123456 +4\.95M +49\.5M +54\.9M +54\.9G +549G +draining$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test('on a terminal: drawn anew with each interval until it is told to end, and the screen is as before', async () => {
    answers = [reportOf(1, 1), reportOf(3, 1), null, reportOf(5, 1)];
    const { code, out, err } = await run({}, 3);
    expect([code, err]).toEqual([0, '']);
    expect(out.startsWith(screenModes.enter)).toBe(true);
    expect(out.endsWith(screenModes.leave)).toBe(true);
    const drawn = out.split('\u001b[H').slice(1);
    expect(drawn).toHaveLength(4);
    expect(drawn[0]).toContain('Connections, in 2s; Ctrl-C ends');
    expect(drawn[1]).toMatch(/shop\/web +6 +\+1\.0 /);
    // The agent was away in between, and the rate is over both intervals.
    expect(drawn[2]).toMatch(/No connections to show.*\r\n.*answers \(status 404\), but not as a waypost agent/);
    expect(drawn[3]).toMatch(/shop\/web +8 +\+0\.5 /);
    answers = [reportOf(1, 1)];
    expect((await run({ once: true }, 3)).out).toMatch(/^SERVICE/);
  });

  test('a family that cannot be counted is told beside the other', async () => {
    answers = [{ ...reportOf(1, 1), problems: [{ code: 'WP_IPVS_REFUSED', message: 'the kernel said no' }] }];
    const half = await run();
    expect([half.code, half.err]).toEqual([1, 'waypost: the kernel said no\n']);
    expect(half.out).toMatch(/^SERVICE/);
    expect((await run({}, 1)).out).toContain('\u001b[Hthe kernel said no\u001b[K\r\nSERVICE');
  });

  test('what cannot be shown is one sentence', async () => {
    answers = [{ mode: 'iptables', families: [], problems: [] }];
    expect(await run({}, 3)).toEqual({
      code: 1,
      out: '',
      err: 'In mode iptables the kernel counts no connections by Service or endpoint, only in mode ipvs: conntrack -L lists them one by one.\n',
    });
    answers = [null];
    expect(await run()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('answers (status 404)') as string });
    answers = [reportOf(1, 1), null];
    expect(await run()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('answers (status 404)') as string });
    expect((await run({ url: 'http://127.0.0.1:1' })).err).toMatch(/^waypost: no agent answers at/);
    for (const interval of ['soon', '0s', '100ms', '2h']) {
      const wrong = `waypost: --interval must be a duration from 200ms to 1h, not "${interval}"\n`;
      expect(await run({ interval })).toEqual({ code: 2, out: '', err: wrong });
    }
    expect((await runWords('top', '--by', 'node')).code).toBe(2);
  });
});
