import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes, formatAddress, hostPrefix, parseAddress, parsePrefix, prefixContains } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import { compileAcl } from './acl.ts';
import type { AclCheck, AclVerdict } from './acl.ts';
import { recordType } from './constants.ts';
import type { Peer } from './listen-contract.ts';
import { parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { AclRule } from './settings.ts';

function missing(what: string): never {
  throw new Error(what);
}

const name = (text: string): Name => parseName(text) ?? rootName;
const address = (text: string): Address => parseAddress(text) ?? missing(text);
const prefixes = (...texts: readonly string[]): Prefix[] => texts.map((text) => parsePrefix(text) ?? hostPrefix(address(text)));
const rule = (action: AclVerdict, sources: readonly string[] = [], fields: Partial<AclRule> = {}): AclRule => ({
  zones: [rootName],
  action,
  types: [],
  sources: prefixes(...sources),
  ...fields,
});

/** A peer at an odd place of a buffer, as sockets give them. */
function peerOf(text: string, mapped = false): Peer {
  const plain = addressBytes(address(text));
  const octets = mapped ? Uint8Array.from([...new Uint8Array(10), 0xff, 0xff, ...plain]) : plain;
  const buffer = new Uint8Array(octets.length + 10).fill(0xaa);
  buffer.set(octets, 7);
  return { buffer, offset: 7, octets: octets.length === 4 ? 4 : 16, port: 5353 };
}

function judge(check: AclCheck, source: string, asked = 'a.test.', type: number = recordType.A): AclVerdict {
  return check(peerOf(source), { name: name(asked) }, type);
}

describe('access rules', () => {
  test('[DNS-129] the first rule that fits decides, and what none fits is allowed', () => {
    const check = compileAcl([
      rule('allow', ['192.168.1.0/24']),
      rule('block', ['192.168.0.0/16', 'fd00::/8']),
      rule('drop', ['203.0.113.7']),
      rule('filter', ['198.51.100.0/31']),
    ]);
    expect(judge(check, '192.168.1.9')).toBe('allow');
    expect(judge(check, '192.168.2.9')).toBe('block');
    expect(judge(check, 'fd12::1')).toBe('block');
    expect(judge(check, '203.0.113.7')).toBe('drop');
    expect(judge(check, '203.0.113.8')).toBe('allow');
    expect(judge(check, '198.51.100.1')).toBe('filter');
    expect(judge(check, '198.51.100.2')).toBe('allow');
    expect(judge(check, 'fe80::1')).toBe('allow');
  });

  test('[DNS-129] a closing rule without sources makes a list of those allowed', () => {
    const check = compileAcl([rule('allow', ['10.0.0.0/8', '::1']), rule('block')]);
    expect(['10.1.2.3', '::1', '11.0.0.1', '::2', '255.255.255.255'].map((source) => judge(check, source))).toEqual([
      'allow',
      'allow',
      'block',
      'block',
      'block',
    ]);
  });

  test('[DNS-129] types and zones are conditions', () => {
    const check = compileAcl([
      rule('filter', [], { types: [recordType.AAAA, recordType.MX] }),
      rule('block', ['192.168.1.0/24'], { zones: [name('a.example.org.')] }),
    ]);
    expect(judge(check, '10.0.0.1', 'x.test.', recordType.AAAA)).toBe('filter');
    expect(judge(check, '10.0.0.1', 'x.test.', recordType.A)).toBe('allow');
    expect(judge(check, '192.168.1.1', 'a.example.org.')).toBe('block');
    expect(judge(check, '192.168.1.1', 'b.a.example.org.')).toBe('block');
    expect(judge(check, '192.168.1.1', 'example.org.')).toBe('allow');
    expect(judge(check, '192.168.2.1', 'a.example.org.')).toBe('allow');
  });

  test('an IPv4-mapped source counts as IPv4, and its likes do not', () => {
    const check = compileAcl([rule('block', ['10.0.0.0/8'])]);
    expect(check(peerOf('10.1.1.1', true), { name: rootName }, 1)).toBe('block');
    expect(judge(check, '::a01:101')).toBe('allow');
    expect(judge(compileAcl([rule('block', ['::/0'])]), '10.1.1.1')).toBe('allow');
    expect(judge(compileAcl([rule('block', ['0.0.0.0/0'])]), '::1')).toBe('allow');
  });

  test('without rules everything is allowed; the name is not looked at where no rule asks', () => {
    expect(judge(compileAcl([]), '10.0.0.1')).toBe('allow');
    const question = {
      get name(): Name {
        return missing('the name was read');
      },
    };
    expect(compileAcl([rule('block', ['10.0.0.0/8'])])(peerOf('10.0.0.1'), question, 1)).toBe('block');
  });

  test('says of any source what plain comparison of prefixes says, in any order of sources', () => {
    const bits = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
    const near = fc.tuple(bits, fc.nat(128)).map(([octets, length]) => {
      const text = formatAddress(octets);
      const parsed = parsePrefix(`${text}/${text.includes(':') ? length : length % 33}`);
      return parsed ?? missing(text);
    });
    const rules = fc.array(
      fc.record({
        action: fc.constantFrom<AclVerdict>('allow', 'block', 'filter', 'drop'),
        sources: fc.array(near, { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(rules, fc.array(fc.tuple(bits, fc.nat(3)), { maxLength: 12 }), (list, asked) => {
        const check = compileAcl(list.map((one) => rule(one.action, [], { sources: one.sources })));
        const known = list.flatMap(({ sources }) => sources.map((prefix) => prefix.address));
        for (const [octets, index] of asked) {
          const source = known[index] ?? formatAddress(octets);
          const expected =
            list.find(({ sources }) => sources.some((prefix) => prefixContains(prefix, source)))?.action ?? 'allow';
          expect(judge(check, source)).toBe(expected);
          expect(judge(check, source)).toBe(expected);
        }
      }),
    );
  });
});
