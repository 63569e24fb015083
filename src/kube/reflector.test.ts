import { expect, test } from 'vitest';
import { succeed } from '../model/mod.ts';
import type { ApiClient } from './client-api.ts';
import { end, event, longWatch, play, respond, ScriptClock, thing, things } from './reflector-script.fixture.ts';
import type { Answer, Run } from './reflector-script.fixture.ts';
import { runReflector } from './reflector.ts';
import { defaultTimings } from './reflector-types.ts';

const listed: Answer = { pieces: [event('ADDED', thing('a', 3)), end(5)], lasts: longWatch };
const resumed: Answer = { lasts: longWatch };
const page = (items: readonly object[], version: number, next = ''): string =>
  JSON.stringify({ kind: 'ThingList', metadata: { resourceVersion: String(version), continue: next }, items });

test('a streaming list is asked for first, and its watch goes on', async () => {
  const run = await play([
    { pieces: [event('ADDED', thing('a', 3)), end(5), event('ADDED', thing('b', 6))], lasts: longWatch },
    listed,
  ]);
  expect(run.queries).toEqual([
    {
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      timeoutSeconds: '450',
      labelSelector: 'a=b',
    },
    { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '6', timeoutSeconds: '450', labelSelector: 'a=b' },
  ]);
  expect(run.log.slice(0, 3)).toEqual(['+a', 'listed', '+b']);
  // Quiet is short while initial events are due, then as long as the watch may last and a little more.
  expect(run.idle.slice(0, 2)).toEqual([10_000, 480_000]);
});

test('watches end between five and ten minutes, spread over the cluster', async () => {
  const seconds = await Promise.all(
    [0, 0.999].map(async (random) => (await play([listed], random)).queries[0]?.['timeoutSeconds']),
  );
  expect(seconds).toEqual(['300', '599']);
});

test('initial events are shown only when all are there, and corrected by what follows them', async () => {
  const broken = await play([{ pieces: [event('ADDED', thing('a', 3))], ends: 'broken' }]);
  expect(broken.log).toEqual([]);
  const early = [
    event('ADDED', thing('a', 3)),
    event('ADDED', thing('b', 3)),
    event('MODIFIED', thing('a', 4, 2)),
    event('DELETED', thing('b', 5)),
  ];
  const run = await play([{ pieces: [...early, end(5)], lasts: longWatch }]);
  expect([...run.things.values()]).toEqual([{ name: 'a', size: 2 }]);
});

test('a later list is a difference: held, additions before removals', async () => {
  const gone = event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
  const run = await play([
    { pieces: [event('ADDED', thing('a', 3)), event('ADDED', thing('b', 3)), end(5), gone], lasts: longWatch },
    { pieces: [event('ADDED', thing('b', 7)), event('ADDED', thing('c', 7)), end(8)], lasts: longWatch },
  ]);
  expect(run.log).toEqual(['+a', '+b', 'listed', '(', '+b', '+c', '-a', ')']);
  expect(run.waits).toEqual([]);
  expect(run.codes).toEqual(['WP_KUBE_EXPIRED']);
});

test('failures wait longer and longer, and a watch that works begins anew', async () => {
  const refused: Answer = { unreachable: true };
  const run = await play([refused, refused, refused, refused, listed, refused, refused]);
  expect(run.waits).toEqual([800, 1600, 3200, 6400, 800, 1600]);
});

test('versions that are always too old are backed off as well', async () => {
  const gone: Answer = { status: 410 };
  const short: Answer = { pieces: [end(5)], ends: 'broken' };
  const run = await play([short, gone, short, gone, short, gone]);
  expect(run.waits).toEqual([800, 1600, 3200, 6400, 12_800, 25_600]);
});

test('only the first 401 in a row is answered at once, each with fresh credentials', async () => {
  const run = await play([{ status: 401 }, { status: 401 }, { status: 401 }, listed, { status: 401 }]);
  expect(run.waits).toEqual([1600, 3200]);
  expect(run.forgotten).toBe(4);
});

test('Retry-After is obeyed over the own delay, from the header or the Status, but not for hours', async () => {
  const status = JSON.stringify({ kind: 'Status', code: 503, details: { retryAfterSeconds: 9 } });
  const run = await play([
    { status: 429, retryAfterMs: 5000 },
    { status: 503, pieces: [status] },
    { status: 429, retryAfterMs: 1000 },
    { status: 429, retryAfterMs: 90_000_000 },
  ]);
  expect(run.waits).toEqual([5000, 9000, 3200, 300_000]);
});

test('an outage of five minutes ends with a list, a shorter one with a resumed watch', async () => {
  const refused: Answer = { unreachable: true };
  const short = await play([listed, refused, refused, refused, resumed]);
  expect(short.queries.at(-1)?.['resourceVersion']).toBe('5');
  const long = await play([listed, ...Array.from({ length: 16 }, () => refused), listed]);
  expect(long.queries.at(-1)).toMatchObject({ sendInitialEvents: 'true' });
  // A watch that was merely idle for hours was no outage.
  const idle = await play([{ ...listed, lasts: 36_000_000, ends: 'broken' }, resumed]);
  expect(idle.queries.at(-1)?.['resourceVersion']).toBe('5');
});

test('an ERROR event other than 410 resumes', async () => {
  const error = event('ERROR', { kind: 'Status', code: 500, message: 'etcd leader changed' });
  const run = await play([{ pieces: [end(5), error], lasts: longWatch }, resumed]);
  expect(run.queries[1]?.['resourceVersion']).toBe('5');
  expect([run.waits, run.codes]).toEqual([[800], ['WP_KUBE_STATUS']]);
});

test('a regular end in the middle of an event is none', async () => {
  const run = await play([{ pieces: [end(5), '{"type":"MODIFIED","obj'], lasts: longWatch }, resumed]);
  expect([run.codes, run.waits, run.queries[1]?.['resourceVersion']]).toEqual([['WP_KUBE_RESET'], [800], '5']);
});

test.each<[string, Answer]>([
  ['break off', { pieces: [event('ADDED', thing('a', 3))], ends: 'broken' }],
  ['are answered with 500', { status: 500 }],
])('streaming lists that %s twice give way to pages, for this list only', async (_, broken) => {
  const gone: Answer = { status: 410, lasts: longWatch };
  const run = await play([broken, broken, { pieces: [page([thing('a', 3)], 9)] }, gone, listed]);
  expect(run.queries[2]).toEqual({ limit: '500', labelSelector: 'a=b' });
  expect(run.queries[3]?.['resourceVersion']).toBe('9');
  expect(run.queries[4]).toMatchObject({ sendInitialEvents: 'true' });
});

test('without streaming the version is that of the first page', async () => {
  const run = await play([
    { status: 422 },
    { pieces: [page([thing('a', 1)], 9, 'next')] },
    { pieces: [page([thing('b', 11)], 12)] },
    resumed,
  ]);
  expect(run.queries[2]).toEqual({ limit: '500', continue: 'next', labelSelector: 'a=b' });
  expect(run.queries[3]?.['resourceVersion']).toBe('9');
  expect(run.log.slice(0, 3)).toEqual(['+a', '+b', 'listed']);
  expect(run.codes).toEqual([]);
});

test.each([
  ['HTML', '<html>login</html>'],
  ['a list without a version', '{"items":[],"metadata":{}}'],
  ['half a list', '{"items":[],"metadata":{"resourceVersion":"4"}'],
  ['an item that is no JSON', '{"items":[{x}],"metadata":{"resourceVersion":"4"}}'],
])('%s is no list: nothing is applied', async (_, body) => {
  const run = await play([{ status: 422 }, { pieces: [body] }]);
  expect(run.log).toEqual([]);
  expect(run.codes).toEqual(['WP_KUBE_NOT_A_LIST']);
});

test('a decoder that throws costs one object only', async () => {
  const run = await play([
    { pieces: [event('ADDED', thing('a', 3, 'explode')), event('ADDED', thing('b', 4)), end(5)], lasts: longWatch },
  ]);
  expect([run.codes, [...run.things.keys()]]).toEqual([['WP_KUBE_OBJECT'], ['b']]);
});

test('what is malformed keeps its last good version until it is deleted', async () => {
  const bad = event('MODIFIED', thing('a', 6, 'large'));
  const kept = await play([{ pieces: [event('ADDED', thing('a', 3)), end(5), bad], lasts: longWatch }]);
  expect(kept.things.get('a')).toEqual({ name: 'a', size: 1 });
  const gone = await play([
    { pieces: [event('ADDED', thing('a', 3)), end(5), bad, event('DELETED', thing('a', 7, 'large'))], lasts: longWatch },
  ]);
  expect(gone.things.size).toBe(0);
});

test('ten thousand objects are read with a chance to pause after each', async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `t${index}`);
  for (const script of [
    [{ pieces: [...names.map((name) => event('ADDED', thing(name, 1))), end(2)], lasts: longWatch }],
    [
      { status: 422 },
      {
        pieces: [
          page(
            names.map((name) => thing(name, 1)),
            2,
          ),
        ],
      },
    ],
  ]) {
    const { longest, turns, count } = await countWork(script);
    expect(count).toBe(10_000);
    // Each object is decoded once and handed over once: never two of either without asking.
    expect(longest).toBe(1);
    expect(turns).toBeGreaterThanOrEqual((2 * 10_000) / 100);
  }
});

/** Plays a script with a pause that gives way at every hundredth question. */
async function countWork(script: readonly Answer[]): Promise<{ longest: number; turns: number; count: number }> {
  let sincePause = 0;
  let asked = 0;
  const seen = { longest: 0, turns: 0, count: 0 };
  const work = (): void => {
    sincePause += 1;
    seen.longest = Math.max(seen.longest, sincePause);
  };
  const stop = new AbortController();
  const left = [...script];
  const idle: Run = { queries: [], idle: [], log: [], waits: [], codes: [], forgotten: 0, things: new Map() };
  const clock = new ScriptClock([]);
  const client: ApiClient = {
    async get() {
      const answer = left.shift();
      if (answer === undefined) stop.abort();
      return succeed(respond(answer ?? {}, clock, idle));
    },
    forgetCredentials() {},
    close() {},
  };
  const decode = (raw: unknown): ReturnType<typeof things.decode> => {
    work();
    return things.decode(raw);
  };
  const sink = {
    upsert: (): void => {
      work();
      seen.count += 1;
    },
    remove() {},
    hold() {},
    release() {},
    listed() {},
    problem() {},
  };
  const pause = (): Promise<void> | null => {
    sincePause = 0;
    asked += 1;
    if (asked % 100 !== 0) return null;
    seen.turns += 1;
    return new Promise((resolve) => void setImmediate(resolve));
  };
  const rest = { client, clock, random: () => 0.5, takeTurn: () => 0, pageLimit: 0, timings: defaultTimings };
  await runReflector({ ...rest, resource: { ...things, decode }, sink, pause }, stop.signal);
  return seen;
}
