import type { FieldName, RewriteStatement } from './expression.ts';

/** What a field's bytes mean. */
export type FieldKind =
  | 'ipv4'
  | 'ipv6'
  | 'protocol'
  | 'port'
  | 'mark'
  | 'interface'
  | 'link'
  | 'link-type'
  | 'number'
  | 'state'
  | 'status'
  | 'direction'
  | 'address-type';

/** How the kernel loads a field: `NFT_PAYLOAD_*` base and offset, `NFT_META_*`, `NFT_CT_*` or the fib's type. */
export type FieldLoad =
  | { readonly from: 'payload'; readonly base: number; readonly offset: number; readonly length: number }
  | { readonly from: 'meta'; readonly key: number; readonly length: number }
  | { readonly from: 'ct'; readonly key: number; readonly direction: number | null; readonly length: number }
  | { readonly from: 'fib'; readonly flags: number; readonly length: number };

/** What a packet must be to have a field. */
export interface Requirement {
  readonly field: 'l4proto' | 'nfproto' | 'iiftype';
  readonly value: number;
}

export interface FieldInfo {
  readonly kind: FieldKind;
  /** As the tool writes it. */
  readonly text: string;
  readonly load: FieldLoad;
  readonly requires: Requirement | null;
}

export const nfproto = { ipv4: 2, ipv6: 10 } as const;
/** `ARPHRD_ETHER`. */
const ethernet = 1;
const link = 0;
const network = 1;
const transport = 2;
const original = 0;
const reply = 1;

const onIpv4: Requirement = { field: 'nfproto', value: nfproto.ipv4 };
const onIpv6: Requirement = { field: 'nfproto', value: nfproto.ipv6 };
const onEthernet: Requirement = { field: 'iiftype', value: ethernet };
const over = (value: number): Requirement => ({ field: 'l4proto', value });

function payload(base: number, offset: number, length: number): FieldLoad {
  return { from: 'payload', base, offset, length };
}

function meta(key: number, length: number): FieldLoad {
  return { from: 'meta', key, length };
}

function ct(key: number, length: number, direction: number | null = null): FieldLoad {
  return { from: 'ct', key, direction, length };
}

function info(kind: FieldKind, text: string, load: FieldLoad, requires: Requirement | null = null): FieldInfo {
  return { kind, text, load, requires };
}

/** Numbers: uapi/linux/netfilter/nf_tables.h; offsets: IEEE 802.3, RFC 791, 8200, 9293, 768, 792, 4443, 826. */
export const fields: Readonly<Record<FieldName, FieldInfo>> = {
  'ip saddr': info('ipv4', 'ip saddr', payload(network, 12, 4), onIpv4),
  'ip daddr': info('ipv4', 'ip daddr', payload(network, 16, 4), onIpv4),
  'ip6 saddr': info('ipv6', 'ip6 saddr', payload(network, 8, 16), onIpv6),
  'ip6 daddr': info('ipv6', 'ip6 daddr', payload(network, 24, 16), onIpv6),
  sport: info('port', 'th sport', payload(transport, 0, 2)),
  dport: info('port', 'th dport', payload(transport, 2, 2)),
  'icmp type': info('number', 'icmp type', payload(transport, 0, 1), over(1)),
  'icmpv6 type': info('number', 'icmpv6 type', payload(transport, 0, 1), over(58)),
  'tcp flags': info('number', 'tcp flags', payload(transport, 13, 1), over(6)),
  'udp checksum': info('number', 'udp checksum', payload(transport, 6, 2), over(17)),
  'ether saddr': info('link', 'ether saddr', payload(link, 6, 6), onEthernet),
  'arp saddr ip': info('ipv4', 'arp saddr ip', payload(network, 14, 4)),
  'arp daddr ip': info('ipv4', 'arp daddr ip', payload(network, 24, 4)),
  l4proto: info('protocol', 'meta l4proto', meta(16, 1)),
  nfproto: info('number', 'meta nfproto', meta(15, 1)),
  mark: info('mark', 'meta mark', meta(3, 4)),
  iiftype: info('link-type', 'meta iiftype', meta(8, 2)),
  iifname: info('interface', 'iifname', meta(6, 16)),
  oifname: info('interface', 'oifname', meta(7, 16)),
  'ct state': info('state', 'ct state', ct(0, 4)),
  'ct direction': info('direction', 'ct direction', ct(1, 1)),
  'ct status': info('status', 'ct status', ct(2, 4)),
  'ct mark': info('mark', 'ct mark', ct(3, 4)),
  'ct original proto-dst': info('port', 'ct original proto-dst', ct(12, 2, original)),
  'ct original ip saddr': info('ipv4', 'ct original ip saddr', ct(19, 4, original)),
  'ct original ip daddr': info('ipv4', 'ct original ip daddr', ct(20, 4, original)),
  'ct original ip6 saddr': info('ipv6', 'ct original ip6 saddr', ct(21, 16, original)),
  'ct original ip6 daddr': info('ipv6', 'ct original ip6 daddr', ct(22, 16, original)),
  'ct reply ip saddr': info('ipv4', 'ct reply ip saddr', ct(19, 4, reply)),
  'ct reply ip6 saddr': info('ipv6', 'ct reply ip6 saddr', ct(21, 16, reply)),
  'fib daddr type': info('address-type', 'fib daddr type', { from: 'fib', flags: 2, length: 4 }),
  'fib saddr type': info('address-type', 'fib saddr type', { from: 'fib', flags: 1, length: 4 }),
};

/** A field that can be rewritten, and where its checksum is: `NFT_PAYLOAD_CSUM_*` at an offset. */
export interface RewriteInfo {
  readonly kind: FieldKind;
  readonly text: string;
  readonly base: number;
  readonly offset: number;
  readonly length: number;
  readonly checksum: { readonly type: number; readonly offset: number };
  /** `NFT_PAYLOAD_L4CSUM_PSEUDOHDR`: the transport header's checksum covers the field too. */
  readonly flags: number;
  readonly requires: Requirement;
}

function rewriteInfo(kind: FieldKind, text: string, place: readonly number[], requires: Requirement): RewriteInfo {
  const [base = 0, offset = 0, length = 0, type = 0, checksum = 0, flags = 0] = place;
  return { kind, text, base, offset, length, checksum: { type, offset: checksum }, flags, requires };
}

export const rewrites: Readonly<Record<RewriteStatement['field'], RewriteInfo>> = {
  'ip saddr': rewriteInfo('ipv4', 'ip saddr', [network, 12, 4, 1, 10, 1], onIpv4),
  'ip daddr': rewriteInfo('ipv4', 'ip daddr', [network, 16, 4, 1, 10, 1], onIpv4),
  'ip6 saddr': rewriteInfo('ipv6', 'ip6 saddr', [network, 8, 16, 0, 0, 1], onIpv6),
  'ip6 daddr': rewriteInfo('ipv6', 'ip6 daddr', [network, 24, 16, 0, 0, 1], onIpv6),
  'tcp sport': rewriteInfo('port', 'tcp sport', [transport, 0, 2, 1, 16, 0], over(6)),
  'tcp dport': rewriteInfo('port', 'tcp dport', [transport, 2, 2, 1, 16, 0], over(6)),
  'udp sport': rewriteInfo('port', 'udp sport', [transport, 0, 2, 1, 6, 0], over(17)),
  'udp dport': rewriteInfo('port', 'udp dport', [transport, 2, 2, 1, 6, 0], over(17)),
  'udp checksum': rewriteInfo('number', 'udp checksum', [transport, 6, 2, 1, 6, 0], over(17)),
  'sctp sport': rewriteInfo('port', 'sctp sport', [transport, 0, 2, 2, 8, 0], over(132)),
  'sctp dport': rewriteInfo('port', 'sctp dport', [transport, 2, 2, 2, 8, 0], over(132)),
};

/** Bits of `ct state` (`NF_CT_STATE_BIT`) and `ct status` (`IPS_*`). */
export const stateBits: Readonly<Record<string, number>> = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 };
export const statusBits: Readonly<Record<string, number>> = {
  expected: 1,
  'seen-reply': 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
};

/** Words of `ct direction` and of `fib type` (`RTN_*`). */
export const directions: Readonly<Record<string, number>> = { original: 0, reply: 1 };
export const addressTypes: Readonly<Record<string, number>> = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
};

/** The word for a number. */
export function wordOf(words: Readonly<Record<string, number>>, value: number): string | null {
  return Object.entries(words).find(([, bit]) => bit === value)?.[0] ?? null;
}

/** The words for a number of bits, or null where a bit has none. */
export function wordsOf(words: Readonly<Record<string, number>>, bits: number): readonly string[] | null {
  const found = Object.entries(words).filter(([, bit]) => (bits & bit) !== 0);
  return found.reduce((sum, [, bit]) => sum | bit, 0) === bits ? found.map(([word]) => word) : null;
}
