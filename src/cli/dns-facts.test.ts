import { describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import { emptySnapshot, parseAddress } from '../model/mod.ts';
import type { Address, Snapshot } from '../model/mod.ts';
import { planDns } from './dns-facts.ts';
import type { DnsPlan, DnsPlanOptions } from './dns-facts.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

const [nodeIp, clusterIp, clusterIp6, local] = ['192.0.2.11', '10.96.0.10', 'fd00:96::a', '169.254.20.10'].map(address) as [
  Address,
  Address,
  Address,
  Address,
];

const service = { key: 'kube-system/kube-dns', publishedIps: { IPv4: clusterIp, IPv6: clusterIp6 } };
const node = { name: 'node-1', addresses: [nodeIp], podCidrs: [], zone: 'zone-a', leaving: false, labels: {}, weight: null };
const known: Snapshot = { ...emptySnapshot, services: new Map([[service.key, service as never]]), node };

function plan(
  snapshot: Snapshot | null,
  flags: Readonly<Record<string, string>> = {},
  more: Partial<DnsPlanOptions> = {},
): DnsPlan {
  const texts = { dns: 'true', 'cluster-cidr': '10.244.0.0/16', ...flags };
  const loaded = makeConfig(new Map(Object.entries(texts).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok || loaded.config.dns === null) throw new Error('not a configuration with DNS');
  return planDns(snapshot, {
    config: loaded.config,
    choices: loaded.config.dns,
    families: ['IPv4', 'IPv6'],
    localAddresses: [address('127.0.0.1'), nodeIp],
    loopName: '\0',
    ports: [53],
    bound: [],
    ...more,
  });
}

const places = ({ listen }: DnsPlan): readonly string[] => listen.map((one) => `${one.address} ${one.port} ${one.serves}`);
const captured = ({ intercept }: DnsPlan): readonly string[] =>
  intercept.captures.filter(({ protocol }) => protocol === 'UDP').map((one) => `${one.address} ${one.port} ${one.listenPort}`);

describe('where the resolver listens, and for whom', () => {
  test('[DNS-123] the node-local address from the start; the ClusterIPs of the Service, on a port behind, once it is known', () => {
    expect(places(plan(null))).toEqual(['169.254.20.10 53 53']);
    expect(captured(plan(null))).toEqual(['169.254.20.10 53 53']);
    const all = plan(known);
    expect(places(all)).toEqual(['169.254.20.10 53 53', '10.96.0.10 10053 53', 'fd00:96::a 10053 53']);
    expect(captured(all)).toEqual(['169.254.20.10 53 53', '10.96.0.10 53 10053', 'fd00:96::a 53 10053']);
    expect(all.facts).toMatchObject({
      nodeZone: 'zone-a',
      serverAddresses: [clusterIp, clusterIp6],
      selfService: { namespace: 'kube-system', name: 'kube-dns' },
    });
    expect(places(plan(known, {}, { families: ['IPv4'] }))).toEqual(['169.254.20.10 53 53', '10.96.0.10 10053 53']);
  });

  test('without a Service the name server is the node-local address', () => {
    const alone = plan(known, { 'dns-service': 'none' });
    expect(places(alone)).toEqual(['169.254.20.10 53 53']);
    expect(alone.facts).toMatchObject({ serverAddresses: [local], selfService: null });
  });

  test('an address of the node itself is listened on and not captured', () => {
    const own = plan(known, { 'dns-addresses': nodeIp });
    expect(places(own)[0]).toBe('192.0.2.11 53 53');
    expect(captured(own)).toEqual(['10.96.0.10 53 10053', 'fd00:96::a 53 10053']);
  });

  test('blocks that name addresses and other ports', () => {
    const bound = plan(known, {}, { bound: [nodeIp], ports: [53, 5353] });
    expect(places(bound).slice(0, 2)).toEqual(['192.0.2.11 53 53', '192.0.2.11 5353 5353']);
    // Questions to the ClusterIP are for port 53.
    expect(captured(plan(known, {}, { ports: [5353] }))).toEqual(['169.254.20.10 53 53']);
  });

  test('[DNS-129] who may ask: the node, its pods and whom the operator names; all where pods are told by their interface', () => {
    const sources = (flags: Readonly<Record<string, string>>): readonly string[] =>
      plan(known, flags).facts.sources.map((one) => `${one.address}/${one.length}`);
    expect(sources({ 'dns-clients': '198.51.100.0/24' })).toEqual([
      '127.0.0.0/8',
      '::1/128',
      '127.0.0.1/32',
      '192.0.2.11/32',
      '10.244.0.0/16',
      '198.51.100.0/24',
    ]);
    expect(sources({ 'detect-local-mode': 'InterfaceNamePrefix', 'pod-interface-name-prefix': 'cali' })).toEqual([]);
  });

  test('what the node sends from is an address that it has', () => {
    expect(plan(known).sources).toEqual({ IPv4: nodeIp, IPv6: null });
    const six = ['::1', 'fe80::1', '2001:db8::7'].map(address);
    expect(plan(known, {}, { localAddresses: six }).sources).toEqual({ IPv4: null, IPv6: '2001:db8::7' });
    expect(plan(known, { 'bind-address': '192.0.2.12' }, { localAddresses: [address('192.0.2.12'), nodeIp] }).sources.IPv4).toBe(
      '192.0.2.12',
    );
  });
});
