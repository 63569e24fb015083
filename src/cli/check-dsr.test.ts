import { expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import { checkDirectReturn } from './check-dsr.ts';
import { parseInterfaceAddresses } from './check-facts.ts';
import type { NodeFacts } from './check-facts.ts';
import { goodNode } from './check-facts.fixture.ts';

/** Errors and warnings on a node with eth0 and addresses of both families. */
function find(facts: Partial<NodeFacts>, flags: Readonly<Record<string, string>> = {}): readonly string[] {
  const usual = { 'proxy-mode': 'ipvs', 'ingress-enabled': 'true', 'ingress-dsr-enabled': 'true' };
  const config = makeConfig(new Map(Object.entries({ ...usual, ...flags }).map(([name, value]) => [name, [value]])), null);
  if (!config.ok) throw new Error(config.problems[0]?.message);
  const addresses = parseInterfaceAddresses('2: eth0    inet 192.0.2.11/24 x\n2: eth0    inet6 2001:db8::11/64 x\n');
  return checkDirectReturn(config.config, { ...goodNode, addresses, ...facts }).flatMap(({ level, message, advice }) => {
    if (level !== 'error' && level !== 'warning') return [];
    expect(advice).not.toBe('');
    return [`${level} ${message}`];
  });
}

const without = (name: string): Partial<NodeFacts> => ({
  installedModules: (goodNode.installedModules ?? '').replace(new RegExp(`.*/${name}\\.ko.*`), ''),
});
const eth0 = (mtu: number): Partial<NodeFacts> => ({ interfaces: [{ name: 'eth0', mtu, alias: null }] });
const filter = (all: string, usual: string, writable: boolean): Partial<NodeFacts> => ({
  sysctls: new Map([
    ['net.ipv4.conf.all.rp_filter', { value: all, writable }],
    ['net.ipv4.conf.default.rp_filter', { value: usual, writable }],
  ]),
});

test('[INGRESS-36] a node that has all it needs is told nothing against it, whatever checks of sources it has', () => {
  for (const method of ['ipip', 'gue', 'dr']) expect(find({}, { 'ingress-dsr-method': method })).toEqual([]);
  expect(find(filter('2', '1', true))).toEqual([]);
  expect(find(filter('0', '0', false))).toEqual([]);
});

test('in another mode there is none', () => {
  expect(find({}, { 'proxy-mode': 'iptables' })).toEqual([
    'warning direct return is enabled, and mode iptables has none: Services that ask for it are served by their externalTrafficPolicy',
  ]);
  expect(find(without('ipip'), { 'ingress-dsr-enabled': 'false' })).toEqual([]);
});

test('modules of tunnels are asked for, each for its family', () => {
  const lost = (family: string): string => `${family} packets that other nodes send on to this one through a tunnel are lost`;
  const absent = (name: string, family: string): string => `kernel 6.1.0-50-amd64 has no module ${name}: ${lost(family)}`;
  expect(find(without('ipip'))).toEqual([`error ${absent('ipip', 'IPv4')}`]);
  expect(find(without('ip6_tunnel'))).toEqual([`error ${absent('ip6_tunnel', 'IPv6')}`]);
  expect(find(without('ipip'), { 'ingress-dsr-method': 'dr' })).toEqual([`warning ${absent('ipip', 'IPv4')}`]);
  expect(find(without('fou'))).toEqual([]);
  expect(find(without('fou'), { 'ingress-dsr-method': 'gue' })).toEqual([`error ${absent('fou', 'IPv4')}`]);
  expect(find({ installedModules: null }).length).toBe(2);
});

test('a device of somebody else stands in the way, ours does not', () => {
  const named = (alias: string | null): Partial<NodeFacts> => ({ interfaces: [{ name: 'waypost4', mtu: 1480, alias }] });
  expect(find(named('waypost gue 6080'))).toEqual([]);
  expect(find(named(null))).toEqual([
    'error there is an interface waypost4 that this agent has not made: IPv4 packets that other nodes send on to this one through a tunnel are lost',
  ]);
});

test('[INGRESS-37] the MTU has to leave room for a tunnel', () => {
  const uploads = (family: string): string =>
    `warning eth0 has an MTU of 1500, and ingress.dsr.clampMSS is false: uploads over ${family} to back ends of other nodes hang`;
  expect(find(eth0(1500), { 'ingress-dsr-clamp-mss': 'false' })).toEqual([uploads('IPv4'), uploads('IPv6')]);
  expect(find(eth0(1540), { 'ingress-dsr-clamp-mss': 'false' })).toEqual([]);
  expect(find(eth0(1500), { 'ingress-dsr-clamp-mss': 'false', 'ingress-dsr-method': 'dr' })).toEqual([]);
  expect(find(eth0(1300))).toEqual([
    'error eth0 has an MTU of 1300, too small for IPv6 in a tunnel: packets of ordinary size do not get to other nodes',
  ]);
});

test('[INGRESS-36] a check of sources that cannot be changed, and a strict one with direct routing', () => {
  const fixed = [
    'error sources are checked (net.ipv4.conf.*.rp_filter), and this process may not exempt its tunnel from that: IPv4 packets that other nodes send on to this one through it are dropped',
  ];
  expect(find(filter('0', '1', false))).toEqual(fixed);
  expect(find(filter('2', '0', false))).toEqual(fixed);
  expect(find(filter('1', '0', true), { 'ingress-dsr-method': 'dr' })).toEqual([
    'warning net.ipv4.conf.all.rp_filter is 1: what another node sends on is dropped unless the route to its client leads out of the interface that it came from',
  ]);
});
