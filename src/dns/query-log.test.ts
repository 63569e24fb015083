import { describe, expect, test } from 'vitest';
import { rcode } from './constants.ts';
import { encodeQuery } from './encode-query.ts';
import { name } from './forward.fixture.ts';
import type { Peer } from './listen-contract.ts';
import { formatEntry, isLogged } from './query-log.ts';
import type { LogEntry } from './query-log.ts';
import { Query, readQuery } from './read-query.ts';
import { HandClock } from './stream.fixture.ts';
import { LogLines } from './worker-log.ts';

function queryOf(text: string, over: Partial<Parameters<typeof encodeQuery>[0]> = {}): Query {
  const bytes = encodeQuery({
    id: 4711,
    name: name(text),
    type: 1,
    dnssecOk: false,
    checkingDisabled: false,
    udpSize: 1232,
    ...over,
  });
  const query = new Query();
  readQuery(query, bytes, 0, bytes.length);
  return query;
}

function peerOf(octets: readonly number[]): Peer {
  return { buffer: Uint8Array.from([9, ...octets]), offset: 1, octets: octets.length === 4 ? 4 : 16, port: 54_321 };
}

function entryOf(over: Partial<LogEntry> = {}): LogEntry {
  return {
    rules: [{ zones: [], classes: [] }],
    peer: peerOf([10, 244, 1, 5]),
    query: queryOf('Web.shop.svc.cluster.local.'),
    stream: false,
    requestSize: 55,
    rcode: rcode.NOERROR,
    flags: 0x8580,
    responseSize: 71,
    seconds: 0.000_123_456,
    ...over,
  };
}

describe('a line of the query log', () => {
  test('[DNS-130] client, id, question with transport and sizes, code, flags, size and time', () => {
    expect(formatEntry(entryOf())).toBe(
      '10.244.1.5:54321 - 4711 "A IN web.shop.svc.cluster.local. udp 55 false 1232" NOERROR qr,aa,rd,ra 71 0.000123456s',
    );
  });

  test('[DNS-130] IPv6 clients in brackets, mapped ones as what they are, TCP, other classes and types, all flags', () => {
    const peer = peerOf([0xfd, 0, ...Array.from({ length: 13 }, () => 0), 5]);
    const query = queryOf('a.test.', { type: 65_280, dnssecOk: true, udpSize: 4096 });
    query.class = 3;
    expect(formatEntry(entryOf({ peer, query, stream: true, rcode: 11, flags: 0x87b0 }))).toBe(
      '[fd00::5]:54321 - 4711 "TYPE65280 CLASS3 a.test. tcp 55 true 4096" RCODE11 qr,aa,tc,rd,ra,ad,cd 71 0.000123456s',
    );
    const mapped = peerOf([...Array.from({ length: 10 }, () => 0), 255, 255, 10, 0, 0, 1]);
    expect(formatEntry(entryOf({ peer: mapped }))).toMatch(/^10\.0\.0\.1:54321 /);
  });

  test('[DNS-130] no control character, quote or blank of a name gets through', () => {
    const octets = String.fromCharCode(...Array.from({ length: 63 }, (_, index) => (index < 48 ? index : index + 160)));
    const query = queryOf('x.');
    const bytes = Buffer.from(`\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x3f${octets}\x04"\\.\x7f\0\0\x01\0\x01`, 'latin1');
    expect(readQuery(query, bytes, 0, bytes.length)).toBe(0);
    const line = formatEntry(entryOf({ query }));
    expect(line).toMatch(/^[ -~]*$/);
    expect(line.split(/(?<!\\)"/)).toHaveLength(3);
    expect(line).toContain('\\"\\\\\\.\\127.');
    expect(line).toContain('\\000\\001');
    expect(line.split(' ')).toHaveLength(14);
  });

  test('[DNS-130] a question that could not be read has no name', () => {
    const query = new Query();
    const bytes = Buffer.from('\x12\x34\x01\0\0\x02\0\0\0\0\0\0', 'latin1');
    expect(readQuery(query, bytes, 0, bytes.length)).toBe(rcode.FORMERR);
    expect(formatEntry(entryOf({ query, rcode: rcode.FORMERR, flags: 0x8181 }))).toMatch(
      / - 4660 "\S+ \S+ - udp 55 false 512" FORMERR /,
    );
  });
});

describe('what is logged', () => {
  const shop = name('shop.svc.cluster.local.');

  test.each<[string, LogEntry['rules'], boolean]>([
    ['nothing without rules', null, false],
    ['everything', [{ zones: [], classes: [] }], true],
    ['a zone', [{ zones: [shop], classes: [] }], true],
    ['another zone', [{ zones: [name('test.')], classes: [] }], false],
    ['half a label', [{ zones: [name('op.svc.cluster.local.')], classes: [] }], false],
    [
      'one rule of two',
      [
        { zones: [name('test.')], classes: [] },
        { zones: [shop], classes: ['success'] },
      ],
      true,
    ],
    ['other classes', [{ zones: [], classes: ['denial', 'error'] }], false],
  ])('[DNS-130] %s', (_, rules, expected) => {
    expect(isLogged(entryOf({ rules }))).toBe(expected);
  });

  test.each([
    [rcode.NOERROR, 'success'],
    [rcode.NXDOMAIN, 'denial'],
    [rcode.SERVFAIL, 'error'],
    [rcode.REFUSED, 'error'],
    [rcode.FORMERR, 'error'],
    [rcode.NOTIMP, 'error'],
  ] as const)('[DNS-130] code %i is of class %s', (code, kind) => {
    for (const one of ['success', 'denial', 'error'] as const)
      expect(isLogged(entryOf({ rcode: code, rules: [{ zones: [], classes: [one] }] }))).toBe(one === kind);
  });
});

describe('lines on their way to the main thread', () => {
  test('go together, and those that are too many are counted', () => {
    const clock = new HandClock();
    const sent: (readonly string[])[] = [];
    const lines = new LogLines(clock, (some) => sent.push(some));
    lines.add('a');
    lines.add('b');
    expect(sent).toEqual([]);
    clock.advance(100);
    expect(sent).toEqual([['a', 'b']]);
    for (let index = 0; index < 2500; index += 1) lines.add(`${index}`);
    clock.advance(100);
    expect(sent[1]).toHaveLength(2001);
    expect(sent[1]?.at(-1)).toBe('500 more questions are not logged');
    lines.add('c');
    clock.advance(100);
    expect(sent[2]).toEqual(['c']);
    expect(clock.waiting).toBe(0);
  });
});
