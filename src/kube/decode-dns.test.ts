import { describe, expect, it } from 'vitest';
import { noLabels } from '../model/mod.ts';
import type { DnsData, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { decodeNamespace, decodePod, decodeService, decodeSlice, isPodGone } from './decode.ts';
import type { Decoded } from './decode.ts';

const plain: DnsData = { pods: 'all', keepLabels: false };
const labelled: DnsData = { pods: 'all', keepLabels: true };

function read<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(decoded.problem.message);
  expect(decoded.warnings).toEqual([]);
  return decoded.value;
}

function service(spec: object, metadata: object = {}, dns: DnsData | null = plain): ServiceRecord {
  return read(decodeService({ metadata: { name: 'web', namespace: 'shop', ...metadata }, spec }, dns));
}

function rawSlice(fields: object, labels: object = {}): object {
  const all = { 'kubernetes.io/service-name': 'web', ...labels };
  return { metadata: { name: 'web-1', namespace: 'shop', labels: all }, addressType: 'IPv4', ...fields };
}

function slice(fields: object, labels: object = {}, dns: DnsData | null = plain): SliceRecord {
  return read(decodeSlice(rawSlice(fields, labels), dns));
}

describe('a Service for DNS', () => {
  it('publishes clusterIPs before clusterIP, whatever the families are said to be', () => {
    const both = { IPv4: '10.96.0.1', IPv6: 'fd00::1' };
    expect(service({ clusterIP: 'fd00::1', clusterIPs: ['fd00:0::1', '10.96.0.1'] }).publishedIps).toEqual(both);
    expect(service({ clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'] }).publishedIps).toEqual(both);
    expect(service({ clusterIP: '10.96.0.1' }).publishedIps).toEqual({ IPv4: '10.96.0.1' });
    const agreed = service({ clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilies: ['IPv4', 'IPv6'] });
    expect(agreed.publishedIps).toBe(agreed.clusterIps);
  });

  it('is headless where the first of clusterIPs is None, and has no address where none was given', () => {
    for (const spec of [{ clusterIP: 'None' }, { clusterIP: 'None', clusterIPs: ['None'] }]) {
      expect(service(spec)).toMatchObject({ publishedIps: null, headless: true, proxied: false });
    }
    expect(service({}).publishedIps).toEqual({});
  });

  it('is proxied exactly where the selectors of a proxy let it through', () => {
    const other = { labels: { 'service.kubernetes.io/service-proxy-name': '' } };
    expect(service({ clusterIP: '10.96.0.1' }).proxied).toBe(true);
    expect(service({ clusterIP: '10.96.0.1' }, other).proxied).toBe(false);
    expect(service({ type: 'ExternalName', externalName: 'x.test' }).proxied).toBe(true);
    expect(service({ clusterIP: 'None' }).proxied).toBe(false);
    // A server that does not select is no reason to leave out what it was asked for.
    expect(service({ clusterIP: 'None' }, other, null).proxied).toBe(true);
  });

  it('keeps the name that it stands for, and ports with and without names, without complaints', () => {
    const ports = [{ name: 'http', port: 80 }];
    const spec = { type: 'ExternalName', externalName: 'www.example.com.', ports };
    expect(service(spec)).toMatchObject({ externalName: 'www.example.com.', type: 'ExternalName' });
    expect(service({ clusterIP: 'None', ports: [{ port: 53, protocol: 'UDP' }] }).ports).toEqual([
      { name: '', protocol: 'UDP', port: 53, nodePort: 0 },
    ]);
    expect(service({ clusterIP: 'None' }).ports).toEqual([]);
    const hostile = decodeService(
      { metadata: { name: 'a', namespace: 'b' }, spec: { type: 'ExternalName', externalName: 7 } },
      plain,
    );
    expect(hostile).toMatchObject({ ok: true, value: { externalName: '' } });
    expect(hostile.ok && hostile.warnings.map(({ message }) => message)).toEqual([
      'Service b/a: spec.externalName is 7: a name is needed, it is ignored',
    ]);
  });

  it('[DNS-9] is there for as long as its object is', () => {
    const deleted = { deletionTimestamp: '2026-05-01T10:20:30Z', finalizers: ['x'] };
    expect(service({ clusterIP: '10.96.0.1' }, deleted).publishedIps).toEqual({ IPv4: '10.96.0.1' });
  });

  it('keeps labels where somebody asked, and whatever they are called', () => {
    const metadata = JSON.parse('{"labels":{"app":"web","__proto__":"x","odd":7}}') as object;
    const { labels } = service({ clusterIP: '10.96.0.1' }, metadata, labelled);
    expect(Object.entries(labels)).toEqual([
      ['app', 'web'],
      ['__proto__', 'x'],
    ]);
    expect(service({ clusterIP: '10.96.0.1' }, metadata).labels).toBe(noLabels);
  });
});

describe('a slice for DNS', () => {
  it('[DNS-50] [DNS-51] takes readiness from one condition, absent meaning ready', () => {
    const conditions = [undefined, {}, { ready: true }, { ready: false }, { ready: false, serving: true, terminating: true }];
    const endpoints = conditions.map((each, index) => ({ addresses: [`10.1.0.${index}`], conditions: each }));
    expect(slice({ endpoints }).endpoints.map(({ ready }) => ready)).toEqual([true, true, true, false, false]);
  });

  it('[DNS-56] publishes nothing without a Service to belong to, and of type FQDN', () => {
    for (const raw of [
      rawSlice({}, { 'kubernetes.io/service-name': '' }),
      rawSlice({}, { 'kubernetes.io/service-name': undefined }),
      rawSlice({ addressType: 'FQDN', endpoints: [{ addresses: ['www.example.com'] }] }),
    ]) {
      expect(decodeSlice(raw, plain)).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_OBJECT' } });
    }
  });

  it('keeps all addresses of an entry in canonical form, the first alone for the proxy', () => {
    const endpoints = [{ addresses: ['10.1.0.01', '10.1.0.2', '10.1.0.3'], hostname: 'a' }, { addresses: ['10.1.0.4'] }];
    const record = slice({ endpoints });
    expect(record.endpoints.map(({ address }) => address)).toEqual(['10.1.0.1', '10.1.0.4']);
    expect(record.furtherEndpoints.map(({ address, hostname }) => [address, hostname])).toEqual([
      ['10.1.0.2', 'a'],
      ['10.1.0.3', 'a'],
    ]);
    expect(slice({ endpoints }, {}, null).furtherEndpoints).toEqual([]);
  });

  it('publishes the usable addresses of an entry whose first is none', () => {
    const decoded = decodeSlice(rawSlice({ endpoints: [{ addresses: ['nonsense', '10.1.0.2', 'fd00::1'] }] }), plain);
    expect(decoded).toMatchObject({ ok: true, value: { endpoints: [], furtherEndpoints: [{ address: '10.1.0.2' }] } });
    expect(decoded.ok && decoded.warnings).toHaveLength(2);
  });

  it('reads hostnames as labels and names of Pods as names', () => {
    const endpoints = [
      { addresses: ['10.1.0.1'], hostname: 'web-0', targetRef: { kind: 'Pod', name: 'web-0' } },
      { addresses: ['10.1.0.2'], hostname: '', targetRef: { kind: 'VirtualMachine', name: 'vm' } },
      { addresses: ['10.1.0.3'] },
    ];
    expect(slice({ endpoints }).endpoints.map(({ hostname, podName }) => [hostname, podName])).toEqual([
      ['web-0', 'web-0'],
      [null, null],
      [null, null],
    ]);
    expect(slice({ endpoints }, {}, null).endpoints[0]).toMatchObject({ hostname: null, podName: null });
    for (const hostname of ['a.b', 'x'.repeat(64), 'a b', 7]) {
      const decoded = decodeSlice(rawSlice({ endpoints: [{ addresses: ['10.1.0.1'], hostname }] }), plain);
      expect(decoded).toMatchObject({ ok: true, value: { endpoints: [{ hostname: null }] } });
      expect(decoded.ok && decoded.warnings).toHaveLength(1);
    }
  });

  it('a slice that proxies do not read has unnamed ports and ports without number without complaints', () => {
    const ports = [{ port: 80 }, { name: 'any' }, { name: null, port: 53, protocol: 'UDP' }];
    const record = slice({ ports }, { 'service.kubernetes.io/headless': '' });
    expect(record.proxied).toBe(false);
    expect(record.publishedPorts).toEqual([
      { name: '', protocol: 'TCP', port: 80 },
      { name: '', protocol: 'UDP', port: 53 },
    ]);
    expect(slice({ ports: [] }, { 'service.kubernetes.io/headless': '' }).publishedPorts).toEqual([]);
  });

  it('a port without name is none to the proxy and an unnamed one to DNS', () => {
    const decoded = decodeSlice(rawSlice({ ports: [{ port: 80 }, { name: 'a', port: 81 }] }), plain);
    const named = { name: 'a', protocol: 'TCP', port: 81 };
    expect(decoded).toMatchObject({
      ok: true,
      value: { ports: [named], publishedPorts: [{ name: '', protocol: 'TCP', port: 80 }, named] },
    });
    const usual = slice({ ports: [{ name: '', port: 80 }] });
    expect(usual.publishedPorts).toBe(usual.ports);
  });

  it('keeps labels where somebody asked', () => {
    expect(slice({}, { tier: 'x' }, labelled).labels).toEqual({ 'kubernetes.io/service-name': 'web', tier: 'x' });
    expect(slice({}, { tier: 'x' }).labels).toBe(noLabels);
  });
});

describe('Namespaces and Pods', () => {
  it('[DNS-9] a Namespace is there for as long as its object is', () => {
    const raw = { metadata: { name: 'shop', labels: { a: 'b' }, deletionTimestamp: 'x' }, status: { phase: 'Terminating' } };
    expect(read(decodeNamespace(raw, plain))).toEqual({ name: 'shop', labels: {} });
    expect(read(decodeNamespace(raw, labelled))).toEqual({ name: 'shop', labels: { a: 'b' } });
    expect(decodeNamespace({ metadata: { name: 'a/b' } }, plain)).toMatchObject({
      ok: false,
      problem: { code: 'WP_KUBE_OBJECT' },
    });
  });

  it('a Pod has all its addresses in canonical form, and at least the one', () => {
    const pod = (status: object): readonly string[] =>
      read(decodePod({ metadata: { name: 'a', namespace: 'shop' }, status }, plain)).addresses;
    expect(pod({ podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }, { ip: 'FD00::0:1' }] })).toEqual(['10.1.0.1', 'fd00::1']);
    expect(pod({ podIP: '10.1.0.1' })).toEqual(['10.1.0.1']);
    expect(pod({ phase: 'Pending' })).toEqual([]);
    const raw = { metadata: { name: 'a', namespace: 'shop', labels: { a: 'b' } }, spec: { nodeName: 'n1' } };
    const record = { key: 'shop/a', namespace: 'shop', addresses: [], nodeName: 'n1' };
    expect(read(decodePod(raw, labelled))).toEqual({ ...record, labels: { a: 'b' } });
  });

  it.each([
    [{ status: { phase: 'Succeeded' } }, true],
    [{ status: { phase: 'Failed' } }, true],
    [{ metadata: { deletionTimestamp: '2026-05-01T10:20:30Z' }, status: { phase: 'Running' } }, true],
    [{ status: { phase: 'Running' } }, false],
    [{ status: { phase: 'Unknown' } }, false],
    [{}, false],
  ])('a Pod that ended or is being deleted is gone: %j', (raw, gone) => {
    expect(isPodGone(raw)).toBe(gone);
  });
});
