import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSelector } from '../model/mod.ts';
import type { PortRange, Problem, ServicePublishing } from '../model/mod.ts';
import { decodeService } from './decode.ts';

type Values = Readonly<Record<string, unknown>>;

/** Annotations named without their prefix, on a Service with the ports 80/TCP and 53/UDP. */
function read(values: Values): { publishing: ServicePublishing | null; problems: readonly Problem[] } {
  const annotations = Object.fromEntries(Object.entries(values).map(([name, value]) => [`waypost.dev/${name}`, value]));
  const ports = [
    { name: 'http', port: 80 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ];
  const raw = { metadata: { name: 'web', namespace: 'shop', annotations }, spec: { clusterIP: '10.96.0.1', ports } };
  const decoded = decodeService(raw);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  return { publishing: decoded.value.publishing, problems: decoded.warnings };
}

/** What the only complaint says, without the Service's name. */
function complaintOf(values: Values): string {
  const { problems } = read(values);
  expect(problems).toMatchObject([{ code: 'WP_KUBE_ANNOTATION', service: 'shop/web' }]);
  return problems[0]?.message.replace('Service shop/web: annotation waypost.dev/', '') ?? '';
}

const defaults: ServicePublishing = {
  method: null,
  mode: null,
  affinityScope: 'port',
  affinityTimeoutSeconds: null,
  affinityPrefix: { IPv4: 32, IPv6: 128 },
  schedulerFlags: null,
  portRanges: [],
  portRemap: 'stateless',
  dsrMethod: null,
  capture: null,
  preserveClientIp: false,
  connectionLimit: 0,
  onePacket: false,
  sourceRangesOnNodePorts: false,
  noEndpointsAction: null,
  nodeSelector: null,
  announce: false,
  healthCheck: null,
};

const whole = {
  ingress: 'fwmark',
  'ingress-mode': 'dsr',
  'affinity-scope': 'service',
  'affinity-timeout': '86400',
  'affinity-mask-v4': '24',
  'affinity-mask-v6': '64',
  'scheduler-flags': 'port, fallback',
  'port-ranges': 'udp:10000-10200, tcp:40000-40100,TCP:21,sctp:1-2',
  'port-remap': 'none',
  'dsr-method': 'gue',
  'vip-capture': 'policy',
  'preserve-client-ip': 'auto',
  'connection-limit': '4294967295',
  'one-packet': 'true',
  'source-ranges-apply-to-nodeports': 'true',
  'no-endpoints-action': 'reject',
  'ingress-nodes': 'a=b,c!=d,e in (f,g),!h,i notin (j)',
  announce: 'garp',
  'health-check': 'http:/live?x=1',
  'health-check-host': 'web.example:8080',
  'health-check-port': '8081',
  'health-check-interval': '2500ms',
  'health-check-timeout': '1',
  'health-check-rise': '1',
  'health-check-fall': '100',
};

describe('annotations of ingress', () => {
  it('are read in full', () => {
    expect(read(whole)).toEqual({
      publishing: {
        method: 'fwmark',
        mode: 'dsr',
        affinityScope: 'service',
        affinityTimeoutSeconds: 86_400,
        affinityPrefix: { IPv4: 24, IPv6: 64 },
        schedulerFlags: ['fallback', 'port'],
        portRanges: [
          { protocol: 'SCTP', first: 1, last: 2 },
          { protocol: 'TCP', first: 21, last: 21 },
          { protocol: 'TCP', first: 40_000, last: 40_100 },
          { protocol: 'UDP', first: 10_000, last: 10_200 },
        ],
        portRemap: 'none',
        dsrMethod: 'gue',
        capture: 'policy',
        preserveClientIp: true,
        connectionLimit: 4_294_967_295,
        onePacket: true,
        sourceRangesOnNodePorts: true,
        noEndpointsAction: 'reject',
        nodeSelector: [
          { label: 'a', operator: 'in', values: ['b'] },
          { label: 'c', operator: 'not-in', values: ['d'] },
          { label: 'e', operator: 'in', values: ['f', 'g'] },
          { label: 'h', operator: 'not-exists' },
          { label: 'i', operator: 'not-in', values: ['j'] },
        ],
        announce: true,
        healthCheck: {
          probe: { kind: 'http', path: '/live?x=1', host: 'web.example:8080' },
          port: 8081,
          intervalMs: 2500,
          timeoutMs: 1000,
          rise: 1,
          fall: 100,
        },
      },
      problems: [],
    });
  });

  it.each([{}, { ingress: '' }, { ingress: null }, { weights: 'a=1', scheduler: 'rr', 'drain-seconds': '5' }, { ingres: 'x' }])(
    '%j asks nothing of ingress',
    (values) => {
      expect(read(values)).toEqual({ publishing: null, problems: [] });
    },
  );

  it('have defaults where one of them is there', () => {
    expect(read({ ingress: 'address' })).toEqual({ publishing: { ...defaults, method: 'address' }, problems: [] });
    expect(read({ 'one-packet': 'false', 'preserve-client-ip': 'never', announce: 'none' })).toEqual({
      publishing: defaults,
      problems: [],
    });
  });

  it.each([
    ['ingress', 'mark', 'fwmark, address or none is needed, it is ignored'],
    ['ingress-mode', 'Mesh', 'mesh, local or dsr is needed, it is ignored'],
    ['affinity-scope', 'all', 'port or service is needed, it is ignored'],
    ['affinity-timeout', '0', 'a whole number from 1 to 86400 is needed, it is ignored'],
    ['affinity-timeout', '1h', 'a whole number from 1 to 86400 is needed, it is ignored'],
    ['affinity-mask-v4', '7', 'a whole number from 8 to 32 is needed, it is ignored'],
    ['affinity-mask-v6', '129', 'a whole number from 1 to 128 is needed, it is ignored'],
    ['scheduler-flags', 'fallback,x', 'fallback, port or fallback,port is needed, it is ignored'],
    ['port-remap', 'conntrack', 'it is not supported, stateless is taken'],
    ['port-remap', 'dnat', 'stateless or none is needed, stateless is taken'],
    ['dsr-method', 'tunnel', 'ipip, gue or dr is needed, it is ignored'],
    ['vip-capture', 'off', 'local or policy is needed, it is ignored'],
    ['preserve-client-ip', 'true', 'auto or never is needed, it is ignored'],
    ['connection-limit', '4294967296', 'a whole number from 0 to 4294967295 is needed, it is ignored'],
    ['connection-limit', '-1', 'a whole number from 0 to 4294967295 is needed, it is ignored'],
    ['one-packet', 'yes', 'true or false is needed, it is ignored'],
    ['source-ranges-apply-to-nodeports', '1', 'true or false is needed, it is ignored'],
    ['no-endpoints-action', 'forward', 'drop or reject is needed, it is ignored'],
    ['ingress-nodes', 'a=b,', 'a label selector like zone=a,tier in (edge, front),!old is needed, every node accepts'],
    ['ingress-nodes', ' ', 'a label selector like zone=a,tier in (edge, front),!old is needed, every node accepts'],
    ['announce', 'arp', 'none or garp is needed, it is ignored'],
    ['health-check', 'ping', 'tcp, http, http:/path or exec:program is needed, back ends are not asked'],
  ])('[INGRESS-52] %s: %s is told to its owner and has its default', (name, value, complaint) => {
    expect(complaintOf({ [name]: value })).toBe(`${name} is ${JSON.stringify(value.trim())}: ${complaint}`);
    expect(read({ [name]: value }).publishing).toEqual(defaults);
    // What is good beside it counts.
    expect(read({ ...whole, [name]: value }).publishing).toMatchObject(
      name === 'ingress-mode' ? { method: 'fwmark' } : { mode: 'dsr' },
    );
  });

  it('[INGRESS-52] of wrong types and without end are told shortly, and harm nothing beside them', () => {
    const huge = `a in (${'b,'.repeat(50_000)}c)`;
    for (const value of [7, true, [], {}, [['a']], huge, 'tcp:1,'.repeat(50_000), '('.repeat(100_000)]) {
      const spoilt = Object.fromEntries(Object.keys(whole).map((name) => [name, value]));
      const { publishing, problems } = read(spoilt);
      expect(publishing).toEqual(defaults);
      expect(problems.length).toBe(21);
      for (const { message } of problems) expect(message.length).toBeLessThan(400);
      expect(read({ ...spoilt, ingress: 'fwmark' }).publishing).toEqual({ ...defaults, method: 'fwmark' });
    }
  });

  it('never throw, and hold only what is in bounds', () => {
    const names = Object.keys(whole);
    const word = fc.constantFrom(...Object.values(whole), 'tcp', 'exec:x', 'tcp:1-5,tcp:5-9', '5', '1h', '100ms', '0');
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.oneof(word, fc.string(), fc.anything())), (values) => {
        const { publishing, problems } = read(values);
        expect(problems.length).toBeLessThanOrEqual(21);
        if (publishing === null) return;
        expectSound(publishing.portRanges);
        expect(publishing.affinityPrefix.IPv4).toBeGreaterThanOrEqual(8);
        const { healthCheck } = publishing;
        if (healthCheck === null) return;
        expect(healthCheck.timeoutMs).toBeLessThanOrEqual(healthCheck.intervalMs);
        expect(healthCheck.intervalMs).toBeGreaterThanOrEqual(100);
      }),
    );
  });
});

/** Sorted, in range, and no two of one protocol share a port, nor one with the Service's own. */
function expectSound(ranges: readonly PortRange[]): void {
  expect(ranges.length).toBeLessThanOrEqual(64);
  for (const [at, { protocol, first, last }] of ranges.entries()) {
    expect(first >= 1 && first <= last && last <= 65_535).toBe(true);
    expect(protocol === 'TCP' && first <= 80 && last >= 80).toBe(false);
    expect(protocol === 'UDP' && first <= 53 && last >= 53).toBe(false);
    const before = ranges[at - 1];
    expect(before === undefined || before.protocol < protocol || before.last < first).toBe(true);
  }
}

describe('port ranges', () => {
  it.each([
    ['tcp:0', 'protocol:port or protocol:first-last is needed, the range is left out'],
    ['tcp:65536', 'protocol:port or protocol:first-last is needed, the range is left out'],
    ['tcp:2-1', 'protocol:port or protocol:first-last is needed, the range is left out'],
    ['icmp:1', 'protocol:port or protocol:first-last is needed, the range is left out'],
    ['40000-40100', 'protocol:port or protocol:first-last is needed, the range is left out'],
    ['tcp:1-100', 'it overlaps port 80 of the Service, the range is left out'],
    ['udp:53', 'it overlaps port 53 of the Service, the range is left out'],
    ['tcp:20-30', 'it overlaps ports 10-20 of the Service, the range is left out'],
  ])('[INGRESS-9] %s is left out', (text, complaint) => {
    expect(complaintOf({ 'port-ranges': `tcp:10-20,${text},udp:80` })).toBe(`port-ranges is "${text}": ${complaint}`);
    expect(read({ 'port-ranges': `tcp:10-20,${text},udp:80` }).publishing?.portRanges).toEqual([
      { protocol: 'TCP', first: 10, last: 20 },
      { protocol: 'UDP', first: 80, last: 80 },
    ]);
  });

  it('are 64 at most', () => {
    const text = Array.from({ length: 70 }, (_, at) => `tcp:${1000 + at}`).join(',');
    const { publishing, problems } = read({ 'port-ranges': text });
    expect(publishing?.portRanges).toHaveLength(64);
    expect(problems).toHaveLength(6);
    expect(problems[0]?.message).toMatch(/"tcp:1064": there may be 64 ranges, the range is left out$/);
  });

  it('are read as they were written', () => {
    const range = fc
      .tuple(fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const), fc.integer({ min: 1000, max: 65_535 }), fc.nat(50))
      .map(([protocol, first, more]): PortRange => ({ protocol, first, last: Math.min(65_535, first + more) }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 40 }), (ranges) => {
        const apart = ranges.filter((a, at) => {
          return !ranges.slice(0, at).some((b) => a.protocol === b.protocol && a.first <= b.last && b.first <= a.last);
        });
        const text = apart.map(({ protocol, first, last }) => `${protocol.toLowerCase()}:${first}-${last}`).join(',');
        const found = read({ ingress: 'fwmark', 'port-ranges': text });
        expect(found.problems).toEqual([]);
        expectSound(found.publishing?.portRanges ?? []);
        expect(new Set(found.publishing?.portRanges)).toEqual(new Set(apart));
      }),
    );
  });
});

describe('the selector of nodes', () => {
  it('is read as it was written, up to 64 requirements', () => {
    const selector = Array.from({ length: 64 }, (_, at) => ({ label: `l${at}`, operator: 'exists' as const }));
    expect(read({ 'ingress-nodes': formatSelector(selector) }).publishing?.nodeSelector).toEqual(selector);
    const more = formatSelector([...selector, { label: 'x', operator: 'exists' }]);
    expect(complaintOf({ 'ingress-nodes': more })).toMatch(/every node accepts$/);
  });
});
