import { describe, expect, test } from 'vitest';
import { parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address, Prefix, StatusRow } from '../model/mod.ts';
import { createRouting } from '../trace/mod.ts';
import { makePacket, resolveDestination } from './trace-question.ts';
import type { SourceAddresses } from './trace-question.ts';
import type { TraceDestination } from './trace-target.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
};

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
};

function row(change: Partial<StatusRow>): StatusRow {
  return {
    family: 'IPv4',
    service: 'default/web',
    servicePort: 'default/web:http/TCP',
    kind: 'ClusterIP',
    address: '10.96.0.1',
    protocol: 'TCP',
    port: 80,
    backends: 1,
    verdict: 'forward',
    state: 'Done',
    since: 0,
    reason: '',
    code: '',
    ...change,
  };
}

const rows: readonly StatusRow[] = [
  row({}),
  row({ family: 'IPv6', address: 'fd00::1' }),
  row({ kind: 'NodePort', address: '*', port: 30_080 }),
  row({ service: 'default/dns', servicePort: 'default/dns:dns/UDP', address: '10.96.0.2', port: 53, protocol: 'UDP' }),
  row({ service: 'default/dns', servicePort: 'default/dns:dns-tcp/TCP', address: '10.96.0.2', port: 53 }),
];

const node: SourceAddresses = { kind: 'node' };
const web = { kind: 'service', name: 'default/web', port: null, protocol: null } as const;

describe('what a packet is sent to', () => {
  test.each<[string, TraceDestination, SourceAddresses, 'IPv4' | 'IPv6' | null, unknown]>([
    ['the only port of a Service, IPv4 first', web, node, null, ['10.96.0.1', 80, 'TCP']],
    ['in the family that is asked for', web, node, 'IPv6', ['fd00::1', 80, 'TCP']],
    ['in the family of the source', web, { kind: 'address', address: address('fd00::9') }, null, ['fd00::1', 80, 'TCP']],
    ['by the name of a port', { ...web, port: 'http' }, node, null, ['10.96.0.1', 80, 'TCP']],
    ['by its protocol', { ...web, name: 'default/dns', port: 53, protocol: 'UDP' }, node, null, ['10.96.0.2', 53, 'UDP']],
    [
      'an address, over TCP where nothing is said',
      { kind: 'address', address: address('192.0.2.1'), port: 7, protocol: null },
      node,
      null,
      ['192.0.2.1', 7, 'TCP'],
    ],
  ])('%s', (_, asked, source, family, expected) => {
    const found = resolveDestination(asked, source, family, rows);
    expect(found.ok ? [found.value.address, found.value.port, found.value.protocol] : found.problem).toEqual(expected);
  });

  test.each<[string, TraceDestination, SourceAddresses, string]>([
    ['several ports', { ...web, name: 'default/dns' }, node, 'dns (10.96.0.2:53/UDP), dns-tcp (10.96.0.2:53/TCP)'],
    ['no such port', { ...web, port: 'https' }, node, 'default/web has no port https; it has http (10.96.0.1:80/TCP)'],
    ['no such Service', { ...web, name: 'default/nobody' }, node, 'serves no Service of that name'],
    [
      'no family in common',
      { kind: 'address', address: address('10.96.0.1'), port: 80, protocol: null },
      { kind: 'pod', addresses: [address('fd00::9')] },
      '10.96.0.1 is an IPv4 address, SOURCE is fd00::9',
    ],
  ])('%s is said', (_, asked, source, message) => {
    const found = resolveDestination(asked, source, null, rows);
    expect(found.ok ? '' : found.problem.message).toContain(message);
  });
});

describe('the packet', () => {
  const route = { table: 254, type: 'unicast', device: 'eth0', source: null, gateway: null, protocol: 2 } as const;
  const rule = { mark: null, protocol: 2, further: false } as const;
  const routing = createRouting({
    family: 'IPv4',
    routes: [
      { ...route, destination: prefix('192.0.2.11/32'), table: 255, type: 'local' },
      { ...route, destination: prefix('10.244.1.10/32'), device: 'veth10' },
      { ...route, destination: prefix('198.18.0.0/15') },
    ],
    rules: [
      { ...rule, priority: 0, table: 255 },
      { ...rule, priority: 32_766, table: 254 },
    ],
    addresses: [{ address: address('192.0.2.11'), device: 'eth0', length: 24, scope: 0 }],
  });
  const target = { family: 'IPv4', protocol: 'TCP', address: address('198.18.0.7'), port: 80 } as const;
  const options = { device: null, sourcePort: 40_000, mark: 0 };

  test.each<[string, SourceAddresses, string | null, unknown]>([
    ['of a process', node, null, ['192.0.2.11', null]],
    ['of an address of the node', { kind: 'address', address: address('192.0.2.11') }, null, ['192.0.2.11', null]],
    ['of a pod', { kind: 'pod', addresses: [address('fd00::1'), address('10.244.1.10')] }, null, ['10.244.1.10', 'veth10']],
    ['from outside', { kind: 'outside' }, null, ['198.18.0.1', 'eth0']],
    ['by a device that is named', { kind: 'address', address: address('203.0.113.9') }, 'wg0', ['203.0.113.9', 'wg0']],
  ])('%s', (_, source, device, expected) => {
    const made = makePacket(source, target, routing, { ...options, device });
    expect(made.ok ? [made.value.packet.source, made.value.inDevice] : made.problem).toEqual(expected);
  });

  test('says where it cannot be told how it arrives', () => {
    const made = makePacket({ kind: 'address', address: address('203.0.113.9') }, target, routing, options);
    expect(made.ok ? '' : made.problem.message).toContain(
      'no route to 203.0.113.9 in IPv4, so where the packet arrives is not known',
    );
  });
});
