import type { Prefix } from '../model/mod.ts';

/**
 * The vocabulary of rules: what a packet is asked and what is done with it. Values only; `render-*.ts` writes them as
 * text for the tool, `encode-*.ts` as netlink attributes, and `decode-*.ts` and `parse-*.ts` read them back.
 */

/**
 * Something of a packet that can be compared, looked up, or stored. Ports are those of TCP, UDP or SCTP; `ct original`
 * is the packet's connection as it was before translation. `ct original proto-dst` wants a match of `l4proto` before
 * it, and stands in no key. `iiftype` is the kind of link a packet came from (ARPHRD number). Fields that only some packets have imply the question whether this one has them: `icmp type`
 * goes on only for ICMP, and in an `inet` table `ip saddr` only for IPv4.
 */
export type FieldName =
  | 'ip saddr'
  | 'ip daddr'
  | 'ip6 saddr'
  | 'ip6 daddr'
  | 'sport'
  | 'dport'
  | 'icmp type'
  | 'icmpv6 type'
  | 'tcp flags'
  | 'udp checksum'
  | 'ether saddr'
  | 'arp saddr ip'
  | 'arp daddr ip'
  | 'l4proto'
  | 'nfproto'
  | 'mark'
  | 'iiftype'
  | 'iifname'
  | 'oifname'
  | 'ct state'
  | 'ct status'
  | 'ct direction'
  | 'ct mark'
  | 'ct original ip saddr'
  | 'ct original ip daddr'
  | 'ct original ip6 saddr'
  | 'ct original ip6 daddr'
  | 'ct original proto-dst'
  | 'ct reply ip saddr'
  | 'ct reply ip6 saddr'
  | 'fib daddr type'
  | 'fib saddr type';

/** A random number from 0 up to, not including, `modulus`, drawn anew each time. */
export interface RandomIndex {
  readonly kind: 'random';
  readonly modulus: number;
}

/** What a key is made of. */
export type Source = FieldName | RandomIndex;

/**
 * One value. Addresses in canonical text, link-layer addresses (`aa:bb:cc:dd:ee:ff`), interface names and the words of `ct direction` and `fib type` are strings;
 * protocols, ports, marks and ICMP types are numbers.
 */
export type Datum = string | number;

/** Both ends belong to it. */
export interface Range {
  readonly from: Datum;
  readonly to: Datum;
}

/** What a field is compared with. */
export type MatchValue =
  | Datum
  | Prefix
  | Range
  /** Of marks and `tcp flags`: the bits of `mask`, compared with `equals`. */
  | { readonly mask: number; readonly equals: number }
  /** Of `ct state` and `ct status`, and only there: at least one of these words. Never negated. */
  | { readonly anyOf: readonly string[] }
  /** Of interface names. */
  | { readonly startsWith: string };

/** Goes on only where the field has, or with `negated` has not, the value. */
export interface MatchStatement {
  readonly kind: 'match';
  readonly field: FieldName;
  readonly negated: boolean;
  readonly value: MatchValue;
}

/** Goes on only where the key is, or with `negated` is not, in the set. */
export interface LookupStatement {
  readonly kind: 'lookup';
  readonly key: readonly Source[];
  readonly negated: boolean;
  readonly set: string;
}

/** The value found in a map; a packet whose key is not in it leaves the rule there. */
export interface MapLookup {
  readonly key: readonly Source[];
  readonly map: string;
}

/** Sets the packet mark: to a number, to `(mark & mask) ^ xor`, or to what a map says. */
export interface MarkStatement {
  readonly kind: 'mark';
  readonly to: number | { readonly mask: number; readonly xor: number } | MapLookup;
}

/** Goes on with the verdict that a map has for the key, or with the next statement where it has none. */
export interface VerdictMapStatement {
  readonly kind: 'vmap';
  readonly key: readonly Source[];
  readonly map: string;
}

/**
 * Puts the key into a dynamic set or map or takes it out; `update` also starts its timeout again. A map wants a `value`
 * even for `delete`. Of a map the key is a single field: the tool runs out of registers otherwise.
 */
export interface UpdateStatement {
  readonly kind: 'update';
  readonly operation: 'add' | 'update' | 'delete';
  readonly set: string;
  readonly key: readonly Source[];
  /** Null: that of the set. */
  readonly timeoutSeconds: number | null;
  /** Of a map: where its value comes from. */
  readonly value: FieldName | null;
}

export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'goto'; readonly chain: string };

export interface RejectStatement {
  readonly kind: 'reject';
  readonly with: 'port-unreachable' | 'admin-prohibited' | 'tcp-reset';
}

export interface MasqueradeStatement {
  readonly kind: 'masquerade';
  /** Ports are chosen at random, so that two flows at once hardly ever choose the same. */
  readonly fullyRandom: boolean;
}

/**
 * Translates the destination to an address and a port: fixed, or the value of a map of `address . port`. Stands behind
 * a match of `l4proto` with one protocol. Without a port the address alone, of whatever protocol.
 */
export interface DnatStatement {
  readonly kind: 'dnat';
  readonly to: { readonly address: string; readonly port: number | null } | MapLookup;
}

/**
 * Rewrites a field of the packet itself, checksums included, without connection tracking. Ports only of that protocol; a
 * kernel that cannot compute the checksum of SCTP (CRC32c) refuses its ports.
 */
export interface RewriteStatement {
  readonly kind: 'rewrite';
  readonly field:
    | 'ip saddr'
    | 'ip daddr'
    | 'ip6 saddr'
    | 'ip6 daddr'
    | 'tcp sport'
    | 'tcp dport'
    | 'udp sport'
    | 'udp dport'
    | 'udp checksum'
    | 'sctp sport'
    | 'sctp dport';
  readonly to: Datum | MapLookup;
}

/**
 * Lowers the size of segments that a TCP packet announces, if it announces one, to a number of octets or to what its
 * route takes in both directions. The kernel never raises it (net/netfilter/nft_exthdr.c).
 */
export interface ClampStatement {
  readonly kind: 'clamp';
  readonly size: number | 'route';
}

export interface CounterStatement {
  readonly kind: 'counter';
}

export interface NotrackStatement {
  readonly kind: 'notrack';
}

export type Statement =
  | MatchStatement
  | LookupStatement
  | MarkStatement
  | VerdictMapStatement
  | UpdateStatement
  | Verdict
  | RejectStatement
  | MasqueradeStatement
  | DnatStatement
  | RewriteStatement
  | ClampStatement
  | CounterStatement
  | NotrackStatement;

/** `field == value`. */
export function match(field: FieldName, value: MatchValue): MatchStatement {
  return { kind: 'match', field, negated: false, value };
}

/** `field != value`. */
export function matchNot(field: FieldName, value: MatchValue): MatchStatement {
  return { kind: 'match', field, negated: true, value };
}

/** The key is in the set. */
export function inSet(key: readonly Source[], set: string): LookupStatement {
  return { kind: 'lookup', key, negated: false, set };
}

/** The key is not in the set. */
export function notInSet(key: readonly Source[], set: string): LookupStatement {
  return { kind: 'lookup', key, negated: true, set };
}

/** Sets bits of the packet mark. */
export function setMarkBits(bits: number): MarkStatement {
  return { kind: 'mark', to: { mask: ~bits >>> 0, xor: bits >>> 0 } };
}

/** Clears bits of the packet mark. */
export function clearMarkBits(bits: number): MarkStatement {
  return { kind: 'mark', to: { mask: ~bits >>> 0, xor: 0 } };
}
