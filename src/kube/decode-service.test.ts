import { describe, expect, it } from 'vitest';
import type { ServiceRecord } from '../model/mod.ts';
import { decodeService, isProxiedService } from './decode.ts';

function rawService(spec: object, extra: object = {}): object {
  return { metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.0.1', ...spec }, ...extra };
}

/** The record and the messages of what was left out. */
function read(raw: unknown): { record: ServiceRecord; notes: readonly string[] } {
  const decoded = decodeService(raw);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  return { record: decoded.value, notes: decoded.warnings.map((warning) => warning.message) };
}

describe('decodeService', () => {
  it('keeps what the product uses of an ordinary Service', () => {
    const { record, notes } = read({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: '0b1c-x',
        creationTimestamp: '2026-05-01T10:20:30Z',
        labels: { a: 'b' },
        annotations: { c: 'd' },
      },
      spec: {
        type: 'LoadBalancer',
        loadBalancerClass: 'waypost.dev/ingress',
        clusterIP: '10.96.0.1',
        clusterIPs: ['10.96.0.1', 'FD00:0::1'],
        ipFamilies: ['IPv4', 'IPv6'],
        externalIPs: ['192.0.2.7', '2001:db8::7'],
        loadBalancerSourceRanges: ['10.0.0.0/8'],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        internalTrafficPolicy: 'Local',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 30200,
        ports: [
          { name: 'http', port: 80, protocol: 'TCP', nodePort: 30080, targetPort: 'http', appProtocol: 'h2c' },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
        selector: { app: 'web' },
      },
      status: {
        loadBalancer: { ingress: [{ ip: '198.51.100.1' }, { ip: '198.51.100.2', ipMode: 'Proxy' }, { hostname: 'x.test' }] },
      },
    });
    expect(notes).toEqual([]);
    expect(record).toEqual({
      key: 'shop/web',
      namespace: 'shop',
      name: 'web',
      type: 'LoadBalancer',
      proxied: true,
      headless: false,
      clusterIps: { IPv4: '10.96.0.1', IPv6: 'fd00::1' },
      publishedIps: { IPv4: '10.96.0.1', IPv6: 'fd00::1' },
      externalName: '',
      externalIps: ['192.0.2.7', '2001:db8::7'],
      loadBalancer: [
        { address: '198.51.100.1', ipMode: 'VIP' },
        { address: '198.51.100.2', ipMode: 'Proxy' },
      ],
      sourceRanges: [{ family: 'IPv4', address: '10.0.0.0', length: 8 }],
      ports: [
        { name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 },
        { name: 'dns', protocol: 'UDP', port: 53, nodePort: 0 },
      ],
      affinity: { timeoutSeconds: 60 },
      internalLocal: true,
      externalLocal: true,
      healthCheckNodePort: 30200,
      tuning: { scheduler: null, weights: [], drainSeconds: null },
      labels: {},
      loadBalancerClass: 'waypost.dev/ingress',
      publishing: null,
      createdAt: Date.UTC(2026, 4, 1, 10, 20, 30) / 1000,
      uid: '0b1c-x',
    });
  });

  it('[INGRESS-2] knows no class, no age and no uid where there is none, or none that can be used', () => {
    const none = { loadBalancerClass: null, createdAt: 0, uid: '' };
    for (const value of [undefined, null, '']) {
      const metadata = { name: 'web', namespace: 'shop', uid: value, creationTimestamp: value === '' ? null : value };
      const { record, notes } = read(rawService({ loadBalancerClass: value }, { metadata }));
      expect(record).toMatchObject(none);
      expect(notes).toEqual([]);
    }
    for (const value of [7, true, {}, 'x '.repeat(400)]) {
      const metadata = { name: 'web', namespace: 'shop', uid: value, creationTimestamp: value };
      const { record, notes } = read(rawService({ loadBalancerClass: value }, { metadata }));
      expect(record).toMatchObject(none);
      expect(notes.map((note) => note.split(' is ')[0])).toEqual([
        'Service shop/web: spec.loadBalancerClass',
        'Service shop/web: metadata.creationTimestamp',
        'Service shop/web: metadata.uid',
      ]);
    }
  });

  it('[INGRESS-5] keeps the age in whole seconds, never before 1970', () => {
    const created = (creationTimestamp: string): number =>
      read(rawService({}, { metadata: { name: 'web', namespace: 'shop', creationTimestamp } })).record.createdAt;
    expect(created('1970-01-01T01:00:01.9+01:00')).toBe(1);
    expect(created('0001-01-01T00:00:00Z')).toBe(0);
  });

  it('fills in the defaults of the API, null counting as absent', () => {
    const { record, notes } = read(rawService({ type: null, ports: [{ port: 80, name: null, protocol: null, nodePort: null }] }));
    expect(notes).toEqual([]);
    expect(record).toMatchObject({ type: 'ClusterIP', affinity: null, internalLocal: false, externalLocal: false });
    expect(record).toMatchObject({ healthCheckNodePort: 0, sourceRanges: [], externalIps: [], loadBalancer: [] });
    expect(record.ports).toEqual([{ name: '', protocol: 'TCP', port: 80, nodePort: 0 }]);
  });

  it('[SP-4] marks headless Services and keeps the type of an ExternalName with a ClusterIP', () => {
    for (const clusterIP of ['', 'None', null]) {
      expect(read(rawService({ clusterIP })).record).toMatchObject({ headless: true, clusterIps: {} });
    }
    expect(read(rawService({ type: 'ExternalName' })).record).toMatchObject({ type: 'ExternalName', headless: false });
  });

  it('[SP-25] lets spec.clusterIP decide without ipFamilies, and the index of the family with them', () => {
    expect(read(rawService({ clusterIP: 'fd00::1' })).record.clusterIps).toEqual({ IPv6: 'fd00::1' });
    expect(read(rawService({ clusterIP: 'fd00::1', ipFamilies: [] })).record.clusterIps).toEqual({ IPv6: 'fd00::1' });
    const dual = { ipFamilies: ['IPv6', 'IPv4'], clusterIPs: ['fd00::1', '10.96.0.9'] };
    expect(read(rawService(dual)).record.clusterIps).toEqual({ IPv6: 'fd00::1', IPv4: '10.96.0.9' });
    // Like the reference: with families set, spec.clusterIP alone is not asked.
    expect(read(rawService({ ipFamilies: ['IPv4'] })).record.clusterIps).toEqual({});
    expect(read(rawService({ ipFamilies: ['IPv4', 'IPv6'], clusterIPs: ['10.96.0.1'] })).notes).toEqual([]);
  });

  it('refuses a ClusterIP of the wrong family or of none', () => {
    const { record, notes } = read(rawService({ ipFamilies: ['IPv4', 'IPv9'], clusterIPs: ['fd00::1', 'x'] }));
    expect(record.clusterIps).toEqual({});
    expect(notes).toEqual([
      'Service shop/web: spec.clusterIPs[0] is "fd00::1": an IPv4 address is needed, it is left out',
      'Service shop/web: spec.ipFamilies[1] is "IPv9": IPv4 or IPv6 is needed, its ClusterIP is left out',
    ]);
    expect(read(rawService({ clusterIP: '10.0.0' })).record).toMatchObject({ headless: false, clusterIps: {} });
  });

  it('[SP-27] [SP-28] [SP-29] reads addresses and ranges the tolerant way', () => {
    const { record, notes } = read(
      rawService({
        clusterIP: '172.30.0.041',
        externalIPs: [' 192.0.2.001 ', '', '::ffff:192.0.2.9', 'bad', '192.0.2.1'],
        loadBalancerSourceRanges: [' 10.1.0.0/8 ', '  ', '203.0.113.000/025', '10.0.0.1', 7],
      }),
    );
    expect(record.clusterIps).toEqual({ IPv4: '172.30.0.41' });
    expect(record.externalIps).toEqual(['192.0.2.1', '192.0.2.9']);
    expect(record.sourceRanges.map((range) => `${range.address}/${range.length}`)).toEqual(['10.0.0.0/8', '203.0.113.0/25']);
    expect(notes).toEqual([
      'Service shop/web: spec.externalIPs[3] is "bad": an address is needed, it is left out',
      'Service shop/web: spec.loadBalancerSourceRanges[3] is "10.0.0.1": a range like 10.0.0.0/8 is needed, it is left out',
      'Service shop/web: spec.loadBalancerSourceRanges[4] is 7: a range like 10.0.0.0/8 is needed, it is left out',
    ]);
  });

  it('[SP-26] keeps external IPs, load balancer IPs and ranges of both families', () => {
    const { record, notes } = read(
      rawService(
        { externalIPs: ['2001:db8::1', '192.0.2.1'], loadBalancerSourceRanges: ['2001:db8::/32', '10.0.0.0/8'] },
        { status: { loadBalancer: { ingress: [{ ip: '2001:db8::9' }, { ip: '192.0.2.9' }] } } },
      ),
    );
    expect(notes).toEqual([]);
    expect([record.externalIps.length, record.sourceRanges.length, record.loadBalancer.length]).toEqual([2, 2, 2]);
  });

  it('[SP-35] [SP-36] reads the mode of load balancer IPs and passes over host names', () => {
    const ingress = [
      { ip: '192.0.2.1', ipMode: null },
      { ip: '192.0.2.2', ipMode: 'Proxy' },
      { hostname: 'lb.test' },
      { ip: '', hostname: 'lb.test' },
      { ip: '192.0.2.3', ipMode: 'Other' },
      { ip: 'lb.test' },
      'text',
      { ip: '192.0.2.1', ipMode: 'VIP' },
    ];
    const { record, notes } = read(rawService({}, { status: { loadBalancer: { ingress } } }));
    expect(record.loadBalancer).toEqual([
      { address: '192.0.2.1', ipMode: 'VIP' },
      { address: '192.0.2.2', ipMode: 'Proxy' },
    ]);
    expect(notes).toEqual([
      'Service shop/web: status.loadBalancer.ingress[4].ipMode is "Other": VIP or Proxy is needed, the entry is left out',
      'Service shop/web: status.loadBalancer.ingress[5].ip is "lb.test": an address is needed, the entry is left out',
      'Service shop/web: status.loadBalancer.ingress[6].ip is absent: an address is needed, the entry is left out',
    ]);
  });

  it('assumes 10800 seconds where ClientIP affinity has no usable timeout', () => {
    const timeouts = [undefined, null, 0, -1, 1.5, '60', 86_401, 86_400, 1].map((timeoutSeconds) => {
      const sessionAffinityConfig = { clientIP: { timeoutSeconds } };
      return read(rawService({ sessionAffinity: 'ClientIP', sessionAffinityConfig })).record.affinity?.timeoutSeconds;
    });
    expect(timeouts).toEqual([10_800, 10_800, 10_800, 10_800, 10_800, 10_800, 10_800, 86_400, 1]);
    expect(read(rawService({ sessionAffinity: 'ClientIP' })).notes).toEqual([]);
    expect(read(rawService({ sessionAffinity: 'None', sessionAffinityConfig: { clientIP: {} } })).record.affinity).toBeNull();
  });

  it('leaves out ports that cannot work and says why', () => {
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 0 },
      { name: 'c', port: '80' },
      { name: 'd', port: 81, protocol: 'ICMP' },
      { name: 'e f', port: 82 },
      { name: 'g', port: 80 },
      { name: 'a', port: 83 },
      { name: 'h', port: 84, nodePort: 70_000 },
      { name: 'i', port: 85, nodePort: 30_001 },
      { name: 'j', port: 86, nodePort: 30_001 },
      null,
    ];
    const { record, notes } = read(rawService({ ports }));
    expect(record.ports.map(({ name, port, nodePort }) => [name, port, nodePort])).toEqual([
      ['a', 80, 0],
      ['h', 84, 0],
      ['i', 85, 30_001],
      ['j', 86, 0],
    ]);
    expect(notes.map((note) => note.slice('Service shop/web: '.length).split(': ')[0])).toEqual([
      'spec.ports[1].port is 0',
      'spec.ports[2].port is "80"',
      'spec.ports[3].protocol is "ICMP"',
      'spec.ports[4].name is "e f"',
      'spec.ports[5].port is 80',
      'spec.ports[6].name is "a"',
      'spec.ports[7].nodePort is 70000',
      'spec.ports[9].nodePort is 30001',
      'spec.ports[10].port is absent',
    ]);
  });

  it('[SP-31] keeps the same number and name under different protocols', () => {
    const protocols = ['TCP', 'UDP', 'SCTP'];
    const { record, notes } = read(
      rawService({ ports: protocols.map((protocol) => ({ name: 'dns', port: 53, nodePort: 30053, protocol })) }),
    );
    expect(notes).toEqual([]);
    expect(record.ports.map((port) => `${port.protocol} ${port.port} ${port.nodePort}`)).toEqual([
      'TCP 53 30053',
      'UDP 53 30053',
      'SCTP 53 30053',
    ]);
  });

  it('[SP-17] gives equal records for objects that differ in labels, annotations and selector only', () => {
    const plain = rawService({ ports: [{ port: 80 }] });
    const edited = { ...plain, metadata: { name: 'web', namespace: 'shop', labels: { x: 'y' }, resourceVersion: '7' } };
    expect(read(edited).record).toEqual(read(plain).record);
  });

  it.each([
    [undefined, 'a Service: metadata.name is absent'],
    ['text', 'a Service: metadata.name is absent'],
    [{ metadata: { name: 'a/b', namespace: 'c' } }, 'a Service: metadata.name is "a/b"'],
    [{ metadata: { name: 'a\nb', namespace: 'c' } }, String.raw`a Service: metadata.name is "a\nb"`],
    [{ metadata: { name: 'a' } }, 'Service a: metadata.namespace is absent'],
    [{ metadata: { name: 'a', namespace: 'b' } }, 'Service b/a: spec is missing'],
    [{ metadata: { name: 'a', namespace: 'b' }, spec: [] }, 'Service b/a: spec is missing'],
  ])('refuses %j', (raw, message) => {
    const decoded = decodeService(raw);
    expect(decoded).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_OBJECT' } });
    expect(decoded.ok ? '' : decoded.problem.message).toContain(message);
  });

  it('bounds the number of warnings and their length', () => {
    const { notes } = read(rawService({ externalIPs: Array.from({ length: 500 }, () => 'x'.repeat(10_000)) }));
    expect(notes).toHaveLength(21);
    expect(notes.at(-1)).toBe('Service shop/web: 480 more malformed fields');
    expect(Math.max(...notes.map((note) => note.length))).toBeLessThan(250);
  });
});

function labelled(labels: unknown): boolean {
  return isProxiedService({ metadata: { labels }, spec: { clusterIP: '10.0.0.1' } });
}

describe('isProxiedService', () => {
  it('[SP-2] leaves Services with the label of another proxy alone, whatever its value', () => {
    expect(labelled({ 'service.kubernetes.io/service-proxy-name': 'other' })).toBe(false);
    expect(labelled({ 'service.kubernetes.io/service-proxy-name': '' })).toBe(false);
    expect(labelled({ 'service.kubernetes.io/service-proxy-name': null })).toBe(false);
    for (const labels of [{}, { app: 'x' }, null, undefined, 'text', []]) expect(labelled(labels)).toBe(true);
  });

  it('selects like the field selector spec.clusterIP!=None', () => {
    expect(isProxiedService({ spec: { clusterIP: 'None' } })).toBe(false);
    expect(isProxiedService({ spec: { clusterIP: '' } })).toBe(true);
    expect(isProxiedService(null)).toBe(true);
  });
});
