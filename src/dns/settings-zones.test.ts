import { describe, expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import { formatName } from './name.ts';
import { readZones, reverseName, reverseZones } from './settings-zones.ts';

function missing(what: string): never {
  throw new Error(what);
}

const zones = (text: string): readonly string[] | null => readZones(text)?.map(formatName) ?? null;

describe('zones of a configuration', () => {
  test.each([
    ['Example.ORG', ['example.org.']],
    ['.', ['.']],
    ['10.in-addr.arpa', ['10.in-addr.arpa.']],
    ['10.0.0.0/24', ['0.0.10.in-addr.arpa.']],
    ['10.96.0.0/12', Array.from({ length: 16 }, (_, index) => `${96 + index}.10.in-addr.arpa.`)],
    ['10.0.0.0/31', ['0.0.0.10.in-addr.arpa.', '1.0.0.10.in-addr.arpa.']],
    ['10.1.2.3/32', ['3.2.1.10.in-addr.arpa.']],
    ['10.0.0.0/8', ['10.in-addr.arpa.']],
    ['0.0.0.0/0', ['in-addr.arpa.']],
    ['fd00::/8', ['d.f.ip6.arpa.']],
    ['fd00::/7', ['c.f.ip6.arpa.', 'd.f.ip6.arpa.']],
    ['fd12:3450::/28', ['5.4.3.2.1.d.f.ip6.arpa.']],
    ['2001:db8::/31', ['8.b.d.0.1.0.0.2.ip6.arpa.', '9.b.d.0.1.0.0.2.ip6.arpa.']],
    ['::/0', ['ip6.arpa.']],
    ['10.0.0.0/33', null],
    ['a..b', null],
    ['a/b', null],
  ])('%s', (text, expected) => {
    expect(zones(text)).toEqual(expected);
  });

  test('addresses have a name in the reverse tree', () => {
    const reverse = (text: string): string => formatName(reverseName(parseAddress(text) ?? missing(text)));
    expect(reverse('10.96.0.80')).toBe('80.0.96.10.in-addr.arpa.');
    expect(reverse('fd00::1')).toBe(`1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa.`);
    expect(reverseZones.map(formatName)).toEqual(['in-addr.arpa.', 'ip6.arpa.']);
  });
});
