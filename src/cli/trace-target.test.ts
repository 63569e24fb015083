import { describe, expect, test } from 'vitest';
import { parseDestination, parseSource } from './trace-target.ts';

describe('SOURCE', () => {
  test.each([
    ['node', { kind: 'node' }],
    ['outside', { kind: 'outside' }],
    ['10.244.1.10', { kind: 'address', address: '10.244.1.10' }],
    ['fd00::a', { kind: 'address', address: 'fd00::a' }],
    ['[fd00::A]', { kind: 'address', address: 'fd00::a' }],
    ['default/web-0', { kind: 'pod', name: 'default/web-0' }],
    ['pod/default/web-0', { kind: 'pod', name: 'default/web-0' }],
  ])('%s', (text, source) => {
    expect(parseSource(text)).toEqual({ ok: true, value: source });
  });

  test.each(['', 'nodes', '10.244.1', 'default/', 'a b/c', '10.244.1.10:80'])('refuses "%s" and names it', (text) => {
    const parsed = parseSource(text);
    expect(parsed.ok ? null : [parsed.problem.code, parsed.problem.message]).toEqual([
      'WP_TRACE_SOURCE',
      expect.stringContaining(`not "${text}"`),
    ]);
  });
});

describe('DESTINATION', () => {
  test.each([
    ['10.96.0.1:80', { kind: 'address', address: '10.96.0.1', port: 80, protocol: null }],
    ['10.96.0.1:53/udp', { kind: 'address', address: '10.96.0.1', port: 53, protocol: 'UDP' }],
    ['[fd00::1]:53/SCTP', { kind: 'address', address: 'fd00::1', port: 53, protocol: 'SCTP' }],
    ['default/web', { kind: 'service', name: 'default/web', port: null, protocol: null }],
    ['default/web:80', { kind: 'service', name: 'default/web', port: 80, protocol: null }],
    ['default/web:http/tcp', { kind: 'service', name: 'default/web', port: 'http', protocol: 'TCP' }],
    ['default/web/udp', { kind: 'service', name: 'default/web', port: null, protocol: 'UDP' }],
  ])('%s', (text, destination) => {
    expect(parseDestination(text)).toEqual({ ok: true, value: destination });
  });

  test.each([
    ['10.96.0.1', 'the port is missing'],
    ['10.96.0.1:0', 'the port must be 1 to 65535, not "0"'],
    ['10.96.0.1:http', 'the port must be 1 to 65535, not "http"'],
    ['10.96.0.1:80/icmp', 'the protocol is tcp, udp or sctp'],
    ['fd00::1:80', 'an IPv6 address is put in brackets'],
    ['[fd00::1]', 'the port is missing'],
    ['web:80', '"web" is neither an IP address nor the NAMESPACE/NAME of a Service'],
    ['default/web:70000', 'the port must be 1 to 65535, not "70000"'],
    ['default/web:HTTP!', '"HTTP!" is neither the number nor the name of a port'],
  ])('refuses %s: %s', (text, reason) => {
    const parsed = parseDestination(text);
    expect(parsed.ok ? null : [parsed.problem.code, parsed.problem.message]).toEqual([
      'WP_TRACE_DESTINATION',
      expect.stringContaining(`not "${text}": ${reason}`),
    ]);
  });
});
