import type { Prefix } from '../model/mod.ts';
import type { Datum, Range, Statement, Verdict } from './expression.ts';

/** Families of tables. `ip` and `ip6` see packets of one family, `inet` both. */
export type TableFamily = 'ip' | 'ip6' | 'inet' | 'arp';

export interface TableName {
  readonly family: TableFamily;
  readonly name: string;
}

/** Where a base chain is called by the kernel. */
export interface ChainHook {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  /** Lower ones are called first. */
  readonly priority: number;
}

/** A chain; base chains accept what reaches their end. */
export interface Chain {
  readonly name: string;
  /** Null: only rules jump to it. */
  readonly hook: ChainHook | null;
}

/**
 * Types of the parts of a key and of a value. `protocol` is the number in the IP header. `random` is a random index and
 * stands in keys only; a map that has one says of a port in its value which protocol it is of, since the tool cannot
 * otherwise use it for translation: `tcp port` in place of `port`. Intervals are of addresses, protocols and ports.
 */
export type DatumType =
  | 'ipv4'
  | 'ipv6'
  | 'protocol'
  | 'port'
  | 'mark'
  | 'interface'
  | 'link'
  | 'random'
  | 'tcp port'
  | 'udp port'
  | 'sctp port';

/** A set, or with a `value` a map. Two definitions of one name must be equal. */
export interface SetDefinition {
  readonly name: string;
  readonly key: readonly DatumType[];
  /** Null: a set. `verdict`: a verdict map. */
  readonly value: readonly DatumType[] | 'verdict' | null;
  /**
   * Keys may be prefixes and ranges. None may overlap another, which is for whoever adds them to see to: the kernel
   * refuses most overlaps but not all.
   */
  readonly interval: boolean;
  /** Rules may add elements. */
  readonly dynamic: boolean;
  /** Elements may go away by themselves, each after its time or after the set's `timeoutSeconds`. */
  readonly timeout: boolean;
  readonly timeoutSeconds: number | null;
  /** Elements are given with the set and never change. */
  readonly constant: boolean;
  /**
   * The most elements it takes. A set with a size has a table of fixed width unless it is dynamic; right after many
   * additions a listing of any other one may lack or repeat elements. Null: no limit, as sets of intervals have it,
   * and constant ones, which the tool gives none.
   */
  readonly size: number | null;
  /** A short remark for who lists the table, or null. No quotes. */
  readonly comment: string | null;
}

/** One part of a key: a value or, in a set of intervals, a prefix or a range. */
export type KeyPart = Datum | Prefix | Range;

export interface Element {
  readonly key: readonly KeyPart[];
  /** Of a map: its value, as many parts as the definition has. */
  readonly value?: readonly Datum[] | Verdict;
  /** Where the set has timeouts; one that is the set's own is left away. */
  readonly timeoutSeconds?: number;
  /** Up to 127 bytes without quotes. */
  readonly comment?: string;
}

export interface Rule {
  readonly statements: readonly Statement[];
  /** Up to 127 bytes without quotes. */
  readonly comment?: string;
}

/**
 * One step of a transaction. Adding what is there already is no failure as long as it is the same; deleting what is
 * not there is one, and then nothing of the transaction happens. Element commands carry the set's definition since
 * bytes on the wire depend on it.
 */
export type Command =
  /**
   * `owned`: of the port that adds it. The kernel deletes it as soon as the port is closed or its process ends, however it
   * ends, and lets nobody else change it (Linux 5.12). A table that is there already cannot be given an owner.
   */
  | { readonly kind: 'add-table'; readonly owned?: true }
  | { readonly kind: 'delete-table' }
  /** Removes all rules; chains, sets and elements stay. */
  | { readonly kind: 'flush-table' }
  | { readonly kind: 'add-chain'; readonly chain: Chain }
  | { readonly kind: 'flush-chain'; readonly chain: string }
  | { readonly kind: 'delete-chain'; readonly chain: string }
  | { readonly kind: 'add-set'; readonly set: SetDefinition }
  | { readonly kind: 'flush-set'; readonly set: SetDefinition }
  | { readonly kind: 'delete-set'; readonly set: SetDefinition }
  | { readonly kind: 'add-elements'; readonly set: SetDefinition; readonly elements: readonly Element[] }
  /** Values, timeouts and comments of the elements do not matter. */
  | { readonly kind: 'delete-elements'; readonly set: SetDefinition; readonly elements: readonly Element[] }
  /** Behind the last rule of the chain. */
  | { readonly kind: 'add-rule'; readonly chain: string; readonly rule: Rule }
  | { readonly kind: 'delete-rule'; readonly chain: string; readonly handle: number };

/** Commands on one table, all or nothing, in this order. */
export interface Transaction {
  readonly table: TableName;
  readonly commands: readonly Command[];
}

/** A definition of a plain set: no intervals, no timeouts, room for 65,536 elements. */
export function defineSet(definition: Pick<SetDefinition, 'name' | 'key'> & Partial<SetDefinition>): SetDefinition {
  const { interval = false, constant = false } = definition;
  return {
    value: null,
    interval,
    dynamic: false,
    timeout: false,
    timeoutSeconds: null,
    constant,
    size: interval || constant ? null : 65_536,
    comment: null,
    ...definition,
  };
}
