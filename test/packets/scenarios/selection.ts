import { answered, refused } from '../expect.ts';
import type { Scenario } from '../flow.ts';
import { at, publishedNotReady, ready, service, slices, terminating, unready } from '../objects.ts';
import type { EndpointSpec } from '../objects.ts';

/** Which endpoints are used: conditions, termination, topology hints (specification 3.1 and 3.2). */

/** One Service whose ClusterIP, asked by a pod, is answered by just these back ends. */
function chosen(
  name: string,
  n: number,
  items: readonly string[],
  endpoints: readonly EndpointSpec[],
  backends: readonly string[],
): Scenario {
  const subject = service(`chosen-${n}`, n);
  return {
    name,
    objects: [subject.object, ...slices(subject.name, endpoints)],
    flows: [{ items, from: ['pod'], to: [subject.clusterIp], port: 80, expect: answered(backends, 'client') }],
  };
}

const split = service('split-fallback', 16, { type: 'NodePort', spec: { externalTrafficPolicy: 'Local' } });
const onlyUnready = service('only-unready', 17, { type: 'NodePort' });
const localHints = service('local-hints', 27, { spec: { internalTrafficPolicy: 'Local' } });

export const selectionScenarios: readonly Scenario[] = [
  chosen('an unready endpoint beside ready ones', 10, ['SP-53'], [ready('p1'), unready('p2'), ready('q1')], ['p1', 'q1']),
  chosen(
    'only terminating endpoints',
    11,
    ['SP-54', 'SP-56'],
    [terminating('p1'), terminating('p2', false), unready('p3'), terminating('q1')],
    ['p1', 'q1'],
  ),
  chosen(
    'one ready endpoint beside terminating ones',
    12,
    ['SP-54'],
    [ready('p1'), terminating('p2'), terminating('q1')],
    ['p1'],
  ),
  chosen('published although not ready', 13, ['SP-57'], [publishedNotReady('p2'), ready('p1')], ['p1', 'p2']),
  chosen('no conditions at all', 14, ['SP-9'], [{ host: 'p1' }, { host: 'q1' }], ['p1', 'q1']),
  {
    name: 'terminating local, ready remote, external policy Local',
    objects: [split.object, ...slices('split-fallback', [terminating('p1'), ready('q1')])],
    flows: [
      { items: ['SP-55'], from: ['outside'], to: [at.node], port: split.nodePort, expect: answered(['p1'], 'client') },
      { items: ['SP-55'], from: ['pod'], to: [at.node], port: split.nodePort, expect: answered(['q1'], 'client') },
      { items: ['SP-55'], from: ['node'], to: [at.node], port: split.nodePort, expect: answered(['q1'], 'node') },
    ],
  },
  {
    name: 'only endpoints that may not be used',
    objects: [onlyUnready.object, ...slices('only-unready', [unready('p1'), terminating('q1', false)])],
    flows: [
      { items: ['SP-53', 'SP-56'], from: ['pod', 'node', 'outside'], to: [onlyUnready.clusterIp], port: 80, expect: refused },
      { items: ['SP-73'], from: ['outside'], to: [at.node], port: onlyUnready.nodePort, expect: refused },
    ],
  },
  chosen(
    'zone hints with one for this zone',
    20,
    ['SP-60', 'SP-61'],
    [
      ready('p1', { zones: ['zone-a'] }),
      ready('q1', { zones: ['zone-b', 'zone-a'] }),
      ready('q2', { zones: ['zone-b'] }),
      unready('p3'),
    ],
    ['p1', 'q1'],
  ),
  chosen(
    'zone hints missing on one ready endpoint',
    21,
    ['SP-61'],
    [ready('p1', { zones: ['zone-a'] }), ready('q1', { zones: ['zone-b'] }), ready('p2')],
    ['p1', 'p2', 'q1'],
  ),
  chosen(
    'zone hints for other zones only',
    22,
    ['SP-62'],
    [ready('p1', { zones: ['zone-b'] }), ready('q1', { zones: ['zone-c'] })],
    ['p1', 'q1'],
  ),
  chosen(
    'node hints with one for this node',
    23,
    ['SP-58'],
    [ready('p1', { nodes: ['node-2'], zones: ['zone-a'] }), ready('q1', { nodes: ['node-1'], zones: ['zone-b'] })],
    ['q1'],
  ),
  chosen(
    'node hints for other nodes only, zone hints for this zone',
    24,
    ['SP-59'],
    [ready('p1', { nodes: ['node-9'], zones: ['zone-b'] }), ready('p2', { nodes: ['node-2'], zones: ['zone-a'] })],
    ['p2'],
  ),
  chosen(
    'node hint missing on one ready endpoint',
    25,
    ['SP-58'],
    [ready('p1', { nodes: ['node-1'] }), ready('q1')],
    ['p1', 'q1'],
  ),
  chosen(
    'terminating endpoints are used whatever their hints',
    26,
    ['SP-64'],
    [
      { ...terminating('p1'), zones: ['zone-b'] },
      { ...terminating('q1'), zones: ['zone-a'] },
    ],
    ['p1', 'q1'],
  ),
  {
    name: 'internal policy Local ignores hints',
    objects: [
      localHints.object,
      ...slices('local-hints', [ready('p1', { zones: ['zone-b'] }), ready('q1', { zones: ['zone-a'] })]),
    ],
    flows: [{ items: ['SP-64'], from: ['pod'], to: [localHints.clusterIp], port: 80, expect: answered(['p1'], 'client') }],
  },
];
