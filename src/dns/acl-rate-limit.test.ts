import { describe, expect, test } from 'vitest';
import { createRateLimiter } from './acl-rate-limit.ts';
import type { RateLimiter, RateVerdict } from './acl-rate-limit.ts';
import type { Peer } from './listen-contract.ts';

const seed = 12_345;

function peerOf(...octets: readonly number[]): Peer {
  return { buffer: Uint8Array.from([1, 2, 3, ...octets]), offset: 3, octets: octets.length === 4 ? 4 : 16, port: 1 };
}

function ask(limit: RateLimiter, peer: Peer, now: number, times: number): readonly RateVerdict[] {
  return Array.from({ length: times }, () => limit(peer, now));
}

const count = (verdicts: readonly RateVerdict[], wanted: RateVerdict): number =>
  verdicts.filter((verdict) => verdict === wanted).length;

describe('limit of replies', () => {
  test('one second of replies at once, then every second one is cut and the others dropped', () => {
    const verdicts = ask(createRateLimiter({ perSecond: 10, seed }), peerOf(10, 0, 0, 1), 1000, 30);
    expect(verdicts.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'send'));
    expect([count(verdicts, 'truncate'), count(verdicts, 'drop')]).toEqual([10, 10]);
  });

  test('fills with time, and no further than one second', () => {
    const limit = createRateLimiter({ perSecond: 10, seed });
    const peer = peerOf(10, 0, 0, 1);
    ask(limit, peer, 1000, 10);
    expect(count(ask(limit, peer, 1500, 10), 'send')).toBe(5);
    expect(count(ask(limit, peer, 100_000, 30), 'send')).toBe(10);
    expect(count(ask(limit, peer, 50_000, 5), 'send')).toBe(0);
  });

  test('counts each source for itself; those of one IPv6 network are one', () => {
    const limit = createRateLimiter({ perSecond: 1, seed });
    const v6 = (network: number, host: number): Peer => peerOf(0xfd, 0, 0, 0, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host);
    expect(limit(peerOf(10, 0, 0, 1), 0)).toBe('send');
    expect(limit(peerOf(10, 0, 0, 2), 0)).toBe('send');
    expect(limit(peerOf(10, 0, 0, 1), 0)).toBe('truncate');
    expect(limit(v6(1, 1), 0)).toBe('send');
    expect(limit(v6(1, 2), 0)).toBe('truncate');
    expect(limit(v6(2, 1), 0)).toBe('send');
    // The same machine over a socket for both families.
    expect(limit(peerOf(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1), 0)).toBe('drop');
  });

  test('IPv4 sources may be counted by network', () => {
    const limit = createRateLimiter({ perSecond: 1, ipv4Bits: 24, seed });
    expect(limit(peerOf(10, 0, 0, 1), 0)).toBe('send');
    expect(limit(peerOf(10, 0, 0, 2), 0)).toBe('truncate');
    expect(limit(peerOf(10, 0, 1, 2), 0)).toBe('send');
  });

  test('zero is no limit', () => {
    expect(count(ask(createRateLimiter({ perSecond: 0, seed }), peerOf(1, 2, 3, 4), 0, 1000), 'send')).toBe(1000);
  });

  test('a flood of sources takes no more memory, and a source that is over its limit is not forgotten for it', () => {
    const limit = createRateLimiter({ perSecond: 5, sources: 64, seed });
    const loud = peerOf(192, 0, 2, 1);
    ask(limit, loud, 0, 50);
    for (let index = 0; index < 20_000; index += 1) limit(peerOf(10, (index >> 16) & 255, (index >> 8) & 255, index & 255), 0);
    expect(count(ask(limit, loud, 0, 10), 'send')).toBe(0);
  });
});
