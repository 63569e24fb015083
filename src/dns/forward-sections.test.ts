import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderAnswer, stripAuthority } from './forward-sections.ts';
import { name } from './forward.fixture.ts';
import { formatRecord, parseRecord } from './presentation.ts';
import type { ResourceRecord } from './record.ts';

function records(...texts: readonly string[]): readonly ResourceRecord[] {
  return texts.map((text) => {
    const record = parseRecord(text);
    if (record === null) throw new Error(`no record: ${text}`);
    return record;
  });
}

function order(asked: string, ...texts: readonly string[]): readonly string[] {
  return orderAnswer(name(asked), records(...texts)).map((record) => formatRecord(record));
}

const a = 'www.example.com. 5 IN CNAME b.example.com.';
const b = 'b.example.com. 5 IN CNAME c.example.net.';
const c1 = 'c.example.net. 5 IN A 192.0.2.1';
const c2 = 'c.example.net. 5 IN A 192.0.2.2';
const signed = 'c.example.net. 5 IN TYPE46 \\# 4 00010000';

describe('the answer section of an upstream', () => {
  it('[DNS-93] keeps what the question leads to, aliases first, in chain order', () => {
    expect(order('www.example.com.', c1, b, c2, a)).toEqual([a, b, c1, c2]);
  });

  it('[DNS-94] keeps the aliases of a name that is not there', () => {
    expect(order('www.example.com.', b, a)).toEqual([a, b]);
  });

  it('loses what nobody asked for, and what is there twice', () => {
    expect(order('www.example.com.', a, b, c1, c1, 'evil.example.org. 5 IN A 192.0.2.66')).toEqual([a, b, c1]);
    expect(order('other.example.com.', a, b, c1)).toEqual([]);
  });

  it('has each set of records in one run, signatures behind', () => {
    const other = 'c.example.net. 5 IN AAAA 2001:db8::1';
    expect(order('c.example.net.', c1, other, signed, c2)).toEqual([c1, c2, other, 'c.example.net. 5 IN RRSIG \\# 4 00010000']);
  });

  it('keeps the spelling of owners but does not look at it', () => {
    expect(order('c.example.net.', 'C.Example.NET. 5 IN A 192.0.2.1', c2)).toEqual(['C.Example.NET. 5 IN A 192.0.2.1', c2]);
  });

  it('follows DNAME records, with the alias made from them and without', () => {
    const redirection = 'example.com. 5 IN DNAME example.net.';
    const made = 'c.example.com. 5 IN CNAME c.example.net.';
    expect(order('c.example.com.', c1, made, redirection)).toEqual([redirection, made, c1]);
    expect(order('c.example.com.', c1, redirection)).toEqual([redirection, c1]);
    expect(order('c.example.com.', redirection, 'example.com. 5 IN A 192.0.2.66')).toEqual([redirection]);
  });

  it('ends where aliases go in a circle', () => {
    const back = 'b.example.com. 5 IN CNAME www.example.com.';
    expect(order('www.example.com.', a, back)).toEqual([a, back]);
  });

  it('holds the same records in any order they came', () => {
    const all = records(a, b, c1, c2, signed);
    fc.assert(
      fc.property(fc.shuffledSubarray([...all], { minLength: all.length }), (shuffled) => {
        const texts = orderAnswer(name('www.example.com.'), shuffled).map((record) => formatRecord(record));
        expect(texts.slice(0, 2)).toEqual([a, b]);
        expect(texts.toSorted()).toEqual(all.map((record) => formatRecord(record)).toSorted());
      }),
    );
  });
});

describe('the authority section of an upstream', () => {
  const soa = 'example.com. 5 IN SOA ns.example.com. h.example.com. 1 2 3 4 5';
  const all = records(
    soa,
    'example.com. 5 IN NS ns.example.com.',
    'a.example.com. 5 IN NSEC \\# 2 0001',
    'b.example.com. 5 IN TYPE50 \\# 2 0001',
    'example.com. 5 IN RRSIG \\# 4 00060000',
    'a.example.com. 5 IN RRSIG \\# 4 002f0000',
    'example.com. 5 IN RRSIG \\# 4 00020000',
  );

  it('[DNS-94] is the SOA alone', () => {
    expect(stripAuthority(all, false).map((record) => formatRecord(record))).toEqual([soa]);
  });

  it('[DNS-94] keeps for DNSSEC what proves the denial, and its signatures', () => {
    expect(stripAuthority(all, true)).toEqual([0, 2, 3, 4, 5].map((index) => all[index]));
  });
});
