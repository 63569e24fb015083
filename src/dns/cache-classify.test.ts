import { describe, expect, it } from 'vitest';
import { classify } from './cache-classify.ts';
import type { Keepable } from './cache-classify.ts';
import { capTtls, lifeOf } from './cache-life.ts';
import { makeCacheSettings } from './cache.fixture.ts';
import { rcode, recordType } from './constants.ts';
import { name } from './forward.fixture.ts';
import { parseRecord } from './presentation.ts';
import type { ResourceRecord } from './record.ts';

function records(texts: readonly string[]): readonly ResourceRecord[] {
  return texts.map((text) => {
    const record = parseRecord(text);
    if (record === null) throw new Error(`no record: ${text}`);
    return record;
  });
}

function answer(answers: readonly string[], authority: readonly string[] = [], over: Partial<Keepable> = {}): Keepable {
  return { rcode: rcode.NOERROR, truncated: false, answer: records(answers), authority: records(authority), ...over };
}

const www = name('www.example.com.');
const alias = 'www.example.com. 20 IN CNAME end.example.net.';
const soa = (ttl: number, minimum: number, zone = 'example.com.'): string =>
  `${zone} ${ttl} IN SOA ns.example.com. h.example.com. 1 2 3 4 ${minimum}`;

describe('what may be remembered', () => {
  it('[DNS-102] an answer for the least of its TTLs', () => {
    expect(classify(answer(['www.example.com. 60 IN A 192.0.2.1']), www, 1)).toEqual({ kind: 'success', ttl: 60 });
    expect(classify(answer([alias, 'end.example.net. 60 IN A 192.0.2.1']), www, 1)).toEqual({ kind: 'success', ttl: 20 });
    expect(classify(answer([alias]), www, recordType.CNAME)).toEqual({ kind: 'success', ttl: 20 });
  });

  it('[DNS-103] a denial for the smaller of the two numbers of its SOA', () => {
    for (const code of [rcode.NXDOMAIN, rcode.NOERROR]) {
      expect(classify(answer([], [soa(300, 60)], { rcode: code }), www, 1)).toEqual({ kind: 'denial', ttl: 60 });
      expect(classify(answer([], [soa(50, 3600)], { rcode: code }), www, 1)).toEqual({ kind: 'denial', ttl: 50 });
    }
    expect(classify(answer([], [soa(300, 4_000_000_000)], { rcode: 3 }), www, 1)).toEqual({ kind: 'denial', ttl: 300 });
  });

  it('[DNS-103] an alias that leads nowhere no longer than the alias', () => {
    const denied = answer([alias], [soa(300, 60, 'example.net.')], { rcode: rcode.NXDOMAIN });
    expect(classify(denied, www, 1)).toEqual({ kind: 'denial', ttl: 20 });
    expect(classify({ ...denied, rcode: rcode.NOERROR }, www, 1)).toEqual({ kind: 'denial', ttl: 20 });
  });

  it('[DNS-104] SERVFAIL, for a time that is configured', () => {
    expect(classify(answer([], [], { rcode: rcode.SERVFAIL }), www, 1)).toEqual({ kind: 'servfail', ttl: 0 });
  });

  it.each([
    ['[DNS-105] what was cut off', answer(['www.example.com. 60 IN A 192.0.2.1'], [], { truncated: true }), 1],
    ['[DNS-107] a TTL of 0', answer(['www.example.com. 0 IN A 192.0.2.1', 'www.example.com. 60 IN A 192.0.2.2']), 1],
    ['[DNS-103] a SOA of TTL 0', answer([], [soa(0, 60)], { rcode: 3 }), 1],
    ['[DNS-103] a minimum of 0', answer([], [soa(60, 0)]), 1],
    ['[DNS-103] NXDOMAIN without SOA', answer([], [], { rcode: 3 }), 1],
    ['[DNS-103] NODATA without SOA', answer([]), 1],
    ['[DNS-103] a chain without its end and without SOA', answer([alias]), 1],
    ['[DNS-103] a SOA of another place', answer([], [soa(300, 60, 'example.org.')], { rcode: 3 }), 1],
    ['[DNS-103] a SOA of where the chain began', answer([alias], [soa(300, 60)], { rcode: 3 }), 1],
    ['[DNS-95] REFUSED', answer([], [soa(300, 60)], { rcode: rcode.REFUSED }), 1],
    ['[DNS-95] FORMERR', answer([], [], { rcode: rcode.FORMERR }), 1],
    ['[DNS-95] YXDOMAIN', answer(['www.example.com. 60 IN A 192.0.2.1'], [], { rcode: 6 }), 1],
    ['a transfer', answer(['www.example.com. 60 IN A 192.0.2.1']), recordType.AXFR],
    ['ANY', answer(['www.example.com. 60 IN A 192.0.2.1']), recordType.ANY],
    ['aliases in a circle', answer([alias, 'end.example.net. 9 IN CNAME www.example.com.']), 1],
  ])('not %s', (_, keepable, type) => {
    expect(classify(keepable, www, type)).toBeNull();
  });
});

describe('how long it is remembered', () => {
  const settings = makeCacheSettings({
    success: { capacity: 10, ttlCap: 30, ttlFloor: 0 },
    denial: { capacity: 10, ttlCap: 20, ttlFloor: 5 },
  });

  it('[DNS-107] no longer than the cap of its class, and never longer than an hour and half an hour', () => {
    expect(lifeOf(settings, 'success', 300, www)).toBe(30_000);
    expect(lifeOf(settings, 'success', 7, www)).toBe(7000);
    expect(lifeOf(settings, 'denial', 300, www)).toBe(20_000);
    const free = { capacity: 10, ttlCap: 1_000_000, ttlFloor: 0 };
    expect(lifeOf({ ...settings, success: free }, 'success', 90_000, www)).toBe(3_600_000);
    expect(lifeOf({ ...settings, denial: free }, 'denial', 90_000, www)).toBe(1_800_000);
  });

  it('[DNS-107] at least for the floor, but a TTL of 0 not at all', () => {
    expect(lifeOf(settings, 'denial', 1, www)).toBe(5000);
    expect(lifeOf(settings, 'denial', 0, www)).toBe(0);
  });

  it('[DNS-104] a failure for its own time, 0 for not at all', () => {
    expect(lifeOf(settings, 'servfail', 0, www)).toBe(5000);
    expect(lifeOf({ ...settings, servfailMs: 0 }, 'servfail', 0, www)).toBe(0);
  });

  it('[DNS-109] not at all outside of the zones, or where its class is switched off', () => {
    const only = { ...settings, zones: [name('example.org.')] };
    expect(lifeOf(only, 'success', 9, www)).toBe(0);
    expect(lifeOf(only, 'success', 9, name('a.example.org.'))).toBe(9000);
    const off = { ...settings, disableSuccess: [name('example.com.')], disableDenial: [name('cluster.local.')] };
    expect(lifeOf(off, 'success', 9, www)).toBe(0);
    expect(lifeOf(off, 'denial', 9, www)).toBe(9000);
    expect(lifeOf(off, 'denial', 9, name('x.cluster.local.'))).toBe(0);
  });

  it('[DNS-107] TTLs are lowered to the cap and never raised', () => {
    const found = answer(['www.example.com. 60 IN A 192.0.2.1', 'www.example.com. 3 IN A 192.0.2.2']);
    const capped = capTtls(found, classify(found, www, 1), settings, www);
    expect(capped.answer.map(({ ttl }) => ttl)).toEqual([30, 3]);
    expect(capTtls(found, null, settings, www)).toBe(found);
    expect(capTtls(found, classify(found, www, 1), { ...settings, disableSuccess: ['\0'] }, www)).toBe(found);
  });

  it('[DNS-103] the SOA of a denial tells no longer time than the denial has', () => {
    const denied = answer([], [soa(300, 12)], { rcode: 3 });
    expect(capTtls(denied, classify(denied, www, 1), settings, www).authority[0]?.ttl).toBe(12);
    const long = answer([], [soa(300, 250)], { rcode: 3 });
    expect(capTtls(long, classify(long, www, 1), settings, www).authority[0]?.ttl).toBe(20);
  });
});
