import { describe, expect, test } from 'vitest';
import { families } from '../model/mod.ts';
import type { Backend, Family, Frontend, Publication } from '../model/mod.ts';
import { Marks } from './marks.ts';
import { planService } from './plan-service.ts';
import type { Plan, PlanContext } from './plan-types.ts';
import { publishedFrontends, publishedShape, vipOf } from './publications.fixture.ts';
import type { PublishedShape } from './publications.fixture.ts';
import { recordEntry } from './records.ts';
import { spotOf } from './target.ts';
import { plainShape, podAddress, serviceRange, settingsOf, frontendsOf } from './wish.fixture.ts';

/** A node where marks are given in the order in which they are asked for, so that plans can be read. */
function contextOf(family: Family = 'IPv4', more: Partial<PlanContext> = {}): PlanContext {
  const marks = new Map<string, number>();
  return {
    family,
    settings: settingsOf(family),
    scheduler: 'rr',
    serviceCidrs: [serviceRange(family)],
    ownAddresses: new Set(),
    captureBit: 12,
    routeTable: 5257,
    rulePriority: 90,
    drainMs: 300_000,
    udpDrainMs: 0,
    numberOf: () => ({ number: 16, record: recordEntry({ kind: 'number', of: 'server', number: 16, digest: '0'.repeat(24) }) }),
    marksOf: (names) =>
      new Map(
        [...names].map((name) => {
          const mark = marks.get(name) ?? 257 + marks.size;
          marks.set(name, mark);
          return [name, { mark, record: recordEntry({ kind: 'mark', mark, digest: mark.toString(16).padStart(24, '0') }) }];
        }),
      ),
    owns: () => true,
    ...more,
  };
}

function planOf(shape: Partial<PublishedShape>, context: PlanContext = contextOf()): Plan {
  return planService('ns/shop', publishedFrontends({ ...publishedShape, ...shape }, context.family), context);
}

/** Frontends of the usual shape, their publications changed. */
function changed(shape: Partial<PublishedShape>, more: Partial<Publication>, frontend: Partial<Frontend> = {}): Frontend[] {
  return publishedFrontends({ ...publishedShape, ...shape }).map((one) => {
    return { ...one, ...frontend, publication: one.publication === null ? null : { ...one.publication, ...more } };
  });
}

/** Servers, entries and routes as lines. */
function tell({ servers, entries, routes }: Plan): string[] {
  const lines = [...servers].map(([text, { scheduler, schedulerFlags, persistence, onePacket, destinations, drain }]) => {
    const flags = schedulerFlags === null ? '' : ` (${schedulerFlags.join(', ')})`;
    const sticky = persistence === null ? '' : ` remembers /${persistence.prefixLength} for ${persistence.timeoutSeconds} s`;
    const drains = `${drain.milliseconds}${drain.untilIdle ? ' until idle' : ''}`;
    const members = [...destinations].map(([key, { forwarding, weight, upperThreshold }]) => {
      const how =
        forwarding.method === 'tunnel'
          ? `${forwarding.encapsulation} ${forwarding.port} ${forwarding.checksum}`
          : forwarding.method;
      return `${key} ${how} ${weight}${upperThreshold === 0 ? '' : ` most ${upperThreshold}`}`;
    });
    return `${text} ${scheduler}${flags}${sticky}${onePacket ? ' one-packet' : ''} drains ${drains}: ${members.join(', ')}`;
  });
  for (const [key, entry] of entries) {
    const verdict = entry.kind === 'decision' ? JSON.stringify(entry.decision) : '';
    if (entry.kind === 'lane') lines.push(`${key} ${entry.masquerade}`);
    else if (entry.kind === 'rewrite') lines.push(`${key} to ${entry.to}${entry.direct ? ' direct' : ''}`);
    else lines.push(`${key} ${verdict}`.trim());
  }
  return [...lines, ...[...routes.keys()].map((key) => `route ${key}`)];
}

const wide = (lines: readonly string[]): readonly string[] => lines.filter((line) => !/^(record|hairpin|source)/.test(line));

describe('plans to read', () => {
  test('[INGRESS-7] [INGRESS-12] two ports of a group, one of them rewritten, share one server', () => {
    expect(tell(planOf({ persistence: 600, restricted: true }))).toMatchInlineSnapshot(`
      [
        "FWM 257 IPv4 rr remembers /32 for 600 s drains 300000 until idle: 10.244.0.1:0 masquerade 1, 10.244.0.2:0 masquerade 1, 10.244.0.3:0 masquerade 1",
        "record/m 257 000000000000000000000101",
        "lane/257 true",
        "decision/pod/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "decision/node/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "decision/outside/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "hairpin/10.244.0.3",
        "restricted/198.51.100.201/TCP/443",
        "source/198.51.100.201/TCP/443/203.0.113.0/24",
        "protected/198.51.100.201/32",
        "decision/pod/198.51.100.201/TCP/8080 {"verdict":"mark","mark":257}",
        "decision/node/198.51.100.201/TCP/8080 {"verdict":"mark","mark":257}",
        "decision/outside/198.51.100.201/TCP/8080 {"verdict":"mark","mark":257}",
        "rewrite/198.51.100.201/TCP/80 to 8080",
        "clamp/198.51.100.201",
        "restricted/198.51.100.201/TCP/8080",
        "source/198.51.100.201/TCP/8080/203.0.113.0/24",
        "route 255 198.51.100.201/32",
      ]
    `);
  });

  test('[INGRESS-8] [INGRESS-9] [INGRESS-47] TCP, UDP and a range by one mark; back ends leave as those of TCP do', () => {
    const ports = [{ protocol: 'UDP', port: 443, target: 443 }] as const;
    const ranges = [{ protocol: 'TCP', first: 40_000, last: 40_100 }] as const;
    expect(wide(tell(planOf({ ports, ranges, capture: 'policy', backends: [1] })))).toMatchInlineSnapshot(`
      [
        "FWM 257 IPv4 rr drains 300000 until idle: 10.244.0.1:0 masquerade 1",
        "lane/257 true",
        "decision/pod/198.51.100.201/UDP/443 {"verdict":"mark","mark":257}",
        "decision/node/198.51.100.201/UDP/443 {"verdict":"mark","mark":257}",
        "decision/outside/198.51.100.201/UDP/443 {"verdict":"mark","mark":257}",
        "protected/198.51.100.201/32",
        "capture/198.51.100.201/UDP/443",
        "capture-address/198.51.100.201",
        "decision/pod/198.51.100.201/TCP/40000-40100 {"verdict":"mark","mark":257}",
        "decision/node/198.51.100.201/TCP/40000-40100 {"verdict":"mark","mark":257}",
        "decision/outside/198.51.100.201/TCP/40000-40100 {"verdict":"mark","mark":257}",
        "capture/198.51.100.201/TCP/40000-40100",
        "route 5257 198.51.100.201/32",
        "route rule 90 mark 4096 table 5257",
      ]
    `);
  });

  test('[INGRESS-6] an address of Services alone is closed where packets to it can pass by', () => {
    const closed = (capture: 'local' | 'policy', exclusive: boolean): readonly string[] => {
      const frontends = publishedFrontends({ ...publishedShape, capture }, 'IPv4').map((one) => ({ ...one, exclusive }));
      return [...planService('ns/shop', frontends, contextOf()).entries.keys()].filter((key) => key.startsWith('closed/'));
    };
    expect(closed('policy', true)).toEqual(['closed/198.51.100.201']);
    expect(closed('policy', false)).toEqual([]);
    expect(closed('local', true)).toEqual([]);
  });

  test('[INGRESS-32] [INGRESS-34] answers that go their own way: nodes by tunnel, and another mark for what they send on', () => {
    const ports = [{ protocol: 'TCP', port: 443, target: 443 }] as const;
    expect(wide(tell(planOf({ ports, mode: 'dsr' })))).toMatchInlineSnapshot(`
      [
        "FWM 257 IPv4 mh (fallback, port) drains 300000 until idle: 10.244.0.1:0 masquerade 1, 10.244.0.2:0 masquerade 1, 10.244.0.3:0 masquerade 1",
        "FWM 258 IPv4 mh (fallback, port) drains 300000 until idle: 10.244.0.3:0 masquerade 1, 192.0.2.101:0 ipip 0 none 1, 192.0.2.102:0 ipip 0 none 1",
        "FWM 259 IPv4 mh (fallback, port) drains 300000 until idle: 10.244.0.3:0 masquerade 1",
        "lane/257 true",
        "decision/pod/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "decision/node/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "lane/258 false",
        "decision/outside/198.51.100.201/TCP/443 {"verdict":"mark","mark":258}",
        "lane/259 false",
        "decision/peer/198.51.100.201/TCP/443 {"verdict":"mark","mark":259}",
        "clamp/198.51.100.201",
        "protected/198.51.100.201/32",
        "capture/198.51.100.201/TCP/443",
        "capture-address/198.51.100.201",
        "route 5257 198.51.100.201/32",
        "route rule 90 mark 4096 table 5257",
      ]
    `);
  });

  test('[INGRESS-28] [INGRESS-29] a node without local back ends drops, and serves the cluster', () => {
    const ports = [{ protocol: 'TCP', port: 443, target: 443 }] as const;
    expect(wide(tell(planOf({ ports, mode: 'local', backends: [1] })))).toMatchInlineSnapshot(`
      [
        "FWM 257 IPv4 rr drains 300000 until idle: 10.244.0.1:0 masquerade 1",
        "lane/257 true",
        "decision/pod/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "decision/node/198.51.100.201/TCP/443 {"verdict":"mark","mark":257}",
        "decision/outside/198.51.100.201/TCP/443 {"verdict":"drop"}",
        "protected/198.51.100.201/32",
        "route 255 198.51.100.201/32",
      ]
    `);
  });
});

test.each(families)('[INGRESS-46] both families ask for marks by the same names, %s', (family) => {
  const asked: string[] = [];
  const context = contextOf(family, {
    marksOf: (names) => {
      asked.push(...names);
      return new Marks({ mask: 0x1fff, first: 0x101 }).allocate(asked, 0);
    },
  });
  planOf({ mode: 'dsr' }, context);
  expect(asked).toEqual([
    'ns/shop#all ns/shop#all#cluster masqueraded',
    'ns/shop#all ns/shop#all#nodes as-is',
    'ns/shop#all ns/shop#all#hop hop',
  ]);
});

describe('servers', () => {
  const serversOf = (frontends: readonly Frontend[]): Plan['servers'] => planService('ns/shop', frontends, contextOf()).servers;

  test('[INGRESS-10] a group for each port has a server for each port', () => {
    expect(planOf({ scope: 'port' }).servers.size).toBe(2);
    expect(planOf({ scope: 'service' }).servers.size).toBe(1);
  });

  test('[INGRESS-11] clients are remembered by as much of their address as is asked for', () => {
    const persistence = { timeoutSeconds: 90, prefixLength: 24 };
    for (const server of serversOf(changed({}, { persistence })).values()) expect(server.persistence).toEqual(persistence);
  });

  test('a limit of connections is that of each back end, and the kernel’s own way back from it', () => {
    for (const { destinations } of serversOf(changed({}, { connectionLimit: 50 })).values()) {
      for (const one of destinations.values()) expect(one).toMatchObject({ upperThreshold: 50, lowerThreshold: 0 });
    }
  });

  test('[INGRESS-33] GUE and direct routing, each with what the kernel wants to know', () => {
    const backends: readonly Backend[] = [
      {
        address: podAddress(1),
        port: 0,
        weight: 2,
        local: false,
        delivery: { method: 'tunnel', encapsulation: 'gue', port: 6080 },
      },
      { address: podAddress(2), port: 0, weight: 1, local: false, delivery: { method: 'direct' } },
      { address: podAddress(3), port: 0, weight: 1, local: true },
    ];
    const route = { verdict: 'forward', pool: { key: 'k#nodes', backends }, masquerade: false } as const;
    const [plan] = [...serversOf(changed({}, {}, { routes: { pod: route, node: route, outside: route } })).values()];
    expect([...(plan?.destinations.values() ?? [])].map(({ forwarding }) => forwarding)).toEqual([
      { method: 'tunnel', encapsulation: 'gue', port: 6080, checksum: 'none' },
      { method: 'direct' },
      { method: 'masquerade' },
    ]);
  });

  test('[INGRESS-47] datagrams are balanced one by one only where every back end gets them as they came', () => {
    const udp = { ports: [{ protocol: 'UDP', port: 53, target: 53 }], mode: 'dsr' } as const;
    const flags = (backends: readonly number[]): boolean[] =>
      [...serversOf(changed({ ...udp, backends }, { onePacket: true })).values()].map(({ onePacket }) => onePacket);
    expect(flags([1, 2]).filter(Boolean)).toHaveLength(1);
    expect(flags([1, 2, 3]).filter(Boolean)).toHaveLength(0);
  });

  test('[INGRESS-47] back ends of UDP alone leave at once', () => {
    const plan = planOf({ ports: [{ protocol: 'UDP', port: 53, target: 53 }] });
    for (const { drain } of plan.servers.values()) expect(drain).toEqual({ milliseconds: 0, untilIdle: false });
  });

  test('[INGRESS-34] what another node sent on is dropped where nobody is left', () => {
    const { entries } = planOf({ mode: 'dsr', backends: [1], ports: [{ protocol: 'TCP', port: 443, target: 443 }] });
    expect(entries.get(`decision/peer/${vipOf(1)}/TCP/443`)).toMatchObject({ decision: { verdict: 'drop' } });
  });
});

describe('what no mark can serve is served as if it were not published', () => {
  const targets = (plan: Plan): string[] => [...plan.servers.keys()].filter((text) => !text.startsWith('FWM 2')).toSorted();

  test('[INGRESS-14] a port that clients have too is not rewritten to', () => {
    const ports = [
      { protocol: 'TCP', port: 80, target: 8080 },
      { protocol: 'TCP', port: 8080, target: 8080 },
    ] as const;
    const plan = planOf({ ports });
    expect(targets(plan)).toEqual([`TCP ${vipOf(1)}:80`]);
    expect(plan.entries.get(`decision/outside/${vipOf(1)}/TCP/8080`)).toMatchObject({ decision: { verdict: 'mark' } });
  });

  test('of two ports that are rewritten to one the first one is', () => {
    const ports = [80, 81].map((port) => ({ protocol: 'TCP' as const, port, target: 8080 }));
    expect(targets(planOf({ ports }))).toEqual([`TCP ${vipOf(1)}:81`]);
  });

  test('ports that are rewritten in a row: who asks for the one in the middle is asked for by name', () => {
    const ports = [
      { protocol: 'TCP', port: 80, target: 8080 },
      { protocol: 'TCP', port: 8080, target: 9090 },
    ] as const;
    expect(planOf({ ports }).entries.get(`rewrite/${vipOf(1)}/TCP/80`)).toMatchObject({ to: 8080, direct: true });
    const owns: PlanContext['owns'] = (target) => target.port !== 9090;
    // The middle one gives way to another Service, and the first one to the middle.
    expect(targets(planOf({ ports }, contextOf('IPv4', { owns })))).toEqual([`TCP ${vipOf(1)}:80`, `TCP ${vipOf(1)}:8080`]);
  });

  test('[INGRESS-5] a port that another Service has is not rewritten to', () => {
    const owns: PlanContext['owns'] = (target) => spotOf(target) !== `TCP ${vipOf(1)}:8080`;
    expect(targets(planOf({}, contextOf('IPv4', { owns })))).toEqual([`TCP ${vipOf(1)}:80`]);
  });

  test('clients of back ends with ports of their own are remembered by the packet filter', () => {
    const [frontend] = frontendsOf({ ...plainShape, name: 'shop', affinity: 60, external: true }).slice(-1);
    const [published] = changed({ persistence: 60 }, {});
    if (frontend === undefined || !published?.publication) throw new Error('a shape without frontends');
    const plan = planService(
      'ns/shop',
      [{ ...frontend, publication: { ...published.publication, plain: frontend } }],
      contextOf(),
    );
    expect(plan.entries.get(`decision/outside/${frontend.address}/TCP/80`)).toMatchObject({ decision: { verdict: 'sticky' } });
  });

  test('[INGRESS-18] without marks ports are served and ranges are not', () => {
    const ranges = [{ protocol: 'TCP', first: 40_000, last: 40_100 }] as const;
    const plan = planOf({ ranges }, contextOf('IPv4', { marksOf: () => null }));
    expect(plan.starved).toBe(true);
    expect(targets(plan)).toEqual([`TCP ${vipOf(1)}:443`, `TCP ${vipOf(1)}:80`]);
    expect([...plan.spots.keys()].toSorted()).toEqual([`TCP ${vipOf(1)}:443`, `TCP ${vipOf(1)}:80`]);
  });
});

test('[INGRESS-31] node ports are published by mark, on loopback too', () => {
  const context = contextOf('IPv4', { settings: { ...settingsOf('IPv4'), nodePorts: { kind: 'all-local', loopback: true } } });
  const frontends = changed(
    { ports: [{ protocol: 'TCP', port: 30_080, target: 30_080 }] },
    {},
    { kind: 'NodePort', address: null },
  );
  const { entries } = planService('ns/shop', frontends, context);
  expect(entries.get('decision/outside/*/TCP/30080')).toMatchObject({ decision: { verdict: 'mark' } });
  expect(entries.get('loopback/TCP/30080')).toMatchObject({ targets: [{ port: 30_080 }, { port: 30_080 }, { port: 30_080 }] });
});
