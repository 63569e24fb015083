import { describe, expect, test } from 'vitest';
import { parsePrefix } from '../model/mod.ts';
import type { NodeChoices } from '../model/mod.ts';
import { address, choices as defaultChoices, node } from './records.fixture.ts';
import { resolveNodeAddress, resolveSettings } from './settings.ts';

const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);

const choices: NodeChoices = {
  ...defaultChoices,
  podDetection: { kind: 'cluster-cidr', prefixes: prefixes('10.244.0.0/16', '10.245.0.0/16', 'fd00::/48') },
};

const facts = {
  node: node({ addresses: ['192.0.2.11', '192.0.2.12', '2001:db8::11'].map(address), podCidrs: prefixes('10.244.1.0/24') }),
  localAddresses: ['127.0.0.1', '::1', '192.0.2.11', '198.51.100.11', '2001:db8::11'].map(address),
};

describe('pod traffic', () => {
  test('[SP-94] cluster CIDR: the first prefix of the family', () => {
    expect(resolveSettings(choices, 'IPv4', facts).podTraffic).toEqual({ kind: 'source', prefix: prefixes('10.244.0.0/16')[0] });
    expect(resolveSettings(choices, 'IPv6', facts).podTraffic).toEqual({ kind: 'source', prefix: prefixes('fd00::/48')[0] });
  });

  test('[SP-94] node CIDR: the Node says; no entry of the family means no detector', () => {
    const byNode: NodeChoices = { ...choices, podDetection: { kind: 'node-cidr' } };
    expect(resolveSettings(byNode, 'IPv4', facts).podTraffic).toEqual({ kind: 'source', prefix: prefixes('10.244.1.0/24')[0] });
    expect(resolveSettings(byNode, 'IPv6', facts).podTraffic).toEqual({ kind: 'none' });
  });

  test('[SP-94] interface modes cover both families', () => {
    const byInterface: NodeChoices = { ...choices, podDetection: { kind: 'interface', name: 'cni0' } };
    for (const family of ['IPv4', 'IPv6'] as const) {
      expect(resolveSettings(byInterface, family, facts).podTraffic).toEqual({ kind: 'interface', name: 'cni0' });
    }
  });
});

describe('node port addresses', () => {
  const nodePorts = (choice: NodeChoices['nodePorts'], family: 'IPv4' | 'IPv6', localhostNodePorts = true) =>
    resolveSettings({ ...choices, nodePorts: choice, localhostNodePorts }, family, facts).nodePorts;

  test('[SP-42] all local addresses by default, loopback for IPv4 only and only if wanted', () => {
    expect(nodePorts({ kind: 'all' }, 'IPv4')).toEqual({ kind: 'all-local', loopback: true });
    expect(nodePorts({ kind: 'all' }, 'IPv4', false)).toEqual({ kind: 'all-local', loopback: false });
    expect(nodePorts({ kind: 'all' }, 'IPv6')).toEqual({ kind: 'all-local', loopback: false });
  });

  test('[SP-43] primary: the first address of the family', () => {
    expect(nodePorts({ kind: 'primary' }, 'IPv4')).toEqual({ kind: 'listed', addresses: ['192.0.2.11'] });
    expect(nodePorts({ kind: 'primary' }, 'IPv6')).toEqual({ kind: 'listed', addresses: ['2001:db8::11'] });
  });

  test('[SP-44] [SP-45] prefixes select node addresses; a family without one stays open', () => {
    const choice = { kind: 'prefixes', prefixes: prefixes('198.51.100.0/24', '127.0.0.0/8') } as const;
    expect(nodePorts(choice, 'IPv4')).toEqual({ kind: 'listed', addresses: ['127.0.0.1', '198.51.100.11'] });
    expect(nodePorts(choice, 'IPv4', false)).toEqual({ kind: 'listed', addresses: ['198.51.100.11'] });
    expect(nodePorts(choice, 'IPv6')).toEqual({ kind: 'all-local', loopback: false });
    expect(nodePorts({ kind: 'prefixes', prefixes: prefixes('10.0.0.0/8') }, 'IPv4')).toEqual({ kind: 'listed', addresses: [] });
  });

  test('[SP-46] a zero-length prefix beside others means all addresses', () => {
    expect(nodePorts({ kind: 'prefixes', prefixes: prefixes('10.0.0.0/8', '0.0.0.0/0') }, 'IPv4')).toEqual({
      kind: 'all-local',
      loopback: true,
    });
  });
});

test('bindAddress replaces the node address of its family', () => {
  expect(resolveNodeAddress({ ...choices, bindAddress: address('192.0.2.99') }, 'IPv4', facts.node)).toBe('192.0.2.99');
  expect(resolveNodeAddress({ ...choices, bindAddress: address('192.0.2.99') }, 'IPv6', facts.node)).toBe('2001:db8::11');
  expect(resolveNodeAddress(choices, 'IPv4', null)).toBeNull();
});
