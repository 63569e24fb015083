import type { Peer } from './listen-contract.ts';

export type RateVerdict = 'send' | 'truncate' | 'drop';

/** What becomes of a reply over UDP to this peer, at this time in milliseconds. Keeps and makes no object. */
export type RateLimiter = (peer: Peer, now: number) => RateVerdict;

export interface RateLimitOptions {
  /** Replies for each source and second; 0: no limit. */
  readonly perSecond: number;
  /** Bits of an IPv4 source that count, 1 to 32; absent: all. Of IPv6 the first 64 count, the network of one host. */
  readonly ipv4Bits?: number;
  /** Sources that are remembered, rounded up to a power of two. */
  readonly sources?: number;
  /** Makes the places of sources unforeseeable. */
  readonly seed: number;
}

/** How many places are tried for a source; beyond them the one with the fewest debts is given up. */
const ways = 4;

/**
 * A bucket of tokens for each source, with room for one second. Every second reply that there is no token for is an empty
 * one with TC, so that an honest client behind a forged flood gets through over TCP; the others are dropped. Memory and
 * time do not depend on the number of sources.
 */
export function createRateLimiter({ perSecond, ipv4Bits = 32, sources = 16_384, seed }: RateLimitOptions): RateLimiter {
  if (perSecond <= 0) return () => 'send';
  const size = 2 ** Math.ceil(Math.log2(Math.max(ways, sources)));
  const high = new Int32Array(size);
  const low = new Int32Array(size);
  const kinds = new Uint8Array(size);
  const tokens = new Float64Array(size);
  const times = new Float64Array(size);
  const refused = new Uint8Array(size);
  const ipv4Mask = -1 << (32 - ipv4Bits);
  const fillTo = (slot: number, now: number): number => {
    const passed = Math.max(0, now - (times[slot] ?? 0));
    return Math.min(perSecond, (tokens[slot] ?? 0) + (passed * perSecond) / 1000);
  };
  const slotOf = (kind: number, first: number, second: number, now: number): number => {
    const start = mix(first, second, seed) & (size - 1);
    let richest = start;
    let most = -1;
    for (let way = 0; way < ways; way += 1) {
      const slot = (start + way) & (size - 1);
      if (kinds[slot] === kind && high[slot] === first && low[slot] === second) return slot;
      const left = kinds[slot] === 0 ? Infinity : fillTo(slot, now);
      if (left <= most) continue;
      richest = slot;
      most = left;
    }
    kinds[richest] = kind;
    high[richest] = first;
    low[richest] = second;
    tokens[richest] = perSecond;
    times[richest] = now;
    refused[richest] = 0;
    return richest;
  };
  return ({ buffer, offset, octets }, now) => {
    const isIpv4 = octets === 4 || isMapped(buffer, offset);
    const at = octets === 16 && isIpv4 ? offset + 12 : offset;
    const first = isIpv4 ? wordAt(buffer, at) & ipv4Mask : wordAt(buffer, at);
    const slot = slotOf(isIpv4 ? 1 : 2, first, isIpv4 ? 0 : wordAt(buffer, at + 4), now);
    const left = fillTo(slot, now);
    times[slot] = now;
    if (left >= 1) {
      tokens[slot] = left - 1;
      return 'send';
    }
    tokens[slot] = left;
    refused[slot] = ((refused[slot] ?? 0) + 1) & 1;
    return refused[slot] === 1 ? 'truncate' : 'drop';
  };
}

function wordAt(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0);
}

function isMapped(octets: Uint8Array, at: number): boolean {
  return wordAt(octets, at) === 0 && wordAt(octets, at + 4) === 0 && wordAt(octets, at + 8) === 0xffff;
}

/** Spreads two words over 32 bits (the finishing steps of MurmurHash3). */
function mix(first: number, second: number, seed: number): number {
  let hash = Math.imul(first ^ seed, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ second, 0xc2b2_ae35);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}
