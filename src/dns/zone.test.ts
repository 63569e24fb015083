import { describe, expect, it } from 'vitest';
import { rcode, recordType } from './constants.ts';
import { formatName, longestName, parseName } from './name.ts';
import { formatRecord } from './presentation.ts';
import type { Zone } from './zone-contract.ts';
import type { ZoneChange } from './zone-input.ts';
import {
  makeChange,
  makeEndpoint,
  makeService,
  makeSettings,
  makeSlice,
  plainOptions,
  toAddress,
  toName,
} from './zone.fixture.ts';
import { createZone } from './zone.ts';

const shop = makeChange({ namespaces: [{ name: 'shop', labels: {} }] });
const web = makeService('shop/web', {
  clusterIps: [toAddress('10.96.0.80')],
  ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
});

function zoneWith(...changes: readonly ZoneChange[]): Zone {
  const zone = createZone(makeSettings(), plainOptions);
  zone.apply(shop);
  for (const change of changes) zone.apply(change);
  return zone;
}

function ask(zone: Zone, text: string, type: number = recordType.A) {
  const answer = zone.lookup(toName(text), type);
  if (answer === null) throw new Error(`no answer to ${text}`);
  return answer;
}

function serialOf(zone: Zone): number {
  return Number(formatRecord(ask(zone, 'cluster.local.', recordType.SOA).answer[0] ?? never()).split(' ')[6]);
}

function never(): never {
  throw new Error('no SOA');
}

describe('the serial number', () => {
  const add = (key: string, at: number) =>
    makeChange({ services: [makeService(key, { clusterIps: [toAddress('10.96.0.81')] })], at });

  it('[DNS-30] is the time of the last change, and rises where several fall into one second', () => {
    const zone = zoneWith();
    expect(serialOf(zone)).toBe(1_700_000_000);
    zone.apply(add('shop/a', 1_700_000_100));
    expect(serialOf(zone)).toBe(1_700_000_100);
    zone.apply(add('shop/b', 1_700_000_100));
    expect(serialOf(zone)).toBe(1_700_000_101);
    zone.apply(add('shop/c', 1_600_000_000));
    expect(serialOf(zone)).toBe(1_700_000_102);
  });

  it('[DNS-30][DNS-118] stays where nothing that shows has changed', () => {
    const zone = zoneWith(makeChange({ services: [web] }));
    const serial = serialOf(zone);
    const lease = ask(zone, 'wbe.shop.svc.cluster.local.').lease;
    zone.apply(makeChange({ services: [{ ...web, labels: { any: 'thing' } }], at: 1_800_000_000 }));
    zone.apply(makeChange({ namespaces: [{ name: 'shop', labels: { any: 'thing' } }], at: 1_800_000_000 }));
    zone.apply(makeChange({ removedServices: ['shop/nothing'], removedNamespaces: ['nowhere'], at: 1_800_000_000 }));
    zone.apply(
      makeChange({ services: [makeService('nowhere/web', { clusterIps: [toAddress('10.96.0.99')] })], at: 1_800_000_000 }),
    );
    zone.apply(makeChange({ pods: [aPod('shop/p', '10.244.0.1')], at: 1_800_000_000 }));
    expect(serialOf(zone)).toBe(serial);
    expect(lease.live).toBe(true);
  });

  it('[DNS-30] is not 0 once the cluster has been read', () => {
    const zone = createZone(makeSettings(), plainOptions);
    expect(zone.synced).toBe(false);
    zone.apply(makeChange({ at: 0 }));
    expect(zone.synced).toBe(true);
    expect(serialOf(zone)).toBe(1);
  });

  it('[DNS-30] counts the parts of the first read as one change', () => {
    const zone = createZone(makeSettings(), plainOptions);
    zone.apply(makeChange({ namespaces: [{ name: 'shop', labels: {} }], synced: false }));
    for (const key of ['shop/a', 'shop/b', 'shop/c']) zone.apply({ ...add(key, 1_700_000_000), synced: false });
    zone.apply(makeChange());
    expect(serialOf(zone)).toBe(1_700_000_000);
  });
});

function aPod(key: string, address: string, local = false) {
  return { key, namespace: key.split('/')[0] ?? '', addresses: [toAddress(address)], local, labels: {} };
}

describe('leases', () => {
  it('[DNS-118] end with a change of the Service, and with no change of its neighbours', () => {
    const zone = zoneWith(makeChange({ services: [web] }));
    const { lease } = ask(zone, 'web.shop.svc.cluster.local.');
    zone.apply(makeChange({ services: [makeService('shop/other', { clusterIps: [toAddress('10.96.0.81')] })] }));
    expect(lease.live).toBe(true);
    zone.apply(makeChange({ services: [{ ...web, clusterIps: [toAddress('10.96.0.82')] }] }));
    expect(lease.live).toBe(false);
    const next = ask(zone, 'web.shop.svc.cluster.local.').lease;
    zone.apply(makeChange({ removedNamespaces: ['shop'] }));
    expect(next.live).toBe(false);
  });

  it('[DNS-118] of denials is one, and ends with the next change that shows', () => {
    const zone = zoneWith();
    const { lease } = ask(zone, 'web.shop.svc.cluster.local.');
    expect(ask(zone, 'svc.cluster.local.').lease).toBe(lease);
    zone.apply(makeChange({ services: [web] }));
    expect(lease.live).toBe(false);
    expect(ask(zone, 'web.shop.svc.cluster.local.').rcode).toBe(rcode.NOERROR);
  });

  it('[DNS-116] of what could not be known yet end with the first sync', () => {
    const zone = createZone(makeSettings(), plainOptions);
    zone.apply({ ...shop, synced: false });
    const answer = ask(zone, 'web.shop.svc.cluster.local.');
    expect(answer.rcode).toBe(rcode.SERVFAIL);
    zone.apply(makeChange());
    expect(answer.lease.live).toBe(false);
    expect(ask(zone, 'web.shop.svc.cluster.local.').rcode).toBe(rcode.NXDOMAIN);
    zone.apply(makeChange({ synced: false }));
    expect(ask(zone, 'web.shop.svc.cluster.local.').rcode).toBe(rcode.NXDOMAIN);
  });
});

describe('changes', () => {
  const shown = (zone: Zone, text: string, type?: number) => ask(zone, text, type).answer.map(formatRecord);

  it('[DNS-118] of a type, of ports, of endpoints and of namespaces show at once', () => {
    const zone = zoneWith(makeChange({ services: [web] }));
    const name = 'web.shop.svc.cluster.local.';
    zone.apply(makeChange({ services: [{ ...web, kind: 'external', clusterIps: [], ports: [], externalName: 'a.example' }] }));
    expect(shown(zone, name)).toEqual([`${name} 30 IN CNAME a.example.`]);
    zone.apply(makeChange({ services: [{ ...web, kind: 'headless', clusterIps: [], slices: [makeSlice(['10.244.1.1'])] }] }));
    expect(shown(zone, name)).toEqual([`${name} 30 IN A 10.244.1.1`]);
    zone.apply(makeChange({ services: [web] }));
    expect(shown(zone, name)).toEqual([`${name} 30 IN A 10.96.0.80`]);
    expect(ask(zone, `_https._tcp.${name}`, recordType.SRV).rcode).toBe(rcode.NXDOMAIN);
    zone.apply(makeChange({ services: [{ ...web, ports: [{ name: 'https', protocol: 'TCP', port: 443 }] }] }));
    expect(shown(zone, `_https._tcp.${name}`, recordType.SRV)).toEqual([`_https._tcp.${name} 30 IN SRV 0 100 443 ${name}`]);
    zone.apply(makeChange({ removedServices: ['shop/web'] }));
    expect(ask(zone, name).rcode).toBe(rcode.NXDOMAIN);
  });

  it('[DNS-66][DNS-118] of addresses move the reverse names', () => {
    const db = (...addresses: readonly string[]) => makeService('shop/db', { kind: 'headless', slices: [makeSlice(addresses)] });
    const zone = zoneWith(makeChange({ services: [db('10.244.1.1', '10.244.1.2')] }));
    zone.apply(makeChange({ services: [db('10.244.1.2', '10.244.1.3')] }));
    const codes = ['1', '2', '3'].map((last) => ask(zone, `${last}.1.244.10.in-addr.arpa.`, recordType.PTR).rcode);
    expect(codes).toEqual([rcode.NXDOMAIN, rcode.NOERROR, rcode.NOERROR]);
  });
});

describe('sets', () => {
  it.each([60, 300, 1000])('[DNS-57] of %i endpoints are complete', (count) => {
    const addresses = Array.from({ length: count }, (_, index) => `10.244.${index >> 8}.${index & 255}`);
    const slices = [makeSlice(addresses, [{ name: 'sql', protocol: 'TCP', port: 5432 }])];
    const zone = zoneWith(makeChange({ services: [makeService('shop/db', { kind: 'headless', slices })] }));
    expect(new Set(ask(zone, 'db.shop.svc.cluster.local.').answer.map(formatRecord)).size).toBe(count);
    const srv = ask(zone, '_sql._tcp.db.shop.svc.cluster.local.', recordType.SRV);
    expect([srv.answer.length, srv.additional.length]).toEqual([count, count]);
    expect(formatRecord(srv.answer[0] ?? never())).toContain(` 0 ${Math.max(1, Math.floor(100 / count))} 5432 `);
  });

  it('put addresses of the zone of the node first, where that is asked for', () => {
    const slice = {
      ports: [],
      labels: {},
      endpoints: ['c', 'A', 'b', 'a'].map((zone, index) => makeEndpoint(`10.0.0.${index}`, { zone })),
    };
    const zone = createZone(makeSettings({ preferSameZone: true }), { ...plainOptions, nodeZone: 'a' });
    const alias = makeService('shop/alias', { kind: 'external', externalName: 'db.shop.svc.cluster.local' });
    const six = { ports: [], labels: {}, endpoints: [makeEndpoint('fd00::1', { zone: 'b' })] };
    zone.apply(makeChange({ ...shop, services: [makeService('shop/db', { kind: 'headless', slices: [slice, six] }), alias] }));
    const answer = ask(zone, 'db.shop.svc.cluster.local.');
    expect(answer.preferred).toBe(2);
    expect(answer.answer.slice(0, 2).map(({ data }) => data[3])).toEqual([1, 3]);
    expect(answer.answer.slice(2).map(({ data }) => data[3])).toEqual([0, 2]);
    expect(ask(zone, 'db.shop.svc.cluster.local.', recordType.AAAA).preferred).toBe(0);
    const chained = ask(zone, 'alias.shop.svc.cluster.local.');
    expect(chained.preferred).toBe(3);
    expect(chained.answer.slice(1, 3).map(({ data }) => data[3])).toEqual([1, 3]);
  });
});

describe('chains of aliases', () => {
  const chain = (length: number) => {
    const links = Array.from({ length }, (_, index) =>
      makeService(`shop/c${index + 1}`, {
        kind: 'external',
        externalName: index + 1 === length ? 'web.shop.svc.cluster.local' : `c${index + 2}.shop.svc.cluster.local`,
      }),
    );
    return zoneWith(makeChange({ services: [web, ...links] }));
  };

  it.each([1, 8, 16])('[DNS-62] of %i links reach their end', (length) => {
    const answer = ask(chain(length), 'c1.shop.svc.cluster.local.');
    expect(answer.rcode).toBe(rcode.NOERROR);
    expect(answer.answer.map(({ type }) => type)).toEqual([...Array.from({ length }, () => recordType.CNAME), recordType.A]);
  });

  it.each([17, 25])('[DNS-62] of %i links are given up', (length) => {
    const answer = ask(chain(length), 'c1.shop.svc.cluster.local.');
    expect(answer.rcode).toBe(rcode.SERVFAIL);
    expect(answer.answer.length).toBe(16);
    expect(answer.answer.every(({ type }) => type === recordType.CNAME)).toBe(true);
  });
});

describe('names', () => {
  it('[DNS-24] of 255 octets and of 127 labels have an answer', () => {
    const long = parseName(`${'a.'.repeat(111)}shop.svc.cluster.local.`) ?? '';
    const longest =
      parseName(`${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(38)}.shop.svc.cluster.local.`) ?? '';
    expect(longest.length).toBe(longestName);
    const zone = zoneWith();
    for (const name of [long, longest]) expect(zone.lookup(name, recordType.A)?.rcode).toBe(rcode.NXDOMAIN);
    const tiny = createZone(makeSettings({ zones: [toName('a.')] }), plainOptions);
    tiny.apply(shop);
    expect(tiny.lookup(parseName('a.'.repeat(127)) ?? '', recordType.A)?.rcode).toBe(rcode.NXDOMAIN);
  });

  it('[DNS-24] that a generated target would make too long are left out', () => {
    const domain = toName(`${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.`);
    const zone = createZone(makeSettings({ zones: [domain] }), plainOptions);
    const slice = {
      ports: [{ name: 'a', protocol: 'TCP' as const, port: 1 }],
      labels: {},
      endpoints: [makeEndpoint('10.0.0.1', { hostname: 'h'.repeat(50) }), makeEndpoint('10.0.0.2', { hostname: 's' })],
    };
    zone.apply(makeChange({ ...shop, services: [makeService('shop/db', { kind: 'headless', slices: [slice] })] }));
    const answer = zone.lookup(`\u0002db\u0004shop\u0003svc${domain}`, recordType.SRV);
    expect(answer?.answer.length).toBe(1);
    expect(formatName(answer?.additional[0]?.name ?? '')).toMatch(/^s\.db\.shop\.svc\./);
    expect(ask(zone, '2.0.0.10.in-addr.arpa.', recordType.PTR).answer.length).toBe(1);
    expect(ask(zone, '1.0.0.10.in-addr.arpa.', recordType.PTR).rcode).toBe(rcode.NXDOMAIN);
  });

  it('are those of our zones, the longest first', () => {
    const zone = createZone(makeSettings({ zones: [toName('b.'), toName('a.b.')] }), plainOptions);
    expect(zone.zones.map(formatName)).toEqual(['in-addr.arpa.', 'ip6.arpa.', 'a.b.', 'b.']);
  });
});

describe('the namespace of who asks', () => {
  it('[DNS-113] is that of the pod of this node that has the address', () => {
    const zone = zoneWith(
      makeChange({
        pods: [aPod('shop/p', '10.244.1.1', true), aPod('store/q', 'fd00::1', true), aPod('store/far', '10.244.2.1')],
      }),
    );
    expect(zone.namespaceOf('10.244.1.1')).toBe('shop');
    expect(zone.namespaceOf('fd00:0::1')).toBe('store');
    expect(zone.namespaceOf('10.244.2.1')).toBeNull();
    expect(zone.namespaceOf('10.244.9.9')).toBeNull();
    expect(zone.namespaceOf('nonsense')).toBeNull();
    zone.apply(makeChange({ pods: [aPod('store/host', '10.244.1.1', true)] }));
    expect(zone.namespaceOf('10.244.1.1')).toBeNull();
    zone.apply(makeChange({ removedPods: ['shop/p'] }));
    expect(zone.namespaceOf('10.244.1.1')).toBe('store');
    zone.apply(makeChange({ pods: [aPod('store/host', '10.244.1.7', true)] }));
    expect(zone.namespaceOf('10.244.1.1')).toBeNull();
    expect(zone.namespaceOf('10.244.1.7')).toBe('store');
  });
});

describe('the reason for people', () => {
  const db = makeService('shop/db', {
    kind: 'headless',
    slices: [{ ...makeSlice(['10.244.1.1']), endpoints: [makeEndpoint('10.244.1.1', { hostname: 'db-0' })] }],
  });
  const zone = zoneWith(
    makeChange({
      services: [
        web,
        db,
        makeService('shop/down', { kind: 'headless' }),
        makeService('shop/away', { kind: 'external', externalName: 'a.example' }),
        makeService('shop/ip', { kind: 'external', externalName: '10.0.0.1' }),
        makeService('shop/new'),
      ],
    }),
  );

  it.each([
    ['web.shop.svc.cluster.local.', recordType.A, 'Service shop/web, ClusterIP'],
    ['web.shop.svc.cluster.local.', recordType.AAAA, 'Service shop/web, ClusterIP'],
    ['db.shop.svc.cluster.local.', recordType.A, 'Service shop/db, headless'],
    ['db-0.db.shop.svc.cluster.local.', recordType.A, 'endpoint db-0 of Service shop/db'],
    ['_http._tcp.web.shop.svc.cluster.local.', recordType.SRV, 'port _http/_tcp of Service shop/web'],
    ['_tcp.web.shop.svc.cluster.local.', recordType.A, 'names below _tcp of Service shop/web'],
    ['wbe.shop.svc.cluster.local.', recordType.A, 'no Service shop/wbe'],
    ['w\\000b.shop.svc.cluster.local.', recordType.A, 'no Service shop/w\\000b'],
    ['web.shpo.svc.cluster.local.', recordType.A, 'no namespace shpo'],
    ['x.web.shop.svc.cluster.local.', recordType.A, 'Service shop/web has no x'],
    ['down.shop.svc.cluster.local.', recordType.A, 'Service shop/down has no ready endpoint'],
    ['new.shop.svc.cluster.local.', recordType.A, 'Service shop/new has no cluster IP'],
    ['ip.shop.svc.cluster.local.', recordType.A, 'Service shop/ip has no name to be an alias for'],
    ['away.shop.svc.cluster.local.', recordType.A, 'Service shop/away, ExternalName'],
    ['10-0-0-1.shop.pod.cluster.local.', recordType.A, 'pod 10.0.0.1 of namespace shop, not verified'],
    ['80.0.96.10.in-addr.arpa.', recordType.PTR, '10.96.0.80 is the cluster IP of Service shop/web'],
    ['1.1.244.10.in-addr.arpa.', recordType.PTR, '10.244.1.1 is an endpoint of Service shop/db'],
    ['2.1.244.10.in-addr.arpa.', recordType.PTR, 'no Service and no ready endpoint has 10.244.1.2'],
    ['shop.svc.cluster.local.', recordType.A, 'namespace shop'],
    ['foo.cluster.local.', recordType.A, 'no name foo in the zone'],
    ['cluster.local.', recordType.NS, 'the zone is served by the addresses it listens on'],
  ])('of %s %i is: %s', (name, type, because) => {
    expect(ask(zone, name, type).because).toBe(because);
  });
});
