import type { Address, Family } from '../model/mod.ts';

export const tableNames = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;

export type TableName = (typeof tableNames)[number];

/** `-s`/`-d`: a number is a prefix length; an address is a mask that need not be contiguous. */
export interface AddressMatch {
  readonly address: Address;
  readonly mask: number | Address;
  readonly not: boolean;
}

/** `-i`/`-o`: a trailing `+` in the name matches any ending. */
export interface InterfaceMatch {
  readonly name: string;
  readonly not: boolean;
}

export type ConntrackState = 'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT';

export type Match =
  | { readonly kind: 'comment'; readonly text: string }
  /** `-m tcp --dport from:to`, inclusive; needs the same protocol in the rule. */
  | {
      readonly kind: 'destination-port';
      readonly protocol: TransportName;
      readonly from: number;
      readonly to: number;
      readonly not: boolean;
    }
  | { readonly kind: 'conntrack'; readonly states: readonly ConntrackState[]; readonly not: boolean }
  | { readonly kind: 'address-type'; readonly side: 'src' | 'dst'; readonly type: 'LOCAL'; readonly not: boolean }
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number; readonly not: boolean }
  /** `-m statistic --mode random`: the chance is `threshold / 2^31`, as the kernel stores it. */
  | { readonly kind: 'random'; readonly threshold: number }
  /**
   * `-m recent` on the whole source address. The tool prints a mask of the family's width; `family` is
   * needed only where no address in the rule tells it (IPv4 where both are absent).
   */
  | {
      readonly kind: 'recent';
      readonly mode: 'set' | 'update' | 'rcheck';
      readonly list: string;
      readonly seconds: number | null;
      readonly reap: boolean;
      readonly family?: Family;
    }
  /** `-m set --match-set <set> src`: the source is in an ipset. */
  | { readonly kind: 'set'; readonly set: string; readonly not: boolean }
  /** `-m bpf --bytecode`: classic BPF, `count,code jt jf k,...`, run from the network header. */
  | { readonly kind: 'bpf'; readonly bytecode: string };

export type TransportName = 'tcp' | 'udp' | 'sctp';

export type Target =
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'goto'; readonly chain: string }
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'reject'; readonly with: 'icmp-port-unreachable' | 'icmp6-port-unreachable' | 'tcp-reset' }
  /** `--set-xmark value/mask`: clears the mask's bits, then XORs the value. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'dnat'; readonly address: Address; readonly port: number }
  /** `-j SET --add-set <set> src --exist --timeout`: puts the source into an ipset for some seconds, and goes on. */
  | { readonly kind: 'remember'; readonly set: string; readonly seconds: number }
  | { readonly kind: 'masquerade'; readonly randomFully: boolean };

/** One rule of this product's vocabulary. What is absent matches everything. */
export interface Rule {
  readonly source?: AddressMatch;
  readonly destination?: AddressMatch;
  readonly inInterface?: InterfaceMatch;
  readonly outInterface?: InterfaceMatch;
  readonly protocol?: { readonly name: TransportName; readonly not: boolean };
  readonly matches: readonly Match[];
  /** Null: the rule only counts. */
  readonly target: Target | null;
}

/**
 * A rule as `iptables-save` prints it after `-A <chain> `: the canonical form in which rules are
 * compared and remembered. Foreign rules exist only in this form.
 */
export type RuleText = string;
