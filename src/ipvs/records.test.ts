import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markOfServer } from '../model/mod.ts';
import { numberOfServer, readRecord, recordEntry, serversOfRecord } from './records.ts';
import type { Remembered } from './records.ts';
import { serverKeyText } from './virtual-server.ts';
import { addressOf } from './wish.fixture.ts';

const remembered: fc.Arbitrary<Remembered> = fc.oneof(
  fc.record({
    kind: fc.constant('number' as const),
    of: fc.constantFrom('server' as const, 'group' as const),
    number: fc.nat(0x3fffff),
    digest: fc.stringMatching(/^[0-9a-f]{24}$/),
  }),
  fc.record({
    kind: fc.constant('mark' as const),
    mark: fc.integer({ min: 1, max: 0xffff_ffff }),
    digest: fc.stringMatching(/^[0-9a-f]{24}$/),
  }),
  fc.record({
    kind: fc.constant('sysctl' as const),
    name: fc.constantFrom('net.ipv4.vs.conntrack', 'net.ipv4.conf.all.arp_ignore'),
    value: fc.nat(9).map(String),
  }),
  fc.record({
    kind: fc.constant('timeouts' as const),
    value: fc.record({ tcp: fc.nat(86_400), tcpFin: fc.nat(86_400), udp: fc.nat(86_400) }),
  }),
  fc.record({ kind: fc.constant('server' as const), text: fc.constantFrom('TCP 10.96.0.1:443', 'SCTP [fd00::1]:65535') }),
);

test('what is written is read again, and fits a record', () => {
  fc.assert(
    fc.property(remembered, (one) => {
      const { text } = recordEntry(one);
      expect(readRecord(text)).toEqual(one);
      expect(text).toMatch(/^[ !#-&(-~]{1,100}$/);
    }),
  );
});

test('the longest server fits', () => {
  const address = addressOf('2001:db8:1111:2222:3333:4444:5555:6666');
  const text = serverKeyText({ kind: 'address', protocol: 'SCTP', address, port: 65_535 });
  expect(recordEntry({ kind: 'server', text }).text.length).toBeLessThanOrEqual(100);
});

test('no other text is taken for a record', () => {
  for (const text of ['', 's', 's x 00', 'v TCP', 't 1 2', 'q 1', 's 1 0123456789abcdef0123456', 'v a b c']) {
    expect(readRecord(text)).toBeNull();
  }
});

describe('servers behind records', () => {
  test('a number stands for both lanes, in its family', () => {
    const texts = serversOfRecord({ kind: 'number', of: 'server', number: 20, digest: '' }, 'IPv6');
    expect(texts).toEqual([`FWM ${markOfServer(20, false)} IPv6`, `FWM ${markOfServer(20, true)} IPv6`]);
    expect(serversOfRecord({ kind: 'number', of: 'group', number: 20, digest: '' }, 'IPv6')).toEqual([]);
  });

  test('[INGRESS-16] a mark stands for its server, in its family', () => {
    expect(serversOfRecord({ kind: 'mark', mark: 300, digest: '' }, 'IPv4')).toEqual(['FWM 300 IPv4']);
  });

  test('marks of others have no number', () => {
    expect(numberOfServer({ kind: 'mark', family: 'IPv4', mark: 20 })).toBeNull();
    expect(numberOfServer({ kind: 'mark', family: 'IPv4', mark: markOfServer(20, true) })).toBe(20);
    expect(numberOfServer({ kind: 'address', protocol: 'TCP', address: addressOf('10.0.0.1'), port: 1 })).toBeNull();
  });
});
