import { describe, expect, it } from 'vitest';
import type { DirectReturnMethod, ProxyMode, PublishingMode, ServicePublishing } from '../model/mod.ts';
import { complaints, draw, end, facts, node, port, prefix, requestOf, scene, shape } from './publisher.fixture.ts';
import type { EndShape } from './publisher.fixture.ts';

const here = end('10.244.1.5', 'node-1');
const there = end('10.244.2.6', 'node-2');
const sticky = { affinity: { timeoutSeconds: 60 } };

interface Case {
  readonly externalLocal?: boolean;
  readonly publishing?: Partial<ServicePublishing>;
  readonly ends?: readonly EndShape[];
  readonly settings?: NonNullable<Parameters<typeof scene>[0]>['settings'];
}

/** Where clients of each class are led, in each mode of the proxy. */
function routesIn(
  mode: ProxyMode,
  { externalLocal = false, publishing = {}, ends = [here, there], settings = {} }: Case,
): string {
  const [line = ''] = draw(scene({ mode, settings }).publish(shape({ service: { externalLocal }, publishing, ends })));
  return line.slice(line.indexOf('|') + 2);
}

const both = '10.244.1.5:80 10.244.2.6:80';
const inside = `pod #cluster[${both}] as itself node #cluster[${both}]`;
const insideThere = 'pod #cluster[10.244.2.6:80] as itself node #cluster[10.244.2.6:80]';

describe('modes', () => {
  const cases: readonly (readonly [string, Case, string])[] = [
    ['[INGRESS-27] mesh of policy Cluster', {}, `all #cluster[${both}]`],
    ['[INGRESS-27] mesh asked of policy Local', { externalLocal: true, publishing: { mode: 'mesh' } }, `all #cluster[${both}]`],
    [
      '[INGRESS-28] [INGRESS-29] local of policy Local',
      { externalLocal: true },
      `${inside} outside #local[10.244.1.5:80] as itself`,
    ],
    [
      '[INGRESS-28] local asked of policy Cluster',
      { publishing: { mode: 'local' } },
      `${inside} outside #local[10.244.1.5:80] as itself`,
    ],
    ['[INGRESS-28] local with no back end here', { externalLocal: true, ends: [there] }, `${insideThere} outside drop`],
    [
      '[INGRESS-28] local asked, with no back end here',
      { publishing: { mode: 'local' }, ends: [there] },
      `${insideThere} outside drop`,
    ],
    [
      '[INGRESS-45] local that is to refuse',
      { publishing: { mode: 'local', noEndpointsAction: 'reject' }, ends: [there] },
      `${insideThere} outside reject`,
    ],
    [
      '[INGRESS-45] local where the node is to refuse',
      { settings: { noEndpointsAction: 'reject' }, externalLocal: true, ends: [there] },
      `${insideThere} outside reject`,
    ],
    ['[INGRESS-45] mesh without back ends', { ends: [] }, 'all reject'],
    [
      '[INGRESS-45] mesh without back ends that is to be silent',
      { publishing: { noEndpointsAction: 'drop' }, ends: [] },
      'all drop',
    ],
    ['[INGRESS-45] local without back ends', { externalLocal: true, ends: [] }, 'pod reject node reject outside drop'],
    [
      '[INGRESS-45] local without back ends: the annotation before the setting',
      { settings: { noEndpointsAction: 'drop' }, publishing: { noEndpointsAction: 'reject' }, externalLocal: true, ends: [] },
      'all reject',
    ],
    [
      'local where nothing tells pods from others',
      { externalLocal: true, settings: { detectsPods: false } },
      `pod #local[10.244.1.5:80] as itself node #cluster[${both}] outside #local[10.244.1.5:80] as itself`,
    ],
    [
      'mesh that keeps clients where all back ends are here',
      { publishing: { preserveClientIp: true }, ends: [here] },
      'pod #cluster[10.244.1.5:80] node #cluster[10.244.1.5:80] outside #cluster[10.244.1.5:80] as itself',
    ],
    ['mesh that cannot keep clients', { publishing: { preserveClientIp: true } }, `all #cluster[${both}]`],
    ['mesh that would keep clients of no back end', { publishing: { preserveClientIp: true }, ends: [] }, 'all reject'],
  ];

  it.each(cases)('%s', (_, of, expected) => {
    for (const mode of ['ipvs', 'iptables', 'nftables'] as const) expect(routesIn(mode, of)).toBe(expected);
  });

  it('takes back ends of this node from the pool that the view made of them', () => {
    const request = requestOf(shape({ service: { externalLocal: true }, ends: [here, there] }));
    const draining = {
      ...request,
      frontends: request.frontends.map((frontend) => ({ ...frontend, routes: withLocal(frontend.routes) })),
    };
    const [line = ''] = draw(scene().publisher.publish(draining));
    expect(line).toContain('outside #local[10.244.1.9:80] as itself');
  });
});

function withLocal(routes: ReturnType<typeof requestOf>['frontends'][number]['routes']): typeof routes {
  const { outside } = routes;
  if (outside.verdict !== 'forward' || !outside.pool.key.endsWith('#local')) return routes;
  const backends = outside.pool.backends.map((backend) => ({ ...backend, address: prefix('10.244.1.9/32').address }));
  return { ...routes, outside: { ...outside, pool: { ...outside.pool, backends } } };
}

describe('modes of the proxy without marks', () => {
  const publishing: Partial<ServicePublishing> = {
    mode: 'dsr',
    affinityScope: 'service',
    affinityTimeoutSeconds: 7,
    affinityPrefix: { IPv4: 24, IPv6: 128 },
    schedulerFlags: ['port'],
    portRanges: [{ protocol: 'TCP', first: 1000, last: 1001 }],
    connectionLimit: 5,
    onePacket: true,
  };
  const wishes = [
    'ingress-mode: dsr',
    'port-ranges',
    'affinity-scope: service',
    'affinity-timeout',
    'affinity-mask-v4',
    'scheduler-flags',
    'connection-limit',
    'one-packet',
  ];
  const of = shape({ ports: [port(80), port(443)], service: sticky, publishing });

  it.each(['iptables', 'nftables'] as const)(
    '[INGRESS-52] in %s name each wish that cannot be met, and serve the rest',
    (mode) => {
      const one = scene({ mode });
      expect(draw(one.publish(of)).map((line) => line.split(' |')[0])).toEqual([
        'TCP 203.0.113.5:80 plain affinity=60',
        'TCP 203.0.113.5:443 plain affinity=60',
      ]);
      expect(complaints(one)).toEqual(
        wishes.map((wish) => `NotInThisMode: annotation waypost.dev/${wish} has no effect in ${mode} mode`),
      );
      expect(one.notices.at(-1)?.message).toBe('published by address on 203.0.113.5');
    },
  );

  it('[INGRESS-52] say the same of a Service that wants to be served by address', () => {
    const one = scene();
    one.publish({ ...of, publishing: { ...publishing, method: 'address' } });
    expect(complaints(one)).toEqual(
      wishes.map((wish) => `InvalidAnnotation: annotation waypost.dev/${wish} has no effect with waypost.dev/ingress: address`),
    );
  });

  it('say nothing of wishes that they meet', () => {
    const one = scene({ mode: 'iptables' });
    one.publish(shape({ service: sticky, publishing: { mode: 'local', affinityTimeoutSeconds: 60, affinityScope: 'service' } }));
    expect(complaints(one)).toEqual([]);
  });
});

describe('direct return', () => {
  const dsr = { mode: 'dsr' } as const;
  const third = end('10.99.3.3', 'node-3', { weight: 5 });
  const ends = [
    here,
    end('10.244.1.6', 'node-1', { weight: 2 }),
    end('10.244.2.6', 'node-2', { weight: 3 }),
    end('10.244.2.7', 'node-2', { weight: 4 }),
    third,
  ];

  it('[INGRESS-32] [INGRESS-40] balances over back ends here and over other nodes, which weigh what they have', () => {
    const [line = ''] = draw(scene().publish(shape({ publishing: dsr, ends })));
    expect(line).toContain('shop/web#TCP/80 policy flags=fallback,port hop=[10.244.1.5:80 10.244.1.6:80*2] mh |');
    expect(line).toContain('outside #dsr[10.244.1.5:80 10.244.1.6:80*2 192.0.2.2:0*7!ipip 192.0.2.3:0*5!ipip] as itself');
    expect(line).toContain(
      'pod #cluster[10.244.1.5:80 10.244.1.6:80*2 10.244.2.6:80*3 10.244.2.7:80*4 10.99.3.3:80*5] as itself',
    );
  });

  const allowing = (method: DirectReturnMethod) => ({ directReturn: { enabled: true, method, guePort: 6080 } });

  it.each<[string, DirectReturnMethod, Partial<ServicePublishing>, string]>([
    ['dr', 'dr', { dsrMethod: 'dr' }, '192.0.2.2:0!dr'],
    ['gue', 'gue', { dsrMethod: 'gue' }, '192.0.2.2:0!gue'],
    ['ipip whatever is configured', 'dr', { dsrMethod: 'ipip' }, '192.0.2.2:0!ipip'],
    ['that of the configuration', 'gue', {}, '192.0.2.2:0!gue'],
  ])('[INGRESS-33] delivers by %s', (_, method, over, expected) => {
    const one = scene({ settings: allowing(method) });
    const [line = ''] = draw(one.publish(shape({ publishing: { ...dsr, ...over }, ends: [there] })));
    expect(line).toContain(`outside #dsr[${expected}] as itself`);
  });

  it('[INGRESS-33] by no method that nodes are not prepared for', () => {
    const one = scene({ settings: allowing('gue') });
    const [line = ''] = draw(one.publish(shape({ publishing: { ...dsr, dsrMethod: 'dr' }, ends: [there] })));
    expect(line).not.toContain('#dsr');
    expect(complaints(one)).toEqual([
      'DSRNotAllowed: annotation waypost.dev/dsr-method: dr needs ingress.dsr.method dr, it is served in mode mesh',
    ]);
  });

  it('[INGRESS-34] direct routing reaches only nodes that can be told from clients', () => {
    const states = new Map([
      ['192.0.2.2', 'unknown'],
      ['192.0.2.3', 'unfit'],
    ] as const);
    const reach = (address: string) => states.get(address as '192.0.2.2') ?? 'reached';
    const one = scene({ settings: allowing('dr'), peers: { reach, segmentSize: () => 1440 } });
    const [line = ''] = draw(one.publish(shape({ publishing: dsr, ends: [here, there, third] })));
    expect(line).toContain('outside #dsr[10.244.1.5:80] as itself');
    expect(complaints(one)).toEqual([
      'DSRNotAllowed: 1 back ends of shop/web#TCP/80 get no clients from outside: their Node is not known, has no address of IPv4, or cannot be reached by direct routing',
    ]);
  });

  it('[INGRESS-37] segments are as small as tunnels want them, and with direct routing as large as they like', () => {
    const sizes = (['ipip', 'gue', 'dr'] as const).map((method) => {
      const peers = { reach: () => 'reached' as const, segmentSize: () => 1440 };
      const frontends = scene({ settings: allowing(method), peers }).publish(shape({ publishing: dsr, ends: [there] }));
      return frontends.at(-1)?.publication?.segmentSize;
    });
    expect(sizes).toEqual([1440, 1440, null]);
  });

  it('[INGRESS-33] knows the port of GUE', () => {
    const frontend = scene({ settings: allowing('gue') })
      .publish(shape({ publishing: dsr, ends: [there] }))
      .at(-1);
    const outside = frontend?.routes.outside;
    expect(outside?.verdict === 'forward' ? outside.pool.backends[0]?.delivery : null).toEqual({
      method: 'tunnel',
      encapsulation: 'gue',
      port: 6080,
    });
  });

  it('[INGRESS-34] has a second hop on every node, which holds only back ends here', () => {
    const [line = ''] = draw(scene({ nodeName: 'node-3' }).publish(shape({ publishing: dsr, ends: [here, there] })));
    expect(line).toContain('hop=[]');
    expect(line).toContain('outside #dsr[192.0.2.1:0!ipip 192.0.2.2:0!ipip] as itself');
  });

  it('[INGRESS-12] rewrites no port: back ends translate it, each port on its own', () => {
    const one = scene();
    const ports = [port(80, { target: 8080 }), port(443, { target: 8443 })];
    const lines = draw(one.publish(shape({ ports, publishing: { ...dsr, affinityScope: 'service' }, ends: [here, there] })));
    expect(lines[0]).toContain('shop/web#TCP/80 policy flags=fallback,port hop=[10.244.1.5:8080] mh');
    expect(lines[1]).toContain('outside #dsr[10.244.1.5:8443 192.0.2.2:0!ipip] as itself');
    expect(complaints(one)).toEqual([
      'AffinityScopeReduced: annotation waypost.dev/affinity-scope: each port is on its own, because TCP/80 goes to port 8080, and direct return rewrites no port',
    ]);
  });

  it('keeps ports and clients of a Service as a whole where ports are the same', () => {
    const lines = draw(
      scene().publish(
        shape({
          ports: [port(80), port(443)],
          service: sticky,
          publishing: { ...dsr, affinityScope: 'service' },
          ends: [here, there],
        }),
      ),
    );
    expect(lines[1]).toContain('shop/web#all policy sticky=60/32 flags=fallback,port hop=[10.244.1.5:0] mh');
    expect(lines[1]).toContain('outside #dsr[10.244.1.5:0 192.0.2.2:0!ipip]');
  });

  it('keeps clients by a hash where a memory would not translate the port', () => {
    const one = scene();
    const ports = [port(80, { target: 8080 })];
    const [line = ''] = draw(one.publish(shape({ ports, service: sticky, publishing: { ...dsr, schedulerFlags: ['port'] } })));
    expect(line).toContain('shop/web#TCP/80 policy flags=fallback hop=[10.244.1.5:8080] mh');
    expect(complaints(one)).toEqual([
      'AffinityScopeReduced: TCP/80: a hash of the client picks the back end in place of a memory, because TCP/80 goes to port 8080, and direct return rewrites no port',
    ]);
  });

  it.each<[string, Parameters<typeof scene>[0], string]>([
    [
      'not allowed',
      { settings: { directReturn: { enabled: false, method: 'ipip', guePort: 6080 } } },
      'needs ingress.dsr.enabled',
    ],
    [
      'without knowledge of Nodes',
      { facts: () => ({ ...facts, nodes: null }) },
      'needs the Nodes of the cluster, which are not known',
    ],
  ])('%s is served by its policy', (_, options, reason) => {
    const one = scene(options);
    const [line = ''] = draw(one.publish(shape({ publishing: dsr, service: { externalLocal: true } })));
    expect(line).toMatch(/^TCP 203\.0\.113\.5:80 shop\/web#TCP\/80 \| .* outside #local\[10\.244\.1\.5:80\] as itself$/);
    expect(complaints(one)).toEqual([
      `DSRNotAllowed: annotation waypost.dev/ingress-mode: dsr ${reason}, it is served in mode local`,
    ]);
    const [mesh = ''] = draw(one.publish(shape({ publishing: dsr })));
    expect(mesh).toContain('| all #cluster');
  });

  it('says how many back ends no packet can be taken to', () => {
    const one = scene({
      facts: () => ({ ...facts, nodes: new Map([node('node-1', ['192.0.2.1']), node('node-2', ['fd00::2'])]) }),
    });
    const [line = ''] = draw(one.publish(shape({ publishing: dsr, ends: [here, there, third, end('10.244.9.9', null)] })));
    expect(line).toContain('outside #dsr[10.244.1.5:80] as itself');
    expect(complaints(one)).toEqual([
      'DSRNotAllowed: 3 back ends of shop/web#TCP/80 get no clients from outside: their Node is not known, has no address of IPv4, or cannot be reached by direct routing',
    ]);
  });

  it('[INGRESS-46] finds nodes by their addresses of the family', () => {
    const of = shape({ vips: ['2001:db8::5'], publishing: dsr, ends: [end('fd00:244::6', 'node-2')] });
    expect(draw(scene().publisher.publish(requestOf(of, 'node-1', 'IPv6')))[0]).toContain('#dsr[fd00::2:0!ipip]');
  });

  it.each<[string, readonly EndShape[], boolean]>([
    ['back ends elsewhere only', [there], true],
    ['a back end here, whose answers have to be translated', [here, there], false],
  ])('[INGRESS-47] one packet at a time with %s', (_, given, expected) => {
    const of = shape({ ports: [port(53, { protocol: 'UDP' })], publishing: { ...dsr, onePacket: true }, ends: given });
    expect(scene().publish(of).at(-1)?.publication?.onePacket).toBe(expected);
  });

  it('[INGRESS-47] one packet at a time is for UDP', () => {
    const one = scene();
    expect(one.publish(shape({ publishing: { ...dsr, onePacket: true }, ends: [there] })).at(-1)?.publication?.onePacket).toBe(
      false,
    );
    expect(complaints(one)).toEqual([
      'InvalidAnnotation: annotation waypost.dev/one-packet has no effect on a Service without a port of UDP',
    ]);
  });

  it.each<[PublishingMode | null, boolean, string]>([
    ['dsr', false, 'all #cluster'],
    ['dsr', true, 'outside #local'],
  ])('has the way back of the policy (%s, Local: %s)', (mode, externalLocal, expected) => {
    const frontend = scene()
      .publish(shape({ publishing: { mode }, service: { externalLocal } }))
      .at(-1);
    const plain = frontend?.publication?.plain ?? null;
    expect(draw(plain === null ? [] : [plain])[0]).toContain(expected);
  });

  it('is silent or refuses as told where nobody serves', () => {
    const nobody = shape({ publishing: dsr, ends: [] });
    expect(draw(scene().publish(nobody))[0]).toContain('| all reject');
    expect(draw(scene({ settings: { noEndpointsAction: 'drop' } }).publish(nobody))[0]).toContain('| all drop');
  });
});
