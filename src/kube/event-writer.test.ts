import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../test/api-server/api-server.ts';
import type { ApiObject } from '../../test/api-server/history.ts';
import { service } from '../../test/api-server/objects.ts';
import { VirtualClock } from '../../test/api-server/virtual-clock.ts';
import type { Problem } from '../model/mod.ts';
import type { AgentEvent } from './event-object.ts';
import type { EventSink } from './event-sink.ts';
import { createEventWriter } from './event-writer.ts';

const starting: AgentEvent = {
  about: { kind: 'Node', name: 'node-1' },
  type: 'Normal',
  reason: 'Starting',
  action: 'StartKubeProxy',
  message: '',
};

function aboutService(name: string, message = 'no'): AgentEvent {
  return {
    about: { kind: 'Service', namespace: 'shop', name },
    type: 'Warning',
    reason: 'SyncFailed',
    action: 'Sync',
    message,
  };
}

interface Stage {
  readonly server: ApiServer;
  readonly clock: VirtualClock;
  readonly problems: Problem[];
  open(): EventSink;
}

async function setStage(): Promise<Stage> {
  const server = new ApiServer();
  const url = await server.start();
  const clock = new VirtualClock();
  const problems: Problem[] = [];
  const sinks: EventSink[] = [];
  onTestFinished(async () => {
    await Promise.all(sinks.map((sink) => sink.close()));
    await server.close();
  });
  const open = (): EventSink => {
    const made = createEventWriter({
      kubeconfig: '',
      master: url,
      nodeName: 'node-1',
      qps: 5,
      burst: 10,
      userAgent: 'waypost/test',
      env: {},
      problem: (problem) => problems.push(problem),
      clock,
      random: () => 0.5,
    });
    if (!made.ok) throw new Error(made.problem.message);
    sinks.push(made.value);
    return made.value;
  };
  return { server, clock, problems, open };
}

function countOf(event: ApiObject | undefined): number {
  return (event?.['series'] as { count: number } | undefined)?.count ?? 1;
}

test('[SP-146] an event is written, and the same one again raises its count', async () => {
  const { server, problems, open } = await setStage();
  const writer = open();
  writer.write(starting);
  await writer.flush();
  expect(server.history.list('events')).toHaveLength(1);
  expect(server.history.list('events')[0]).toMatchObject({ reason: 'Starting', metadata: { namespace: 'default' } });
  writer.write(starting);
  writer.write(starting);
  await writer.flush();
  expect(server.history.list('events').map(countOf)).toEqual([3]);
  expect([server.count('create', 'events'), server.count('patch', 'events')]).toEqual([1, 1]);
  expect(problems).toEqual([]);
});

test('a restarted agent counts on in the Event of its predecessor', async () => {
  const { server, open } = await setStage();
  for (let life = 0; life < 3; life += 1) {
    const writer = open();
    writer.write(starting);
    await writer.flush();
  }
  expect(server.history.list('events').map(countOf)).toEqual([3]);
});

test('an Event that expired begins anew', async () => {
  const { server, open } = await setStage();
  const writer = open();
  writer.write(starting);
  await writer.flush();
  server.remove('events', 'default', server.history.list('events')[0]?.metadata.name ?? '');
  writer.write(starting);
  await writer.flush();
  expect(server.history.list('events').map(countOf)).toEqual([1]);
});

test('an Event about a Service carries its uid, by which kubectl describe finds it', async () => {
  const { server, open } = await setStage();
  const known = service('shop', 'web', '10.96.0.1');
  server.put('services', { ...known, metadata: { ...known.metadata, uid: 'u-1' } });
  const writer = open();
  writer.write(aboutService('web'));
  writer.write(aboutService('gone'));
  await writer.flush();
  const uids = server.history.list('events').map((event) => (event['regarding'] as { uid: string }).uid);
  expect(uids.toSorted()).toEqual(['', 'u-1']);
});

test('writing never waits, and the rate towards the API server is kept', async () => {
  const { server, clock, open } = await setStage();
  const writer = open();
  for (let at = 0; at < 60; at += 1) writer.write(aboutService(`s-${at}`));
  expect(server.requests).toEqual([]);
  const begun = clock.now();
  await writer.flush();
  expect(server.history.list('events')).toHaveLength(60);
  // 10 at once, then 5 a second.
  expect(clock.now() - begun).toBeGreaterThanOrEqual(10_000 - 200);
});

test('one object causes at most 25 requests at once; what was held back is counted later', async () => {
  const { server, clock, open } = await setStage();
  const writer = open();
  for (let at = 0; at < 40; at += 1) {
    writer.write(aboutService('noisy'));
    await writer.flush();
  }
  expect(server.count('create', 'events') + server.count('patch', 'events')).toBe(25);
  await clock.sleep(300_000, new AbortController().signal);
  writer.write(aboutService('noisy'));
  await writer.flush();
  expect(server.history.list('events').map(countOf)).toEqual([41]);
});

test('trouble of the server is tried again, keeping to Retry-After', async () => {
  const { server, clock, problems, open } = await setStage();
  const faults = [{ kind: 'status', status: 429, retryAfter: 7 } as const, { kind: 'reset' } as const];
  server.intercept = ({ verb }) => (verb === 'create' ? (faults.shift() ?? null) : null);
  const writer = open();
  writer.write(starting);
  await writer.flush();
  expect(server.history.list('events').map(countOf)).toEqual([1]);
  expect(clock.sleeps.filter((ms) => ms >= 1000)).toEqual([7000, 2000]);
  expect(problems).toEqual([]);
});

test('after four tries an event is dropped, the next goes on, and the dropped one is made up for', async () => {
  const { server, problems, open } = await setStage();
  let broken = true;
  server.intercept = ({ verb }) => (broken && verb === 'create' ? { kind: 'status', status: 500 } : null);
  const writer = open();
  writer.write(starting);
  await writer.flush();
  expect(server.count('create', 'events')).toBe(4);
  expect(problems).toEqual([
    {
      code: 'WP_KUBE_EVENT',
      message: 'the Event Starting about Node/node-1 was not written: events: the API server answered 500: as the test wishes',
    },
  ]);
  broken = false;
  writer.write(starting);
  await writer.flush();
  expect(server.history.list('events').map(countOf)).toEqual([2]);
});

test('what the server refuses is not tried again', async () => {
  const { server, problems, open } = await setStage();
  server.intercept = () => ({ kind: 'status', status: 403 });
  const writer = open();
  writer.write(starting);
  await writer.flush();
  expect(server.count('create', 'events')).toBe(1);
  expect(problems).toHaveLength(1);
});

test('closing gives up at once, though the server hangs', async () => {
  const { server, problems, open } = await setStage();
  server.intercept = () => ({ kind: 'hang' });
  const writer = open();
  writer.write(starting);
  await writer.close();
  writer.write(starting);
  await writer.flush();
  expect(server.count('create', 'events')).toBeLessThanOrEqual(1);
  expect(problems).toEqual([]);
});
