import { expect, test } from 'vitest';
import { formatRecord, parseRecord } from './presentation.ts';

const usual = (text: string): string | null => {
  const record = parseRecord(text);
  return record === null ? null : formatRecord(record);
};

test.each([
  'web.shop.svc.cluster.local. 30 IN A 10.96.0.80',
  'web.shop.svc.cluster.local. 30 IN AAAA fd00:10:96::80',
  'web.shop.svc.cluster.local. 0 IN AAAA ::ffff:10.0.0.1',
  'a.example. 5 IN CNAME b.example.',
  'example. 3600 IN SOA ns.example. admin.example. 1 2 3 4 4294967295',
  '_http._tcp.web. 30 IN SRV 0 100 80 web.',
  'example. 1 IN MX 10 mail.example.',
  'example. 1 IN TXT "a b" "with \\"quotes\\" and \\\\ and \\000"',
  'example. 1 IN HINFO "RFC8482" ""',
  'example. 1 IN CAA 0 "issue" "ca.example"',
  'example. 1 IN TYPE65280 \\# 3 0a0b0c',
  'example. 1 IN HTTPS \\# 0',
  '80.0.96.10.in-addr.arpa. 30 IN PTR web.shop.svc.cluster.local.',
])('%s is written as it was read', (text) => {
  expect(usual(text)).toBe(text);
});

test('TTL and class may be left out, types may be numbers, RDATA octets', () => {
  expect(usual('a. A 10.0.0.1')).toBe('a. 0 IN A 10.0.0.1');
  expect(usual('a. 7 TYPE1 \\# 4 0a000001')).toBe('a. 7 IN A 10.0.0.1');
  expect(usual('a 7 in a 10.0.0.1')).toBe('a. 7 IN A 10.0.0.1');
});

test('RDATA that does not fit its type is shown as octets', () => {
  expect(usual('a. 1 IN A \\# 3 0a0000')).toBe('a. 1 IN A \\# 3 0a0000');
  expect(usual('a. 1 IN SRV \\# 2 0001')).toBe('a. 1 IN SRV \\# 2 0001');
});

test.each([
  '',
  'a.',
  'a. 30 IN',
  'a. 30 IN A',
  'a. 30 IN A fd00::1',
  'a. 30 IN AAAA 10.0.0.1',
  'a. 30 IN A 10.0.0.1 10.0.0.2',
  'a..b. 30 IN A 10.0.0.1',
  'a. 2147483648 IN A 10.0.0.1',
  'a. 30 IN MX 65536 b.',
  'a. 30 IN SRV 1 2 x b.',
  'a. 30 IN NOPE 1',
  'a. 30 IN A \\# 4 0a00',
  'a. 30 CH A 10.0.0.1',
])('"%s" is no record', (text) => {
  expect(parseRecord(text)).toBe(null);
});
