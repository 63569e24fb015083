import { describe, expect, it } from 'vitest';
import type { NodeRecord } from '../model/mod.ts';
import { decodeNode } from './decode.ts';

function read(raw: unknown): { record: NodeRecord; notes: readonly string[] } {
  const decoded = decodeNode(raw);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  return { record: decoded.value, notes: decoded.warnings.map((warning) => warning.message) };
}

function zoneOf(zone: unknown): string | null {
  return read({ metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': zone } } }).record.zone;
}

function leaving(raw: object): boolean {
  return read(raw).record.leaving;
}

describe('decodeNode', () => {
  it('puts internal addresses before external ones and passes over names', () => {
    const addresses = [
      { type: 'Hostname', address: 'n1' },
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'InternalIP', address: '10.0.0.001' },
      { type: 'InternalDNS', address: 'n1.test' },
      { type: 'InternalIP', address: 'FD00::1' },
    ];
    const { record, notes } = read({ metadata: { name: 'n1' }, status: { addresses } });
    expect(notes).toEqual([]);
    expect(record).toEqual({
      name: 'n1',
      addresses: ['10.0.0.1', 'fd00::1', '203.0.113.1'],
      podCidrs: [],
      zone: null,
      leaving: false,
      labels: {},
      weight: null,
    });
  });

  it('notes addresses and ranges that cannot be read', () => {
    const { record, notes } = read({
      metadata: { name: 'n1' },
      spec: { podCIDRs: ['10.244.1.7/24', 'fd00:1::/64', 'x', null] },
      status: { addresses: [{ type: 'InternalIP', address: 'n1.test' }, { type: 'InternalIP' }, null, 'x'] },
    });
    expect(record.podCidrs.map((range) => `${range.address}/${range.length}`)).toEqual(['10.244.1.0/24', 'fd00:1::/64']);
    expect(record.addresses).toEqual([]);
    expect(notes).toEqual([
      'Node n1: status.addresses[0].address is "n1.test": an address is needed, it is left out',
      'Node n1: status.addresses[1].address is absent: an address is needed, it is left out',
      'Node n1: spec.podCIDRs[2] is "x": a range like 10.0.0.0/24 is needed, it is left out',
      'Node n1: spec.podCIDRs[3] is absent: a range like 10.0.0.0/24 is needed, it is left out',
    ]);
  });

  it('[SP-62] takes an empty zone for none', () => {
    expect([zoneOf('a'), zoneOf(''), zoneOf(null), zoneOf(3)]).toEqual(['a', null, null, null]);
  });

  it('sees a Node that leaves by its taint or its deletion', () => {
    expect(leaving({ metadata: { name: 'n1', deletionTimestamp: '2026-05-01T00:00:00Z' } })).toBe(true);
    const taints = [{ key: 'other' }, { key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }];
    expect(leaving({ metadata: { name: 'n1' }, spec: { taints } })).toBe(true);
    expect(leaving({ metadata: { name: 'n1' }, spec: { taints: [{ key: 'other' }, null] } })).toBe(false);
  });

  it('[INGRESS-40] keeps labels where ingress asks for them, and the weight', () => {
    const labels = { 'topology.kubernetes.io/zone': 'a', edge: '', count: 3, __proto__: 'x' };
    const metadata = { name: 'n1', labels, annotations: { 'waypost.dev/node-weight': '3' } };
    expect(read({ metadata }).record).toMatchObject({ labels: {}, weight: 3 });
    const decoded = decodeNode({ metadata }, { nodes: false });
    expect(decoded).toMatchObject({ ok: true, value: { labels: { 'topology.kubernetes.io/zone': 'a', edge: '' }, weight: 3 } });
    expect(decoded.ok && Object.keys(decoded.value.labels)).toHaveLength(2);
  });

  it.each([
    ['0', 0],
    ['65535', 65_535],
    ['', null],
    [null, null],
  ])('takes the weight %j for %s', (value, weight) => {
    expect(read({ metadata: { name: 'n1', annotations: { 'waypost.dev/node-weight': value } } })).toMatchObject({
      record: { weight },
      notes: [],
    });
  });

  it.each(['65536', '-1', '1.5', 'x', 7, {}, '1'.repeat(1000)])('[INGRESS-52] notes the weight %j', (value) => {
    const { record, notes } = read({ metadata: { name: 'n1', annotations: { 'waypost.dev/node-weight': value } } });
    expect(record.weight).toBeNull();
    expect(notes).toEqual([
      expect.stringMatching(/^Node n1: annotation waypost\.dev\/node-weight is .*: a whole number from 0 to 65535 is needed/),
    ]);
  });

  it('refuses a Node without a name', () => {
    for (const raw of [null, {}, { metadata: { name: '' } }, { metadata: { name: 5 } }]) {
      expect(decodeNode(raw)).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_OBJECT' } });
    }
  });
});
