import { describe, expect, test } from 'vitest';
import { noTuning } from '../model/mod.ts';
import type { Frontend, Problem, ServiceTuning } from '../model/mod.ts';
import { address, endpoint, service, slice } from './records.fixture.ts';
import { deriveFrontends } from './view.ts';
import type { Viewpoint } from './view.ts';

const here: Viewpoint = {
  family: 'IPv4',
  nodeName: 'node-1',
  zone: null,
  nodeAddress: address('192.0.2.11'),
  detectsPods: true,
  masqueradeAll: false,
  externalIps: true,
};

const endpoints = [
  endpoint('10.244.1.1', { nodeName: 'node-1', zone: 'a' }),
  endpoint('10.244.2.1', { nodeName: 'node-2', zone: 'a' }),
  endpoint('10.244.3.1', { nodeName: 'node-3', zone: 'b' }),
  endpoint('10.244.4.1', { nodeName: null }),
];

function derive(
  tuning: Partial<ServiceTuning>,
  over: Parameters<typeof service>[0] = {},
): { weights: string; problems: readonly Problem[]; frontends: readonly Frontend[] } {
  const problems: Problem[] = [];
  const record = service({ ...over, tuning: { ...noTuning, ...tuning } });
  const frontends = deriveFrontends(record, [slice(endpoints)], here, {
    advise: (problem) => problems.push(problem),
    publisher: null,
  });
  const route = frontends[0]?.routes.outside;
  const backends = route?.verdict === 'forward' ? route.pool.backends : [];
  return { weights: backends.map(({ weight }) => weight).join(' '), problems, frontends };
}

const node = (name: string, weight: number) => ({ kind: 'node', name, weight }) as const;
const zone = (name: string, weight: number) => ({ kind: 'zone', name, weight }) as const;

describe('annotated weights', () => {
  test('without any, all weigh 1', () => {
    expect(derive({}).weights).toBe('1 1 1 1');
  });

  test('go by node, then by zone; what neither names weighs 1', () => {
    expect(derive({ weights: [node('node-1', 3), zone('a', 2)] }).weights).toBe('3 2 1 1');
    expect(derive({ weights: [zone('a', 2), zone('b', 5)] }).weights).toBe('2 2 5 1');
  });

  test('of 0 keep new connections away', () => {
    const { weights, problems } = derive({ weights: [node('node-2', 0), zone('b', 0)] });
    expect(weights).toBe('1 0 0 1');
    expect(problems).toEqual([]);
  });

  test('of 0 everywhere count as 1 each, and the owner is told', () => {
    const { weights, problems } = derive({ weights: [node('node-1', 0)] }, { internalLocal: true });
    expect(weights).toBe('1');
    expect(problems).toMatchObject([{ code: 'WP_PROXY_IDLE_WEIGHTS', service: 'shop/web' }]);
    expect(problems[0]?.message).toMatch(/all 1 endpoints of shop\/web:http\/TCP#local the weight 0/);
  });

  test('a Service without endpoints has nobody to weigh', () => {
    const problems: Problem[] = [];
    const record = service({ tuning: { ...noTuning, weights: [node('node-1', 0)] } });
    expect(
      deriveFrontends(record, [], here, { advise: (problem) => problems.push(problem), publisher: null })[0]?.routes.pod,
    ).toEqual({ verdict: 'reject' });
    expect(problems).toEqual([]);
  });
});

test('scheduler and drain time reach every frontend', () => {
  const { frontends } = derive({ scheduler: 'mh', drainSeconds: 90 }, { externalIps: [address('203.0.113.7')] });
  expect(frontends.map(({ kind, scheduler, drainSeconds }) => [kind, scheduler, drainSeconds])).toEqual([
    ['ClusterIP', 'mh', 90],
    ['ExternalIP', 'mh', 90],
  ]);
  expect(derive({}).frontends[0]).toMatchObject({ scheduler: null, drainSeconds: null });
});
