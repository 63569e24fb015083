import { isIPv6, SocketAddress } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, compareText, familyOf, formatAddress, isLoopback, parseAddress } from './mod.ts';
import type { Address } from './mod.ts';

function parsed(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new Error(`not read: ${text}`);
  return address;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

const ipv4Bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Zero groups are frequent, so that every place and length of `::` occurs. */
const ipv6Bytes = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));
const plainIpv6 = ipv6Bytes.filter((bytes) => !isMapped(bytes));

function groupsText(bytes: Uint8Array): string {
  return Array.from({ length: 8 }, (_, at) => Buffer.from(bytes).toString('hex', at * 2, at * 2 + 2)).join(':');
}

describe('parseAddress', () => {
  it('[SP-27] reads leading zeros as decimal and gives the canonical form', () => {
    expect(parseAddress('172.30.0.041')).toBe('172.30.0.41');
    expect(parseAddress('010.000.0000.008')).toBe('10.0.0.8');
    expect(parseAddress('::ffff:192.0.2.001')).toBe('192.0.2.1');
  });

  it('[SP-29] treats an IPv4-mapped IPv6 address as IPv4, however it is written', () => {
    for (const text of ['::ffff:192.0.2.1', '::FFFF:c000:0201', '0:0:0:0:0:ffff:192.0.2.1', '0000::ffff:c000:201']) {
      expect(parseAddress(text)).toBe('192.0.2.1');
    }
    expect(familyOf(parsed('::ffff:192.0.2.1'))).toBe('IPv4');
    expect(addressBytes(parsed('::ffff:192.0.2.1'))).toHaveLength(4);
  });

  it('writes IPv6 as RFC 5952 has it', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['1:0:0:0:0:0:0:0', '1::'],
      ['::192.0.2.1', '::c000:201'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ];
    for (const [text, canonical] of cases) expect(parseAddress(text)).toBe(canonical);
  });

  it.each([
    '',
    ' ',
    '10.0.0',
    '10.0.0.0.1',
    '10.0.0.256',
    '10.0.0.-1',
    '10.0.0.+1',
    '10.0.0.0x1',
    '10..0.1',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '10.0.0.1\n',
    '１0.0.0.1',
    '10.0.0.1/32',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '[::1]',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
    'None',
    'localhost',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  it('gives back what formatAddress wrote', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4Bytes, plainIpv6), (bytes) => {
        const text = formatAddress(bytes);
        expect(parseAddress(text)).toBe(text);
        expect(addressBytes(text)).toEqual(bytes);
        expect(familyOf(text)).toBe(bytes.length === 4 ? 'IPv4' : 'IPv6');
      }),
    );
  });

  it('writes IPv4 as node:net does', () => {
    fc.assert(
      fc.property(ipv4Bytes, (bytes) => {
        const text = formatAddress(bytes);
        expect(new SocketAddress({ address: text, family: 'ipv4' }).address).toBe(text);
      }),
    );
  });

  it('writes IPv6 as the URL standard does', () => {
    fc.assert(
      fc.property(plainIpv6, (bytes) => {
        expect(`[${parseAddress(groupsText(bytes))}]`).toBe(new URL(`http://[${groupsText(bytes)}]/`).hostname);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes exactly the IPv6 texts that node:net takes', () => {
    const piece = fc.oneof(fc.constantFrom(':', '::', '0', '1', 'ffff', 'F0', '12345', 'g', '.'), fc.constantFrom(':', '1'));
    const text = fc.array(piece, { maxLength: 18 }).map((pieces) => pieces.join(''));
    const mutated = plainIpv6.chain((bytes) =>
      fc.constantFrom(groupsText(bytes), formatAddress(bytes), `${formatAddress(bytes)}:`, `:${groupsText(bytes)}`),
    );
    fc.assert(
      fc.property(
        fc.oneof(text, mutated).filter((each) => each.includes(':')),
        (each) => {
          expect(parseAddress(each) !== null).toBe(isIPv6(each));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('formatAddress', () => {
  it('maps 16 bytes with the IPv4-mapped prefix to IPv4', () => {
    const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1);
    expect(formatAddress(bytes)).toBe('192.0.2.1');
  });

  it('keeps neighbours of the IPv4-mapped prefix in IPv6', () => {
    const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 192, 0, 2, 1);
    expect(formatAddress(bytes)).toBe('::1:ffff:c000:201');
  });
});

describe('addressBytes', () => {
  it('treats text that is no address as a bug', () => {
    expect(() => addressBytes('nonsense' as Address)).toThrow(TypeError);
  });
});

describe('isLoopback', () => {
  it('knows the loopback ranges of both families', () => {
    for (const text of ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1']) expect(isLoopback(parsed(text))).toBe(true);
    for (const text of ['126.0.0.1', '128.0.0.1', '12.7.0.1', '::', '::2', '127::1'])
      expect(isLoopback(parsed(text))).toBe(false);
  });
});

describe('compareText', () => {
  it('orders by UTF-16 units', () => {
    expect(['b', 'a', '', 'B', 'aa'].toSorted(compareText)).toEqual(['', 'B', 'a', 'aa', 'b']);
    expect(compareText('a', 'a')).toBe(0);
  });
});
