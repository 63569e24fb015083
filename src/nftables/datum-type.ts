import type { DatumType } from './transaction.ts';

/** How the bytes of a type are ordered, as set userdata says it (libnftables `enum byteorder`); 0 where one byte has none. */
export const byteOrder = { none: 0, host: 1, network: 2 } as const;

/**
 * An expression that has the type, as set userdata names it (`typeof`): its number in libnftables and the bytes that tell
 * one field of its kind from another.
 */
export interface TypeofExpression {
  readonly kind: number;
  readonly parts: readonly number[];
}

export interface DatumTypeInfo {
  /** Number of the type in a set's key type (libnftables `enum datatypes`): kept by the kernel, read by tools. */
  readonly id: number;
  /** Bytes of a value. */
  readonly length: number;
  readonly order: number;
  /** Word of the tool's `type`. */
  readonly word: string;
  /** An expression of this type, for the tool's `typeof`. */
  readonly example: string;
  readonly expression: TypeofExpression;
}

const expressionKind = { payload: 7, meta: 9, random: 23 } as const;
const payload = (protocol: number, field: number): TypeofExpression => ({
  kind: expressionKind.payload,
  parts: [protocol, field],
});
const meta = (key: number): TypeofExpression => ({ kind: expressionKind.meta, parts: [key] });

const port = { id: 13, length: 2, order: byteOrder.network, word: 'inet_service' } as const;

/** Numbers and words are those of libnftables, which has them in its headers since sets have types. */
export const datumTypes: Readonly<Record<DatumType, DatumTypeInfo>> = {
  ipv4: { id: 7, length: 4, order: byteOrder.network, word: 'ipv4_addr', example: 'ip daddr', expression: payload(12, 12) },
  ipv6: { id: 8, length: 16, order: byteOrder.network, word: 'ipv6_addr', example: 'ip6 daddr', expression: payload(13, 9) },
  protocol: { id: 12, length: 1, order: byteOrder.none, word: 'inet_proto', example: 'meta l4proto', expression: meta(16) },
  port: { ...port, example: 'th dport', expression: payload(11, 2) },
  mark: { id: 19, length: 4, order: byteOrder.host, word: 'mark', example: 'meta mark', expression: meta(3) },
  interface: { id: 41, length: 16, order: byteOrder.host, word: 'ifname', example: 'iifname', expression: meta(6) },
  link: { id: 9, length: 6, order: byteOrder.network, word: 'ether_addr', example: 'ether saddr', expression: payload(17, 2) },
  // Random from 0 to 1, offset 0: the numbers of a real rule are its own.
  random: {
    id: 4,
    length: 4,
    order: byteOrder.host,
    word: 'integer',
    example: 'numgen random mod 2',
    expression: { kind: expressionKind.random, parts: [1, 2, 0] },
  },
  'tcp port': { ...port, example: 'tcp dport', expression: payload(8, 2) },
  'udp port': { ...port, example: 'udp dport', expression: payload(6, 2) },
  'sctp port': { ...port, example: 'sctp dport', expression: payload(10, 2) },
};

/** The tool can say a random index in no other way than by an example of it. */
export function needsTypeof(key: readonly DatumType[]): boolean {
  return key.includes('random');
}

/** Bytes of a concatenation: each part is padded to whole registers, a single one is not. */
export function keyLength(types: readonly DatumType[]): number {
  const [only] = types;
  if (only !== undefined && types.length === 1) return datumTypes[only].length;
  return types.reduce((sum, type) => sum + registerLength(datumTypes[type].length), 0);
}

/** Bytes of a value in registers of four. */
export function registerLength(length: number): number {
  return (length + 3) & ~3;
}

/** A concatenation's type: six bits for each part. */
export function typeNumber(types: readonly DatumType[]): number {
  return types.reduce((sum, type) => sum * 64 + datumTypes[type].id, 0);
}
