import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { addressNumber, countAddresses, numberAddress, spansOf } from './pool-range.ts';
import { addressOf, poolOf } from './pool-service.fixture.ts';

/** First and last address that a pool of this one part gives out. */
function ends(part: string): readonly string[] {
  return spansOf(poolOf('p', [part])).map(
    ({ family, first, last }) => `${numberAddress(family, first)} ${numberAddress(family, last)}`,
  );
}

describe('what a part of a pool gives out', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.1 192.0.2.254'],
    ['192.0.2.4/30', '192.0.2.5 192.0.2.6'],
    ['192.0.2.4/31', '192.0.2.4 192.0.2.5'],
    ['192.0.2.4/32', '192.0.2.4 192.0.2.4'],
    ['192.0.2.0-192.0.2.255', '192.0.2.0 192.0.2.255'],
    ['2001:db8::/64', '2001:db8::1 2001:db8::ffff:ffff:ffff:ffff'],
    ['2001:db8::4/127', '2001:db8::4 2001:db8::5'],
    ['2001:db8::ff-2001:db8::1:1', '2001:db8::ff 2001:db8::1:1'],
  ])('%s: %s', (part, expected) => {
    expect(ends(part)).toEqual([expected]);
  });

  it('is nothing of a range that ends before it begins or mixes families', () => {
    expect(ends('192.0.2.9-192.0.2.1')).toEqual([]);
    expect(ends('192.0.2.9-2001:db8::1')).toEqual([]);
  });
});

test('an address that is in two parts counts once', () => {
  const spans = spansOf(poolOf('p', ['10.0.0.1-10.0.0.10', '10.0.0.5-10.0.0.20', '10.0.0.7-10.0.0.8', '2001:db8::/112']));
  expect(countAddresses(spans, 'IPv4')).toBe(20n);
  expect(countAddresses(spans, 'IPv6')).toBe(65_535n);
});

test('an address and its number stand for each other', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = addressOf(text);
      const family = address.includes(':') ? 'IPv6' : 'IPv4';
      expect(numberAddress(family, addressNumber(address))).toBe(address);
    }),
  );
});
