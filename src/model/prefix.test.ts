import { BlockList } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressBits,
  familyOf,
  formatAddress,
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  prefixContains,
} from './mod.ts';
import type { Address, Prefix } from './mod.ts';

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => formatAddress(bytes));

const addressAndLength = address.chain((each) =>
  fc.tuple(fc.constant(each), fc.integer({ min: 0, max: addressBits(familyOf(each)) })),
);

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new Error(`not read: ${text}`);
  return prefix;
}

function textOf(text: string): string | null {
  const prefix = parsePrefix(text);
  return prefix === null ? null : formatPrefix(prefix);
}

/** The same question, answered by Node. */
function blockListContains(prefix: Prefix, each: Address): boolean {
  const list = new BlockList();
  const family = prefix.family === 'IPv4' ? 'ipv4' : 'ipv6';
  if (prefix.length === 0) return familyOf(each) === prefix.family;
  list.addSubnet(prefix.address, prefix.length, family);
  return familyOf(each) === prefix.family && list.check(each, family);
}

describe('parsePrefix', () => {
  it('[SP-27] reads leading zeros as decimal, in the address and in the length', () => {
    expect(textOf('203.0.113.000/025')).toBe('203.0.113.0/25');
  });

  it('[SP-29] masks host bits and reads an IPv4-mapped range as IPv4', () => {
    expect(textOf('10.1.2.3/8')).toBe('10.0.0.0/8');
    expect(textOf('10.1.2.255/31')).toBe('10.1.2.254/31');
    expect(textOf('2001:db8::ffff/33')).toBe('2001:db8::/33');
    expect(textOf('2001:db8:ffff::/33')).toBe('2001:db8:8000::/33');
    expect(textOf('::ffff:192.0.2.1/120')).toBe('192.0.2.0/24');
    expect(textOf('::ffff:192.0.2.1/96')).toBe('0.0.0.0/0');
    expect(textOf('::ffff:192.0.2.1/128')).toBe('192.0.2.1/32');
  });

  it('reads ranges of every length', () => {
    expect(prefixOf('0.0.0.0/0')).toEqual({ family: 'IPv4', address: '0.0.0.0', length: 0 });
    expect(prefixOf('::/0')).toEqual({ family: 'IPv6', address: '::', length: 0 });
    expect(prefixOf('::1/128')).toEqual({ family: 'IPv6', address: '::1', length: 128 });
  });

  it.each(['', '/', '/8', '10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/+8', '10.0.0.0/8/8', '10.0.0.0/8 '])(
    'refuses %j',
    (text) => {
      expect(parsePrefix(text)).toBeNull();
    },
  );

  it.each([
    ' 10.0.0.0/8',
    '10.0.0/8',
    '10.0.0.0/0x8',
    '::/129',
    '::1',
    '::ffff:10.0.0.0/95',
    '::ffff:10.0.0.0/8',
    'fe80::%eth0/64',
  ])('refuses %j as well', (text) => {
    expect(parsePrefix(text)).toBeNull();
  });

  it('gives back what formatPrefix wrote, and masks for good', () => {
    fc.assert(
      fc.property(addressAndLength, ([each, length]) => {
        const prefix = prefixOf(`${each}/${length}`);
        expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
        expect(prefix.length).toBe(length);
        expect(prefixContains(prefix, each)).toBe(true);
      }),
    );
  });
});

describe('prefixContains', () => {
  it('says what Node says', () => {
    const nearby = addressAndLength.chain(([each, length]) => {
      const flipped = fc.integer({ min: 0, max: addressBits(familyOf(each)) - 1 }).map((bit) => flipBit(each, bit));
      return fc.tuple(fc.constant(prefixOf(`${each}/${length}`)), fc.oneof(flipped, address));
    });
    fc.assert(
      fc.property(nearby, ([prefix, each]) => {
        expect(prefixContains(prefix, each)).toBe(blockListContains(prefix, each));
      }),
      { numRuns: 1000 },
    );
  });

  it('never mixes families', () => {
    expect(prefixContains(prefixOf('0.0.0.0/0'), parseAddress('::1') as Address)).toBe(false);
    expect(prefixContains(prefixOf('::/0'), parseAddress('10.0.0.1') as Address)).toBe(false);
  });
});

describe('hostPrefix', () => {
  it('holds its address and no other', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 31 }), (each, bit) => {
        const prefix = hostPrefix(each);
        expect(prefixContains(prefix, each)).toBe(true);
        expect(prefixContains(prefix, flipBit(each, bit))).toBe(false);
        expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
      }),
    );
  });
});

/** The address with one bit turned over; may leave the family only by becoming IPv4-mapped. */
function flipBit(each: Address, bit: number): Address {
  const bytes = bytesOf(each);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return formatAddress(bytes);
}

function bytesOf(each: Address): Uint8Array {
  if (familyOf(each) === 'IPv4') return Uint8Array.from(each.split('.'), Number);
  const [head = '', tail = ''] = each.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  const groups = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  return Uint8Array.from(groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]));
}
