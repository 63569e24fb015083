import type { Family } from '../model/mod.ts';
import type { FieldName } from './expression.ts';

/** What differs between the families in the rules. */
export interface SideFields {
  readonly saddr: FieldName;
  readonly daddr: FieldName;
  /** Destination address, transport protocol, destination port: a key of many sets. */
  readonly destination: readonly FieldName[];
  readonly icmpType: FieldName;
  /** Of the ICMP of the family, in the IP header. */
  readonly icmpProtocol: number;
  readonly echoRequest: number;
  /** ICMP types that must always arrive: errors, and in IPv6 neighbour discovery (RFC 792, 4443, 4861). */
  readonly vitalIcmp: readonly number[];
}

const ipv4: SideFields = {
  saddr: 'ip saddr',
  daddr: 'ip daddr',
  destination: ['ip daddr', 'l4proto', 'dport'],
  icmpType: 'icmp type',
  icmpProtocol: 1,
  echoRequest: 8,
  vitalIcmp: [3, 11, 12],
};

const ipv6: SideFields = {
  saddr: 'ip6 saddr',
  daddr: 'ip6 daddr',
  destination: ['ip6 daddr', 'l4proto', 'dport'],
  icmpType: 'icmpv6 type',
  icmpProtocol: 58,
  echoRequest: 128,
  vitalIcmp: [1, 2, 3, 4, 135, 136],
};

export function sideFields(family: Family): SideFields {
  return family === 'IPv4' ? ipv4 : ipv6;
}
