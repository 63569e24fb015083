import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/model/mod.ts';
import { flowsOf, fullBackend } from './flow.ts';
import type { ApiObject, Flow } from './flow.ts';
import { judge } from './judge.ts';
import { hostNamed } from './objects.ts';
import { hostOf, namesOf } from './senders.ts';
import { packetTable } from './table.ts';

const flows = flowsOf(packetTable);

describe('the packet table is sound', () => {
  test('it asks at least 250 questions and each only once within its group', () => {
    expect(flows.length).toBeGreaterThan(250);
    for (const group of packetTable) {
      const asked = flowsOf([group]).map(({ from, protocol, destination, port }) =>
        JSON.stringify([from, protocol, destination, port]),
      );
      expect(asked.filter((question, at) => asked.indexOf(question) !== at)).toEqual([]);
    }
  });

  test('it covers every verdict from pod, node and outside, over both protocols and both families', () => {
    const met = new Set(flows.map((flow) => [flow.expect.verdict, flow.from, flow.protocol, flow.family].join(' ')));
    for (const verdict of ['answered', 'refused', 'timeout', 'untouched'])
      for (const from of ['pod', 'node', 'outside'])
        for (const protocol of ['TCP', 'UDP'])
          for (const family of ['IPv4', 'IPv6']) expect(met).toContain([verdict, from, protocol, family].join(' '));
  });

  test('no two Services of a group share a name, a ClusterIP or a node port', () => {
    for (const group of packetTable) {
      const services = group.scenarios.flatMap(({ objects }) => objects.filter(({ kind }) => kind === 'Service'));
      const claims = services.flatMap(listClaims);
      expect(claims.filter((claim, at) => claims.indexOf(claim) !== at)).toEqual([]);
    }
  });

  test('every address and every back end it names exists', () => {
    for (const flow of flows) {
      expect(parseAddress(flow.destination)).toBe(flow.destination);
      expect(hostNamed(hostOf(flow.from)).addresses[flow.family]).toBeTruthy();
      if (flow.expect.verdict !== 'answered') continue;
      expect(flow.expect.backends.length).toBeGreaterThan(0);
      for (const backend of flow.expect.backends) expect(hostNamed(fullBackend(backend).split(':')[0] ?? '')).toBeTruthy();
    }
  });
});

describe('the judge', () => {
  const flow: Flow = {
    title: '',
    scenario: '',
    from: 'pod',
    family: 'IPv4',
    protocol: 'TCP',
    destination: '10.96.0.1',
    port: 80,
    expect: { verdict: 'answered', backends: ['p1', 'p2:9090'], source: { p1: 'node', 'p2:9090': 'client' } },
  };
  const names = namesOf('pod');
  const good = [
    { verdict: 'answered', backend: 'p1:8080', source: '192.0.2.11' },
    { verdict: 'answered', backend: 'p2:9090', source: '10.244.1.10' },
  ] as const;

  test('accepts what the row says', () => {
    expect(judge(flow, good, names)).toEqual([]);
    expect(judge({ ...flow, expect: { verdict: 'refused' } }, [{ verdict: 'refused' }], names)).toEqual([]);
  });

  test.each([
    ['a back end that never answered', [good[0]], /p2:9090 never answered/],
    ['a back end too many', [...good, { verdict: 'answered', backend: 'p3:8080', source: '10.244.1.10' }], /p3:8080 answered/],
    ['the right pod on the wrong port', [...good, { verdict: 'answered', backend: 'p1:9090', source: '192.0.2.11' }], /p1:9090/],
    [
      'the wrong source',
      [...good, { verdict: 'answered', backend: 'p2:9090', source: '192.0.2.11' }],
      /saw 192\.0\.2\.11, expected client/,
    ],
    ['one lost attempt among many', [...good, { verdict: 'timeout' }], /expected answered, got timeout/],
    ['an error', [...good, { verdict: 'failed', code: 'EHOSTUNREACH' }], /EHOSTUNREACH/],
    ['nothing at all', [], /nothing was observed/],
  ] as const)('objects to %s', (_, outcomes, problem) => {
    expect(judge(flow, outcomes, names).join('\n')).toMatch(problem);
  });

  test.each(['refused', 'timeout', 'untouched'] as const)('objects to an answer where %s is due', (verdict) => {
    expect(judge({ ...flow, expect: { verdict } }, [good[0]], names).join('\n')).toMatch(/answer from p1:8080/);
  });
});

function listClaims(object: ApiObject): string[] {
  const spec = object['spec'] as {
    readonly clusterIP: string;
    readonly clusterIPs?: readonly string[];
    readonly ports: readonly { readonly protocol: string; readonly nodePort?: number }[];
  };
  return [
    object.metadata.name,
    ...(spec.clusterIPs ?? [spec.clusterIP]),
    ...spec.ports.filter(({ nodePort }) => (nodePort ?? 0) > 0).map(({ protocol, nodePort }) => `${protocol} ${nodePort}`),
  ];
}
