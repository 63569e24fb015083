import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatName, isWithin, joinLabels, labelsOf, lowerName, parentOf, parseName, rootName } from './name.ts';

const named = (text: string): string => {
  const name = parseName(text);
  if (name === null) throw new TypeError(`no name: ${text}`);
  return name;
};

const anyLabel = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) => String.fromCharCode(...octets));

describe('presentation form', () => {
  test.each([
    ['.', '\0'],
    ['a.', '\x01a\0'],
    ['www.Example.com', '\x03www\x07Example\x03com\0'],
    ['a\\.b.c.', '\x03a.b\x01c\0'],
    ['\\000\\032\\255.', '\x03\0 \xff\0'],
    ['_http._tcp.', '\x05_http\x04_tcp\0'],
  ])('%s', (text, name) => {
    expect(parseName(text)).toBe(name);
  });

  test.each(['', 'a..b', '.a', 'a\\', 'a\\25', 'a\\256b', 'ü\u0100', 'x'.repeat(64), 'abcdefgh.'.repeat(29)])(
    '"%s" is no name',
    (text) => {
      expect(parseName(text)).toBe(null);
    },
  );

  test('[DNS-24] 255 octets are the most', () => {
    expect(joinLabels(Array.from({ length: 127 }, () => 'a'))?.length).toBe(255);
    expect(joinLabels(Array.from({ length: 128 }, () => 'a'))).toBe(null);
  });

  test('[DNS-22] any labels come back, dots and NUL in them included', () => {
    fc.assert(
      fc.property(fc.array(anyLabel, { maxLength: 8 }), (labels) => {
        const name = joinLabels(labels) ?? '';
        expect(labelsOf(name)).toEqual(labels);
        expect(parseName(formatName(name))).toBe(name);
        expect(formatName(name)).toMatch(/^[!-~]+$/);
      }),
    );
  });
});

describe('comparison', () => {
  test('[DNS-23] ASCII letters alone are folded', () => {
    expect(lowerName(named('WWW.Example.COM.'))).toBe(named('www.example.com.'));
    expect(lowerName('\x02\xc5K\0')).toBe('\x02\xc5k\0');
    expect(parseName('\u212A.')).toBe(null);
  });

  test('[DNS-22] a zone begins at a label, and a dot in a label is none', () => {
    const zone = named('cluster.local.');
    expect(isWithin(zone, zone)).toBe(true);
    expect(isWithin(named('a.cluster.local.'), zone)).toBe(true);
    expect(isWithin(named('xcluster.local.'), zone)).toBe(false);
    expect(isWithin(named('foo\\.cluster.local.'), zone)).toBe(false);
    expect(isWithin(named('local.'), zone)).toBe(false);
    expect(isWithin(named('a.b.'), rootName)).toBe(true);
    // Its octets end with those of the zone, its labels do not.
    expect(isWithin(`\x10ab\x07cluster\x05local\0`, zone)).toBe(false);
  });

  test('a name is within what is left of it, label by label, and within nothing else', () => {
    fc.assert(
      fc.property(fc.array(anyLabel, { maxLength: 5 }), fc.array(anyLabel, { maxLength: 3 }), (labels, others) => {
        const name = joinLabels(labels) ?? '';
        const other = joinLabels(others) ?? '';
        for (let above: string | null = name; above !== null; above = parentOf(above)) expect(isWithin(name, above)).toBe(true);
        const isSuffix =
          others.length <= labels.length && others.every((label, at) => label === labels[labels.length - others.length + at]);
        expect(isWithin(name, other)).toBe(isSuffix);
      }),
    );
  });
});
