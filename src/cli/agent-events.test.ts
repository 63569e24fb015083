import { expect, test } from 'vitest';
import type { AgentEvent } from '../kube/mod.ts';
import type { Problem } from '../model/mod.ts';
import { RefusalEvents, describeBindFailure, describeStart } from './agent-events.ts';
import { createLogSink } from './make-events.ts';

test('[SP-146] a start is told on the Node, in ipvs mode with the deprecation', () => {
  const starting = {
    about: { kind: 'Node', name: 'n1' },
    type: 'Normal',
    reason: 'Starting',
    action: 'StartKubeProxy',
    message: '',
  };
  expect(describeStart('n1', 'iptables')).toEqual([starting]);
  expect(describeStart('n1', 'ipvs')).toEqual([
    starting,
    expect.objectContaining({ type: 'Warning', reason: 'IPVSDeprecation' }),
  ]);
});

test('[SP-122] a taken address has the reason of its server', () => {
  expect(describeBindFailure('n1', 'health', 'taken')).toEqual({
    about: { kind: 'Node', name: 'n1' },
    type: 'Warning',
    reason: 'FailedToStartProxierHealthcheck',
    action: 'StartKubeProxy',
    message: 'taken',
  });
  expect(describeBindFailure('n1', 'metrics', '')).toMatchObject({ reason: 'FailedToStartMetricServer' });
});

test('a refused Service is told of once for each change of its state', async () => {
  const told: AgentEvent[] = [];
  const refusals = new RefusalEvents((event) => told.push(event));
  const problem: Problem = { code: 'WP_TEST_FULL', message: 'no room' };
  const refuse = (what = problem, family: 'IPv4' | 'IPv6' = 'IPv4'): void =>
    refusals.notice({ kind: 'refused', family, service: 'shop/web', problem: what });
  refuse();
  refuse();
  expect(told).toEqual([
    {
      about: { kind: 'Service', namespace: 'shop', name: 'web' },
      type: 'Warning',
      reason: 'SyncFailed',
      action: 'Sync',
      message: 'the kernel refused the IPv4 rules (WP_TEST_FULL): no room',
    },
  ]);
  refuse(problem, 'IPv6');
  refuse({ ...problem, message: 'no chain' });
  expect(told).toHaveLength(3);
  await refusals.afterSync({ family: 'IPv4', services: new Set(['shop/other']) });
  refuse({ ...problem, message: 'no chain' });
  expect(told).toHaveLength(3);
  await refusals.afterSync({ family: 'IPv4', services: new Set(['shop/web']) });
  refuse();
  expect(told).toHaveLength(4);
  refusals.notice({ kind: 'failed', family: 'IPv4', problem });
  expect(told).toHaveLength(4);
});

test('without an API server Events are lines of the log', () => {
  const lines: unknown[] = [];
  const sink = createLogSink({ info: (message, fields) => lines.push([message, fields]) });
  for (const event of describeStart('n1', 'iptables')) sink.write(event);
  sink.write({
    about: { kind: 'Service', namespace: 'a', name: 'b' },
    type: 'Warning',
    reason: 'R',
    action: 'A',
    message: 'why',
  });
  expect(lines).toEqual([
    ['event', { about: 'Node n1', type: 'Normal', reason: 'Starting', action: 'StartKubeProxy' }],
    ['event', { about: 'Service a/b', type: 'Warning', reason: 'R', action: 'A', note: 'why' }],
  ]);
});
