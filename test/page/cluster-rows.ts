import type { Address, StatusRow } from '../../src/model/mod.ts';
import type { EndpointUse } from '../../src/proxy/mod.ts';

const teams = ['checkout', 'search', 'payments', 'identity', 'media', 'shipping', 'platform', 'reports'] as const;
const parts = ['api', 'web', 'cache', 'db', 'worker', 'events', 'gateway', 'metrics', 'proxy', 'store'] as const;

/** Services as a cluster has them: a ClusterIP each, some with more frontends, one refused and one under way. `now` is when. */
export function makeCluster(count: number, now: number): ReadonlyMap<string, readonly StatusRow[]> {
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const service = nameOf(index);
      return [service, rowsOf(service, index, now)] as const;
    }),
  );
}

function nameOf(index: number): string {
  const round = Math.floor(index / (teams.length * parts.length));
  const part = parts[Math.floor(index / teams.length) % parts.length] ?? 'api';
  return `${teams[index % teams.length] ?? 'team'}/${part}${round === 0 ? '' : `-${round}`}`;
}

function rowsOf(service: string, index: number, now: number): readonly StatusRow[] {
  const backends = (index * 7) % 9;
  const row: StatusRow = {
    family: 'IPv4',
    service,
    servicePort: `${service}:http/TCP`,
    kind: 'ClusterIP',
    address: `10.96.${index >> 8}.${index & 255}`,
    protocol: 'TCP',
    port: 80,
    backends,
    verdict: backends === 0 ? 'reject' : 'forward',
    state: 'Done',
    since: now - 1000 * (40 + ((index * 7919) % 90_000)),
    reason: '',
    code: '',
  };
  if (index === 3)
    return [
      {
        ...row,
        state: 'Error',
        code: 'WP_IPVS_NO_SCHEDULER',
        reason: 'the kernel has no scheduler "mh": load the module ip_vs_mh',
      },
    ];
  if (index === 11) return [{ ...row, state: 'Pending', since: now - 300 }];
  if (index % 4 !== 0) return [row];
  return [
    row,
    { ...row, kind: 'NodePort', address: '*', port: 30_000 + index },
    { ...row, kind: 'LoadBalancerIP', address: `203.0.113.${index % 250}` },
  ];
}

/** Endpoints of a Service, on this node and another. */
export function endpointsOf(service: string): readonly EndpointUse[] {
  const seed = [...service].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 200, 7);
  return Array.from({ length: 1 + (seed % 4) }, (_, index): EndpointUse => {
    const ready = index !== 2;
    const inside = ready ? ({ used: true, weight: 1 } as const) : ({ used: false, why: 'not-ready' } as const);
    return {
      service,
      family: 'IPv4',
      portName: 'http',
      protocol: 'TCP',
      address: `10.244.${1 + (index % 2)}.${seed + index}` as Address,
      port: 8080,
      node: `node-${1 + (index % 2)}`,
      zone: null,
      local: index % 2 === 0,
      ready,
      serving: ready,
      terminating: false,
      inside,
      outside: index % 2 === 0 ? inside : { used: false, why: 'not-local' },
    };
  });
}
