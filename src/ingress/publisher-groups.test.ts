import { describe, expect, it } from 'vitest';
import type { ServicePublishing } from '../model/mod.ts';
import { complaints, draw, end, port, prefix, scene, shape } from './publisher.fixture.ts';
import type { EndShape, PortShape } from './publisher.fixture.ts';

const sticky = { affinity: { timeoutSeconds: 60 } };
const web = [port(80, { target: 8080 }), port(443, { target: 8443 })];
const whole: Partial<ServicePublishing> = { affinityScope: 'service' };

/** Groups and ports of the published frontends: `TCP/80 shop/web#all ->8080`. */
function groupsOf(
  ports: readonly PortShape[],
  over: { readonly publishing?: Partial<ServicePublishing>; readonly sticky?: boolean; readonly ends?: readonly EndShape[] } = {},
): { readonly lines: string[]; readonly said: string[] } {
  const one = scene();
  const ends = over.ends ?? [end('10.244.1.5', 'node-1'), end('10.244.2.6')];
  const frontends = one.publish(
    shape({ ports, ends, service: over.sticky === false ? {} : sticky, publishing: over.publishing ?? null }),
  );
  const lines = frontends
    .filter(({ kind }) => kind === 'LoadBalancerIP')
    .map(({ protocol, port: first, publication, affinity }) => {
      if (publication === null) return `${protocol}/${first} plain affinity=${affinity?.timeoutSeconds ?? 'none'}`;
      const { group, lastPort, rewritePort, persistence } = publication;
      const parts = [
        lastPort === first ? `${protocol}/${first}` : `${protocol}/${first}-${lastPort}`,
        group.replace('shop/web', ''),
        rewritePort === null ? '' : `->${rewritePort}`,
        persistence === null ? '' : 'sticky',
      ];
      return parts.filter((part) => part !== '').join(' ');
    });
  return { lines, said: complaints(one) };
}

describe('groups of ports', () => {
  it('[INGRESS-10] are one for each port, whose back ends have their own port', () => {
    expect(draw(scene().publish(shape({ ports: web })))).toEqual([
      'TCP 203.0.113.5:80 shop/web#TCP/80 | all #cluster[10.244.1.5:8080 10.244.2.6:8080]',
      'TCP 203.0.113.5:443 shop/web#TCP/443 | all #cluster[10.244.1.5:8443 10.244.2.6:8443]',
    ]);
  });

  it('[INGRESS-7] are one of the Service, which keeps the ports of packets', () => {
    expect(draw(scene().publish(shape({ ports: web, service: sticky, publishing: whole })))).toEqual([
      'TCP 203.0.113.5:80 shop/web#all ->8080 sticky=60/32 | all #cluster[10.244.1.5:0 10.244.2.6:0]',
      'TCP 203.0.113.5:443 shop/web#all ->8443 sticky=60/32 | all #cluster[10.244.1.5:0 10.244.2.6:0]',
    ]);
  });

  it('share their lists of back ends', () => {
    const published = scene()
      .publish(shape({ ports: web, publishing: whole }))
      .slice(-2);
    const pools = published.map(({ routes }) => (routes.outside.verdict === 'forward' ? routes.outside.pool : null));
    expect(pools[0]).toEqual(pools[1]);
    expect(pools[0]?.key).toBe('shop/web#all#cluster');
  });

  it.each<[string, readonly PortShape[], Parameters<typeof groupsOf>[1], readonly string[], readonly string[]]>([
    [
      '[INGRESS-8] TCP and UDP together',
      [port(443), port(443, { protocol: 'UDP' })],
      { publishing: whole },
      ['TCP/443 #all sticky', 'UDP/443 #all sticky'],
      [],
    ],
    ['[INGRESS-48] SCTP', [port(3868, { protocol: 'SCTP' })], { sticky: false }, ['SCTP/3868 #SCTP/3868'], []],
    [
      '[INGRESS-12] one port with another target and affinity',
      [port(80, { target: 8080 })],
      {},
      ['TCP/80 #TCP/80 ->8080 sticky'],
      [],
    ],
    [
      'one port of a Service as a whole, without affinity',
      [port(80, { target: 8080 })],
      { publishing: whole, sticky: false },
      ['TCP/80 #all'],
      [],
    ],
    [
      'ports that may not be rewritten, without affinity',
      web,
      { publishing: { ...whole, portRemap: 'none' }, sticky: false },
      ['TCP/80 #TCP/80', 'TCP/443 #TCP/443'],
      ['each port is on its own, because TCP/80 goes to port 8080, and annotation waypost.dev/port-remap is none'],
    ],
    [
      'ports that may not be rewritten, with affinity',
      [port(80, { target: 8080 }), port(443)],
      { publishing: { portRemap: 'none' } },
      ['TCP/443 #TCP/443 sticky', 'TCP/80 plain affinity=60'],
      [
        'TCP/80: it is served by address with the session affinity of the Service itself, because TCP/80 goes to port 8080, and annotation waypost.dev/port-remap is none',
      ],
    ],
    [
      '[INGRESS-14] back ends of one port that differ, without affinity',
      [port(80), port(443)],
      {
        publishing: whole,
        sticky: false,
        ends: [end('10.244.1.5', 'node-1', { targets: { 'tcp-80': 8081 } }), end('10.244.2.6')],
      },
      ['TCP/80 #TCP/80', 'TCP/443 #TCP/443'],
      ['each port is on its own, because the back ends of TCP/80 listen on different ports'],
    ],
    [
      '[INGRESS-14] back ends of one port that differ, with affinity',
      [port(80), port(443)],
      { publishing: whole, ends: [end('10.244.1.5', 'node-1', { targets: { 'tcp-80': 8081 } }), end('10.244.2.6')] },
      ['TCP/443 #TCP/443 sticky', 'TCP/80 plain affinity=60'],
      [
        'each port is on its own, because the back ends of TCP/80 listen on different ports',
        'TCP/80: it is served by address with the session affinity of the Service itself, because the back ends of TCP/80 listen on different ports',
      ],
    ],
    [
      'two ports with one target',
      [port(80, { target: 8080 }), port(81, { target: 8080 })],
      { publishing: whole, sticky: false },
      ['TCP/80 #TCP/80', 'TCP/81 #TCP/81'],
      ['each port is on its own, because TCP/80 and TCP/81 both go to port 8080'],
    ],
    [
      'two ports with one target, of two protocols',
      [port(80, { target: 8080 }), port(81, { target: 8080, protocol: 'UDP' })],
      { publishing: whole },
      ['TCP/80 #all ->8080 sticky', 'UDP/81 #all ->8080 sticky'],
      [],
    ],
    [
      'a target that is published too',
      [port(80, { target: 8080 }), port(8080, { target: 9090 })],
      { publishing: whole, sticky: false },
      ['TCP/80 #TCP/80', 'TCP/8080 #TCP/8080'],
      ['each port is on its own, because TCP/80 goes to port 8080, which is published too'],
    ],
    [
      'a target within a range',
      [port(80, { target: 8080 })],
      { publishing: { ...whole, portRanges: [{ protocol: 'TCP', first: 8000, last: 8100 }] }, sticky: false },
      ['TCP/80 #TCP/80', 'TCP/8000-8100 #TCP/8000-8100'],
      ['each port is on its own, because TCP/80 goes to port 8080, which the range TCP/8000-8100 holds'],
    ],
    [
      'ports that no back end has together',
      [port(80), port(53)],
      {
        publishing: whole,
        ends: [
          end('10.244.1.5', 'node-1', { targets: { 'tcp-80': null } }),
          end('10.244.2.6', 'node-2', { targets: { 'tcp-53': null } }),
        ],
      },
      ['TCP/80 #TCP/80 sticky', 'TCP/53 #TCP/53 sticky'],
      ['each port is on its own, because no back end serves all of them'],
    ],
    ['ports without back ends', web, { publishing: whole, ends: [] }, ['TCP/80 #all sticky', 'TCP/443 #all sticky'], []],
    [
      '[INGRESS-9] a range with its control port',
      [port(21)],
      { publishing: { ...whole, portRanges: [{ protocol: 'TCP', first: 40000, last: 40100 }] } },
      ['TCP/21 #all sticky', 'TCP/40000-40100 #all sticky'],
      [],
    ],
    [
      '[INGRESS-9] a range on its own, beside a port that has its own',
      [port(21, { target: 2121 })],
      { publishing: { portRanges: [{ protocol: 'UDP', first: 10000, last: 10200 }] }, sticky: false },
      ['TCP/21 #TCP/21', 'UDP/10000-10200 #UDP/10000-10200'],
      [],
    ],
  ])('%s', (_, ports, over, lines, said) => {
    const found = groupsOf(ports, over);
    expect(found.lines).toEqual(lines);
    expect(
      found.said.map((text) => text.replace(/^AffinityScopeReduced: (annotation waypost.dev\/affinity-scope: )?/, '')),
    ).toEqual(said);
  });

  it('[INGRESS-9] publish ranges on every address, without a port of the back ends and with no way round', () => {
    const publishing = { portRanges: [{ protocol: 'UDP', first: 10000, last: 10200 }] } as const;
    const ranges = scene()
      .publish(shape({ vips: ['203.0.113.5', '203.0.113.6'], publishing, ports: web }))
      .filter(({ publication }) => publication?.lastPort === 10200);
    expect(ranges.map(({ id, servicePort, publication }) => [id, servicePort, publication?.plain])).toEqual([
      ['LoadBalancerIP/203.0.113.5/UDP/10000-10200/shop/web', 'shop/web:10000-10200/UDP', null],
      ['LoadBalancerIP/203.0.113.6/UDP/10000-10200/shop/web', 'shop/web:10000-10200/UDP', null],
    ]);
    expect(draw(ranges)[0]).toContain('#cluster[10.244.1.5:0 10.244.2.6:0]');
  });

  it('[INGRESS-15] leave out a back end that is not ready on one of the ports', () => {
    const ends = [end('10.244.1.5', 'node-1'), end('10.244.2.6', 'node-2', { targets: { 'tcp-443': null } }), end('10.244.2.7')];
    expect(draw(scene().publish(shape({ ports: web, publishing: whole, ends })))[1]).toContain(
      '#cluster[10.244.1.5:0 10.244.2.7:0]',
    );
  });

  it('[INGRESS-40] keep weights, and 0 only where another back end takes connections', () => {
    const ends = [
      end('10.244.1.5', 'node-1', { weight: 0 }),
      end('10.244.2.6', 'node-2', { weight: 3, targets: { 'tcp-443': null } }),
    ];
    const both = [end('10.244.1.5', 'node-1', { weight: 0 }), end('10.244.2.6', 'node-2', { weight: 3 })];
    expect(draw(scene().publish(shape({ ports: web, publishing: whole, ends: both })))[0]).toContain(
      '[10.244.1.5:0*0 10.244.2.6:0*3]',
    );
    expect(draw(scene().publish(shape({ ports: web, publishing: whole, ends })))[0]).toContain('[10.244.1.5:0]');
  });

  it('[INGRESS-51] have a back end that shares the address of its node', () => {
    expect(groupsOf([port(80)], { ends: [end('192.0.2.2', 'node-2')] }).lines).toEqual(['TCP/80 #TCP/80 sticky']);
  });

  it('[INGRESS-11] take time and mask of the annotations, each family its own', () => {
    const publishing = { affinityTimeoutSeconds: 7, affinityPrefix: { IPv4: 24, IPv6: 64 } };
    expect(draw(scene().publish(shape({ publishing, service: sticky })))[0]).toContain('sticky=7/24');
    expect(draw(scene().publish(shape({ publishing })))[0]).toContain('sticky=7/24');
  });

  it('say that node ports are on their own', () => {
    const ports = [port(80, { nodePort: 30080 })];
    const one = scene();
    const nodePort = one.publish(shape({ ports, service: sticky, publishing: whole })).find(({ kind }) => kind === 'NodePort');
    expect(nodePort).toMatchObject({ publication: null, affinity: { timeoutSeconds: 60 } });
    expect(complaints(one)).toEqual([
      'AffinityScopeReduced: annotation waypost.dev/affinity-scope: node ports have a memory of their own for each port',
    ]);
    const silent = scene();
    silent.publish(shape({ ports, service: sticky }));
    silent.publish(shape({ ports, publishing: whole }));
    expect(complaints(silent)).toEqual([]);
  });

  it('carry what annotations say of their virtual server', () => {
    const publishing = { capture: 'policy', connectionLimit: 100, schedulerFlags: ['port'] } as const;
    const tuning = { scheduler: 'sh', weights: [], drainSeconds: null };
    expect(draw(scene().publish(shape({ publishing, service: { tuning } })))[0]).toContain(
      '#TCP/80 policy flags=port limit=100 sh',
    );
    expect(scene({ settings: { capture: 'policy' } }).publish(shape())[1]?.publication?.capture).toBe('policy');
  });

  it('[INGRESS-49] an address that one node announces is local on none', () => {
    const announced = shape({ publishing: { announce: true, capture: 'local' } });
    const one = scene({ settings: { announces: true } });
    expect(one.publish(announced)[1]?.publication?.capture).toBe('policy');
    expect(complaints(one)).toEqual([
      'InvalidAnnotation: annotation waypost.dev/vip-capture: local has no effect: every node would answer for the address, so waypost.dev/announce: garp takes it by policy',
    ]);
    const off = scene();
    expect(off.publish(announced)[1]?.publication?.capture).toBe('local');
    expect(complaints(off)).toEqual([
      'InvalidAnnotation: annotation waypost.dev/announce: garp has no effect without ingress.announce.enabled',
    ]);
  });

  it('[INGRESS-39] an announced Service with direct return is told where nodes place clients differently', () => {
    const told = (nodeName: string, publishing: Partial<ServicePublishing>): readonly string[] => {
      const one = scene({ nodeName, settings: { announces: true } });
      one.publish(shape({ publishing: { announce: true, ...publishing } }));
      return one.notices.map(({ reason }) => reason);
    };
    expect(told('node-1', { mode: 'dsr' })).toEqual(['PlacementDiffers', 'Published']);
    expect(told('node-3', { mode: 'dsr' })).toEqual(['Published']);
    expect(told('node-1', { mode: 'mesh' })).toEqual(['Published']);
    expect(told('node-1', { mode: 'dsr', announce: false })).toEqual(['Published']);
  });

  it('[INGRESS-6] published addresses are of Services alone, with marks and without', () => {
    const of = shape({ ports: [port(80, { nodePort: 30080 })], externalIps: ['198.51.100.1'] });
    for (const mode of ['ipvs', 'iptables'] as const) {
      const frontends = scene({ mode, settings: { externalIps: [prefix('198.51.100.0/24')] } }).publish(of);
      const closed = frontends.filter(({ exclusive = false }) => exclusive).map(({ kind }) => kind);
      expect(closed).toEqual(['ExternalIP', 'LoadBalancerIP']);
      for (const { publication } of frontends) expect(publication?.plain?.exclusive ?? true).toBe(true);
    }
  });

  it('[INGRESS-52] know of flags for other schedulers only that they have no effect', () => {
    const one = scene();
    const [, frontend] = one.publish(shape({ publishing: { schedulerFlags: ['port'], onePacket: true } }));
    expect(frontend?.publication).toMatchObject({ schedulerFlags: null, onePacket: false });
    expect(complaints(one)).toEqual([
      'InvalidAnnotation: annotation waypost.dev/one-packet has no effect without waypost.dev/ingress-mode: dsr',
      'InvalidAnnotation: annotation waypost.dev/scheduler-flags has no effect without waypost.dev/scheduler: sh or mh',
    ]);
  });

  it('have a way back to serving by address', () => {
    const [, frontend] = scene().publish(shape({ ports: [web[0] ?? port(80)], service: sticky }));
    const plain = frontend?.publication?.plain ?? null;
    expect(draw(plain === null ? [] : [plain])).toEqual([
      'TCP 203.0.113.5:80 plain affinity=60 | all #cluster[10.244.1.5:8080 10.244.2.6:8080]',
    ]);
  });
});

describe('bounds', () => {
  it('serves ports beyond the limit by address, and leaves ranges beyond it out', () => {
    const limits = { portsPerService: 2, rangesPerService: 1, marksPerNamespace: 0 };
    const portRanges = [1000, 2000].map((first) => ({ protocol: 'TCP' as const, first, last: first + 9 }));
    const one = scene({ settings: { limits } });
    const lines = draw(one.publish(shape({ ports: [port(80), port(81), port(82)], publishing: { portRanges } })));
    expect(lines.map((line) => line.split(' |')[0])).toEqual([
      'TCP 203.0.113.5:80 shop/web#TCP/80',
      'TCP 203.0.113.5:81 shop/web#TCP/81',
      'TCP 203.0.113.5:1000-1009 shop/web#TCP/1000-1009',
      'TCP 203.0.113.5:82 plain',
    ]);
    expect(complaints(one)).toEqual([
      'MarkExhausted: ingress.limits.portsPerService is 2: of 3 ports those behind are served by address, without shared affinity',
      'InvalidAnnotation: annotation waypost.dev/port-ranges: ingress.limits.rangesPerService is 1, of 2 ranges those behind are left out',
    ]);
  });

  it('shares the marks of a namespace out to the older Services', () => {
    const one = scene({ settings: { limits: { portsPerService: 512, rangesPerService: 64, marksPerNamespace: 2 } } });
    const made = (name: string, createdAt: number): ReturnType<typeof shape> =>
      shape({ name, service: { createdAt }, vips: [`203.0.113.${createdAt}`] });
    const groups = (of: ReturnType<typeof shape>): (string | undefined)[] =>
      one
        .publish(of)
        .slice(1)
        .map(({ publication }) => publication?.group);
    expect(groups(made('c', 3))).toEqual(['shop/c#TCP/80']);
    expect(groups(made('b', 2))).toEqual(['shop/b#TCP/80']);
    expect(groups(made('a', 1))).toEqual(['shop/a#TCP/80']);
    expect(one.touched).toEqual([['shop/c']]);
    expect(groups(made('c', 3))).toEqual([undefined]);
    expect(complaints(one)).toEqual([
      'MarkExhausted: ingress.limits.marksPerNamespace is 2, older Services have them: 1 more would be needed, so it is served by address',
    ]);
    one.publisher.forget('shop/a', 'IPv4');
    expect(one.touched).toEqual([['shop/c'], ['shop/c']]);
    expect(groups(made('c', 3))).toEqual(['shop/c#TCP/80']);
  });
});
