import type { Statement } from './expression.ts';
import { isEmpty } from './plane-layout.ts';
import type { Destination, Layout } from './plane-layout.ts';
import type { SharedElement } from './plane-plan.ts';
import { formatRule } from './rule-equal.ts';
import type { TableFamily } from './transaction.ts';

/** A destination and what the kernel has of it. */
export interface KnownLayout {
  readonly destination: Destination;
  readonly layout: Layout;
}

/** What a transaction made different, to be remembered once the kernel took it. */
export interface StateChange {
  readonly layouts: ReadonlyMap<string, KnownLayout>;
  /** Null: it went. */
  readonly shared: ReadonlyMap<string, SharedElement | null>;
  /** Null: it went. */
  readonly chains: ReadonlyMap<string, string | null>;
  readonly clients: ReadonlyMap<string, boolean>;
}

/** What is known of the table in the kernel, its fixed chains and sets apart. */
export class PlaneState {
  readonly layouts = new Map<string, KnownLayout>();
  readonly shared = new Map<string, SharedElement>();
  /** What the rules of a chain of affinity say, see {@link rulesText}. */
  readonly chains = new Map<string, string>();
  /** Sets of remembered clients. */
  readonly clients = new Set<string>();

  follow({ layouts, shared, chains, clients }: StateChange): void {
    for (const [text, known] of layouts) {
      if (isEmpty(known.layout)) this.layouts.delete(text);
      else this.layouts.set(text, known);
    }
    for (const [text, one] of shared) replace(this.shared, text, one);
    for (const [name, rules] of chains) replace(this.chains, name, rules);
    for (const [name, there] of clients) {
      if (there) this.clients.add(name);
      else this.clients.delete(name);
    }
  }
}

function replace<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

/** Text that two lists of rules share where they do the same. */
export function rulesText(family: TableFamily, rules: readonly (readonly Statement[])[]): string {
  return rules.map((statements) => formatRule(family, statements)).join('\n\n');
}
