import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress, formatPrefix, hostPrefix, parsePrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import { parseAddressRange, prefixesCover, rangesOverlap } from './address-range.ts';
import type { AddressRange } from './address-range.ts';

function rangeOf(text: string): AddressRange {
  const range = parseAddressRange(text);
  if (range === null) throw new Error(text);
  return range;
}

function prefixesOf(...texts: readonly string[]): readonly Prefix[] {
  return texts.map(parsePrefix).filter((prefix) => prefix !== null);
}

describe('parseAddressRange', () => {
  test.each([
    ['192.0.2.16/28', '192.0.2.16', '192.0.2.31'],
    ['192.0.2.17/28', '192.0.2.16', '192.0.2.31'],
    ['192.0.2.1/32', '192.0.2.1', '192.0.2.1'],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
    ['fd00::/120', 'fd00::', 'fd00::ff'],
    ['::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['192.0.2.9-192.0.2.10', '192.0.2.9', '192.0.2.10'],
    [' 192.0.2.9 - 192.0.2.9 ', '192.0.2.9', '192.0.2.9'],
    ['fd00::9-fd00::a', 'fd00::9', 'fd00::a'],
  ])('%s is from %s to %s', (text, first, last) => {
    expect(parseAddressRange(text)).toEqual({ family: first.includes(':') ? 'IPv6' : 'IPv4', first, last });
  });

  test.each([
    '',
    '-',
    '192.0.2.1',
    '192.0.2.10-192.0.2.9',
    '192.0.2.1-fd00::1',
    '192.0.2.1-192.0.2.2-192.0.2.3',
    '192.0.2.1-',
    '192.0.2.0/33',
    'a-b',
    '192.0.2.1-9',
  ])('%j is none', (text) => {
    expect(parseAddressRange(text)).toBeNull();
  });
});

/** Sixteen addresses and their ranges: few enough to count. */
const nibble = fc.nat(15);
const address = (number: number): Address => formatAddress(Uint8Array.of(192, 0, 2, number));
const small = fc.tuple(nibble, nibble).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const asRange = ([first, last]: readonly [number, number]): AddressRange => rangeOf(`${address(first)}-${address(last)}`);
const includes = ([first, last]: readonly [number, number], number: number): boolean => first <= number && number <= last;
const numbers = Array.from({ length: 16 }, (_, number) => number);

test('rangesOverlap is what counting says', () => {
  fc.assert(
    fc.property(small, small, (a, b) => {
      expect(rangesOverlap(asRange(a), asRange(b))).toBe(numbers.some((number) => includes(a, number) && includes(b, number)));
    }),
  );
  expect(rangesOverlap(rangeOf('0.0.0.0/0'), rangeOf('::/0'))).toBe(false);
});

test('prefixesCover is what counting says, whatever the prefixes', () => {
  const prefix = fc
    .tuple(nibble, fc.integer({ min: 28, max: 32 }))
    .map(([number, length]) => prefixesOf(`${address(number)}/${length}`).map(formatPrefix)[0] ?? '');
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 5 }), small, (texts, range) => {
      const prefixes = prefixesOf(...texts);
      const single = (number: number): AddressRange => rangeOf(formatPrefix(hostPrefix(address(number))));
      const inside = (number: number): boolean =>
        prefixes.some((each) => rangesOverlap(rangeOf(formatPrefix(each)), single(number)));
      expect(prefixesCover(prefixes, asRange(range))).toBe(numbers.filter((number) => includes(range, number)).every(inside));
    }),
  );
  const all = prefixesOf('0.0.0.0/1', '128.0.0.0/1', '::/0');
  expect(prefixesCover(all, rangeOf('1.0.0.0-255.255.255.255'))).toBe(true);
  expect(prefixesCover(all.slice(0, 1), rangeOf('1.0.0.0-128.0.0.0'))).toBe(false);
  expect(prefixesCover(all, rangeOf('::/0'))).toBe(true);
  expect(prefixesCover([], rangeOf('::/0'))).toBe(false);
});
