import { describe, expect, it } from 'vitest';
import type { SliceRecord } from '../model/mod.ts';
import { decodeSlice, isProxiedSlice } from './decode.ts';

function rawSlice(fields: object, metadata: object = {}): object {
  const labels = { 'kubernetes.io/service-name': 'web' };
  return { metadata: { name: 'web-1', namespace: 'shop', labels, ...metadata }, addressType: 'IPv4', ...fields };
}

function read(raw: unknown): { record: SliceRecord; notes: readonly string[] } {
  const decoded = decodeSlice(raw);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  return { record: decoded.value, notes: decoded.warnings.map((warning) => warning.message) };
}

describe('decodeSlice', () => {
  it('keeps what the product uses of an ordinary slice', () => {
    const { record, notes } = read(
      rawSlice(
        {
          ports: [{ name: 'http', port: 8080, protocol: 'TCP', appProtocol: 'http' }],
          endpoints: [
            {
              addresses: ['10.1.0.1'],
              conditions: { ready: false, serving: true, terminating: true },
              nodeName: 'n1',
              zone: 'a',
              hostname: 'x',
              targetRef: { kind: 'Pod' },
              hints: { forZones: [{ name: 'a' }, { name: 'b' }], forNodes: [{ name: 'n1' }] },
            },
          ],
        },
        { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-05-01T10:20:30.123456789Z' } },
      ),
    );
    expect(notes).toEqual([]);
    expect(record).toEqual({
      key: 'shop/web-1',
      service: 'shop/web',
      proxied: true,
      family: 'IPv4',
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      publishedPorts: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      endpoints: [
        {
          address: '10.1.0.1',
          ready: false,
          serving: true,
          terminating: true,
          nodeName: 'n1',
          zone: 'a',
          zoneHints: ['a', 'b'],
          nodeHints: ['n1'],
          hostname: null,
          podName: null,
        },
      ],
      furtherEndpoints: [],
      triggeredAt: Date.UTC(2026, 4, 1, 10, 20, 30, 123),
      labels: {},
    });
  });

  it('[SP-9] [SP-16] fills in nil conditions, and no node name', () => {
    const nowhere = { nodeName: null, zone: null, zoneHints: [], nodeHints: [], hostname: null, podName: null };
    const nil = { ready: true, serving: true, terminating: false, ...nowhere };
    const endpoints = [
      { addresses: ['10.1.0.1'] },
      { addresses: ['10.1.0.2'], conditions: null, hints: null, nodeName: null },
      { addresses: ['10.1.0.3'], conditions: { ready: null, serving: null, terminating: null }, nodeName: '' },
      { addresses: ['10.1.0.4'], conditions: {}, hints: { forZones: [], forNodes: null } },
    ];
    const { record, notes } = read(rawSlice({ endpoints }));
    expect(notes).toEqual([]);
    expect(record.endpoints).toEqual([1, 2, 3, 4].map((last) => ({ ...nil, address: `10.1.0.${last}` })));
  });

  it('[SP-6] joins by label and namespace only', () => {
    const owner = { ownerReferences: [{ kind: 'Service', name: 'other' }], name: 'anything' };
    expect(read(rawSlice({}, owner)).record).toMatchObject({ service: 'shop/web', key: 'shop/anything' });
  });

  it('[SP-8] refuses FQDN and unknown address types', () => {
    for (const addressType of ['FQDN', 'ipv4', null, 4]) {
      const decoded = decodeSlice(rawSlice({ addressType }));
      expect(decoded).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_OBJECT' } });
    }
    const decoded = decodeSlice(rawSlice({ addressType: 'FQDN' }));
    expect(decoded.ok ? '' : decoded.problem.message).toBe(
      'EndpointSlice shop/web-1: addressType is "FQDN", IPv4 or IPv6 is needed, the slice is ignored',
    );
  });

  it('refuses a slice that belongs to no Service', () => {
    for (const labels of [
      undefined,
      null,
      {},
      { 'kubernetes.io/service-name': '' },
      { 'kubernetes.io/service-name': 'a/b' },
      'x',
    ]) {
      expect(decodeSlice(rawSlice({}, { labels }))).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_OBJECT' } });
    }
  });

  it('[SP-10] leaves out ports with nil name, nil number or number 0, and keeps the others', () => {
    const ports = [
      { port: 1 },
      { name: null, port: 2 },
      { name: 'a' },
      { name: 'b', port: null },
      { name: 'c', port: 0 },
      { name: '', port: 3 },
      { name: 'd', port: 4, protocol: null },
      { name: 'e', port: 5, protocol: 'UDP' },
      { name: 'f', port: 6, protocol: 'tcp' },
    ];
    const { record, notes } = read(rawSlice({ ports }));
    expect(record.ports).toEqual([
      { name: '', protocol: 'TCP', port: 3 },
      { name: 'd', protocol: 'TCP', port: 4 },
      { name: 'e', protocol: 'UDP', port: 5 },
    ]);
    expect(notes).toHaveLength(6);
    expect(notes[0]).toBe('EndpointSlice shop/web-1: ports[0].name is absent: a name is needed, the port is left out');
  });

  it('[SP-11] uses the first address only and passes over endpoints without one', () => {
    const endpoints = [
      { addresses: ['10.1.0.1', '10.1.0.2'] },
      { addresses: [] },
      {},
      { addresses: '10.1.0.3' },
      { addresses: [null, '10.1.0.4'] },
      null,
      { addresses: ['10.1.0.005'] },
    ];
    const { record, notes } = read(rawSlice({ endpoints }));
    expect(record.endpoints.map((endpoint) => endpoint.address)).toEqual(['10.1.0.1', '10.1.0.5']);
    expect(notes).toHaveLength(5);
    expect(notes[2]).toBe(
      'EndpointSlice shop/web-1: endpoints[3].addresses[0] is "10.1.0.3": an IPv4 address is needed, the endpoint is left out',
    );
  });

  it('leaves out endpoints of the wrong family, mapped ones judged by what they mean', () => {
    const endpoints = [{ addresses: ['fd00::1'] }, { addresses: ['::ffff:10.1.0.1'] }];
    expect(read(rawSlice({ endpoints })).record.endpoints.map((each) => each.address)).toEqual(['10.1.0.1']);
    expect(read(rawSlice({ addressType: 'IPv6', endpoints })).record.endpoints.map((each) => each.address)).toEqual(['fd00::1']);
  });

  it('notes conditions, node names and hints of the wrong type and goes on without them', () => {
    const endpoints = [
      {
        addresses: ['10.1.0.1'],
        conditions: { ready: 'false', serving: 0, terminating: {} },
        nodeName: 7,
        hints: { forZones: [{ name: 'a' }, { name: '' }, 'b', null], forNodes: 'n1' },
      },
    ];
    const { record, notes } = read(rawSlice({ endpoints }));
    expect(record.endpoints[0]).toMatchObject({ ready: true, serving: true, terminating: false, nodeName: null });
    expect(record.endpoints[0]).toMatchObject({ zoneHints: ['a'], nodeHints: [] });
    expect(notes).toHaveLength(8);
  });

  it('takes RFC 3339 times only', () => {
    const at = (time: unknown): number | null =>
      read(rawSlice({}, { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': time } })).record.triggeredAt;
    expect(at('2026-05-01T12:00:00+02:00')).toBe(Date.UTC(2026, 4, 1, 10));
    expect(at('2026-05-01T10:00:00Z')).toBe(Date.UTC(2026, 4, 1, 10));
    for (const time of ['2026-05-01', 'May 1 2026', '2026-05-01T10:00:00', '2026-13-01T10:00:00Z', '1', 5, null])
      expect(at(time)).toBeNull();
    expect(read(rawSlice({})).record.triggeredAt).toBeNull();
  });

  it('keeps one copy of lists that return in every endpoint', () => {
    const one = JSON.stringify(rawSlice({ endpoints: [{ addresses: ['10.1.0.1'], hints: { forZones: [{ name: 'zone-a' }] } }] }));
    const first = read(JSON.parse(one)).record.endpoints[0];
    const second = read(JSON.parse(one)).record.endpoints[0];
    expect(first?.zoneHints).toEqual(['zone-a']);
    expect(first?.zoneHints).toBe(second?.zoneHints);
  });
});

describe('isProxiedSlice', () => {
  it('[SP-5] goes by the label of the slice itself, whatever its value', () => {
    expect(isProxiedSlice({ metadata: { labels: { 'service.kubernetes.io/headless': '' } } })).toBe(false);
    expect(isProxiedSlice({ metadata: { labels: { 'service.kubernetes.io/headless': 'x' } } })).toBe(false);
    // Slices are not filtered by the label that hands Services to another proxy.
    expect(isProxiedSlice({ metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } })).toBe(true);
    expect(isProxiedSlice(undefined)).toBe(true);
  });
});
