import { expect, test } from 'vitest';
import { fail, parseAddress, succeed, unknownTraffic } from '../model/mod.ts';
import type { Address, Clock, Problem, ServerConnections } from '../model/mod.ts';
import { createFakeConntrack } from '../netlink/mod.ts';
import { retire } from './clean-servers.ts';
import type { TakenOver } from './clean-servers.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}

const taken: TakenOver = {
  family: 'IPv4',
  settings: {
    podTraffic: { kind: 'none' },
    nodePorts: { kind: 'all-local', loopback: false },
    masqueradeBit: 14,
    nodeAddress: null,
  },
  localAddresses: [address('192.0.2.11')],
};

const server: ServerConnections = {
  server: 'TCP 10.96.0.1:80',
  service: 'shop/web',
  destinations: [
    { endpoint: '10.244.0.1:80', weight: 1, draining: false, active: 9, inactive: 9, persistent: 0, ...unknownTraffic },
  ],
};
const foreign: ServerConnections = { ...server, service: null };

/** So many connections to the server's destination. */
function flows(count: number): string {
  return 'TCP 0AF4000A A8C2 0A600001 0050 0AF40001 0050 ESTABLISHED    7499\n'.repeat(count);
}

/** A plane whose connections are counted one after the other, the last again and again, by a clock that every look moves on. */
function setStage(counts: readonly number[], servers: readonly ServerConnections[] = [server], drainMs = 300_000, readingMs = 0) {
  const calls: string[] = [];
  const problems: Problem[] = [];
  const conntrack = createFakeConntrack();
  const abort = new AbortController();
  let time = 1_000_000;
  const clock: Clock = {
    now: () => time,
    after: (delay, callback) => {
      queueMicrotask(() => {
        time += delay;
        if (!abort.signal.aborted) callback();
      });
      return () => {};
    },
  };
  const plane = {
    looks: 0,
    readings: 0,
    stepAside: async () => {
      calls.push('step aside');
      return succeed([
        { address: address('10.96.0.10'), port: 53 },
        { address: null, port: 30_053 },
      ]);
    },
    connections: async () => {
      plane.looks += 1;
      if (calls.at(-1) !== 'look') calls.push('look');
      return succeed(servers);
    },
    cleanup: async () => {
      calls.push('clean up');
      return succeed(['virtual server TCP 10.96.0.1:80']);
    },
  };
  const readFlows = async (): Promise<string> => {
    plane.readings += 1;
    time += readingMs;
    return flows(counts[plane.looks - 1] ?? counts.at(-1) ?? 0);
  };
  const options = {
    readFlows,
    clock,
    drainMs,
    conntrack,
    signal: abort.signal,
    report: (problem: Problem) => problems.push(problem),
  };
  const run = (): ReturnType<typeof retire> => retire(plane, taken, options);
  return { plane, calls, problems, conntrack, abort, run, began: time, elapsed: () => time - 1_000_000 };
}

test('where no server is ours the rest goes at once', async () => {
  const { run, calls, elapsed } = setStage([7], [foreign]);
  expect(await run()).toEqual(succeed(['virtual server TCP 10.96.0.1:80']));
  expect([calls, elapsed()]).toEqual([['step aside', 'look', 'clean up'], 0]);
});

test('[IPVS-43] established connections go on until they end, and those that are being closed for some looks more', async () => {
  const { run, elapsed } = setStage([0, 2, 1, 0]);
  expect((await run()).ok).toBe(true);
  expect(elapsed()).toBe(3000 + 4000);
});

test('[IPVS-43] so do those of publications, whose back ends are there without a port', async () => {
  const [destination] = server.destinations;
  if (destination === undefined) throw new Error('the server has no destination');
  const published = { ...server, server: 'FWM 257', destinations: [{ ...destination, endpoint: '10.244.0.1:0' }] };
  const { run, elapsed } = setStage([2, 2, 0], [published]);
  expect((await run()).ok).toBe(true);
  expect(elapsed()).toBe(2000 + 4000);
});

test('[IPVS-48] not for longer than the drain time', async () => {
  const { run, elapsed } = setStage([1], [server], 20_000);
  expect((await run()).ok).toBe(true);
  expect(elapsed()).toBe(20_000);
});

test('connections are not read where all have ended by the counts of the servers', async () => {
  const ended = { ...server, destinations: server.destinations.map((one) => ({ ...one, active: 0 })) };
  const { run, plane, elapsed } = setStage([9], [ended]);
  expect((await run()).ok).toBe(true);
  expect([plane.readings, elapsed()]).toEqual([0, 4000]);
});

test('to read them takes a tenth of the time, however long the kernel needs for it', async () => {
  const { run, plane, elapsed } = setStage([1], [server], 200_000, 2000);
  expect((await run()).ok).toBe(true);
  expect([plane.readings, elapsed()]).toEqual([10, 200_000]);
});

test('the end of the agent leaves the rest to the next one', async () => {
  const { run, calls, abort, plane } = setStage([1]);
  const { connections } = plane;
  plane.connections = () => {
    if (plane.looks === 3) abort.abort();
    return connections();
  };
  expect(await run()).toEqual(succeed([]));
  expect(calls).toEqual(['step aside', 'look']);
});

test('flows of UDP that led to virtual servers begin anew, and no others', async () => {
  const { run, conntrack, problems } = setStage([], []);
  const destinations = ['10.96.0.10 53', '192.0.2.11 30053', '192.0.2.12 30053', '10.96.0.11 53', '10.96.0.10 54'];
  for (const [index, text] of destinations.entries()) {
    const [to = '', port = ''] = text.split(' ');
    conntrack.add({
      family: 'IPv4',
      protocol: 'UDP',
      source: address('10.244.0.9'),
      sourcePort: 4000 + index,
      destination: address(to),
      destinationPort: Number(port),
      replySource: address('10.244.0.1'),
      replySourcePort: 5353,
      zone: 0,
      originalZone: 0,
    });
  }
  await run();
  const left = conntrack.flows().map(({ destination, destinationPort }) => `${destination} ${destinationPort}`);
  expect(left).toEqual(['192.0.2.12 30053', '10.96.0.11 53', '10.96.0.10 54']);
  expect(problems).toEqual([]);
});

test('a failure is given, and nothing is removed', async () => {
  const stage = setStage([1]);
  stage.plane.connections = async () => fail('WP_IPVS_DENIED', 'no');
  expect(await stage.run()).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_DENIED' } });
  expect(stage.calls).toEqual(['step aside']);
});
