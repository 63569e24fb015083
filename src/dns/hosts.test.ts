import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordType } from './constants.ts';
import { createHosts } from './hosts.ts';
import { lowerName, parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import { formatRecord } from './presentation.ts';
import type { HostsSettings } from './settings.ts';
import { plainHosts } from './settings-default.ts';

const name = (text: string): Name => lowerName(parseName(text) ?? rootName);
const { A, AAAA, PTR, MX } = recordType;

function ask(
  settings: Partial<HostsSettings>,
  text: string | null,
  asked: string,
  type: number,
): readonly string[] | string | null {
  const hosts = createHosts({ ...plainHosts, ...settings });
  if (text !== null) hosts.load(text);
  const answer = hosts.lookup(name(asked), type);
  if (answer === null) return null;
  return answer.rcode === 0 ? answer.answer.map(formatRecord) : `rcode ${answer.rcode}`;
}

const file = `# machines
127.0.0.1   localhost
10.0.0.1\tdb.example.org  DB  # the old one
10.0.0.2 db.example.org
FD00:0::1 db.example.org db6.example.org.
010.0.0.001 db.example.org
::ffff:10.0.0.9 mapped.example.org
fe80::1%lo scoped.example.org
not-an-address nowhere.example.org
10.0.0.7
10.0.0.8 bad..name good.example.org
`;

describe('hosts', () => {
  test('[DNS-111] A, AAAA and aliases, in any case, canonical and without duplicates', () => {
    expect(ask({}, file, 'DB.example.org.', A)).toEqual([
      'db.example.org. 3600 IN A 10.0.0.1',
      'db.example.org. 3600 IN A 10.0.0.2',
    ]);
    expect(ask({}, file, 'db.', A)).toEqual(['db. 3600 IN A 10.0.0.1']);
    expect(ask({}, file, 'db.example.org.', AAAA)).toEqual(['db.example.org. 3600 IN AAAA fd00::1']);
    expect(ask({}, file, 'mapped.example.org.', A)).toEqual(['mapped.example.org. 3600 IN A 10.0.0.9']);
    expect(ask({}, file, 'good.example.org.', A)).toEqual(['good.example.org. 3600 IN A 10.0.0.8']);
  });

  test('[DNS-111] a listed name without the type is NODATA', () => {
    expect(ask({}, file, 'db6.example.org.', A)).toEqual([]);
    expect(ask({ fallthrough: [rootName] }, file, 'db.example.org.', MX)).toEqual([]);
    expect(ask({}, file, '1.0.0.10.in-addr.arpa.', A)).toEqual([]);
  });

  test('[DNS-111] PTRs for all names of a line, and of all lines', () => {
    expect(ask({}, file, '1.0.0.10.in-addr.arpa.', PTR)).toEqual([
      '1.0.0.10.in-addr.arpa. 3600 IN PTR db.example.org.',
      '1.0.0.10.in-addr.arpa. 3600 IN PTR db.',
    ]);
    const reverse = `1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa.`;
    expect(ask({}, file, reverse, PTR)).toEqual([
      `${reverse} 3600 IN PTR db.example.org.`,
      `${reverse} 3600 IN PTR db6.example.org.`,
    ]);
    expect(ask({ reverse: false }, file, '1.0.0.10.in-addr.arpa.', PTR)).toBeNull();
  });

  test('[DNS-111] unlisted names go on where fallthrough says so, and else do not exist', () => {
    expect(ask({}, file, 'other.example.org.', A)).toBe('rcode 3');
    expect(ask({ fallthrough: [rootName] }, file, 'other.example.org.', A)).toBeNull();
    expect(ask({ fallthrough: [name('example.org.')] }, file, 'other.example.org.', A)).toBeNull();
    expect(ask({ fallthrough: [name('example.org.')] }, file, 'other.example.com.', A)).toBe('rcode 3');
    for (const broken of ['scoped.example.org.', 'nowhere.example.org.', 'a.db.example.org.'])
      expect(ask({}, file, broken, A)).toBe('rcode 3');
  });

  test('unlisted addresses always go on: a list of hosts is not the reverse tree', () => {
    expect(ask({}, file, '77.0.0.10.in-addr.arpa.', PTR)).toBeNull();
    expect(ask({}, file, 'ip6.arpa.', PTR)).toBeNull();
  });

  test('names outside of its zones are of no concern to it', () => {
    const zones = [name('example.org.')];
    expect(ask({ zones }, file, 'localhost.', A)).toBeNull();
    expect(ask({ zones }, file, 'db.example.org.', A)).toHaveLength(2);
    expect(ask({ zones }, file, 'other.example.org.', A)).toBe('rcode 3');
  });

  test('inline lines count beside the file, and without one', () => {
    const lines = ['192.0.2.1 db.example.org', '192.0.2.2 inline.example.org'];
    expect(ask({ lines, ttl: 60 }, file, 'db.example.org.', A)).toEqual([
      'db.example.org. 60 IN A 10.0.0.1',
      'db.example.org. 60 IN A 10.0.0.2',
      'db.example.org. 60 IN A 192.0.2.1',
    ]);
    expect(ask({ lines }, null, 'inline.example.org.', A)).toHaveLength(1);
  });

  test('a new text takes the place of the old, and ends the lease of answers', () => {
    const hosts = createHosts({ ...plainHosts, lines: ['192.0.2.1 a.test'] });
    const { lease } = hosts;
    expect([lease.live, hosts.entries]).toEqual([true, 1]);
    hosts.load('192.0.2.2 b.test c.test\n192.0.2.1 a.test');
    expect([lease.live, hosts.lease.live, hosts.entries]).toEqual([false, true, 3]);
    hosts.load(null);
    expect(hosts.lookup(name('b.test.'), A)?.rcode).toBe(3);
    expect(hosts.lookup(name('a.test.'), A)?.answer).toHaveLength(1);
  });

  test('takes any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const hosts = createHosts({ ...plainHosts, lines: [text] });
        hosts.load(`10.0.0.1 ${text}`);
        expect(hosts.entries).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
