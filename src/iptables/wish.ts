import type { ServiceKey } from '../model/mod.ts';
import { DispatchTree } from './dispatch-tree.ts';
import type { DispatchEntry, OwnedRule, TreeShape } from './dispatch-tree.ts';
import { chainNames } from './names.ts';
import type { BaseChain, SharedRule } from './plan-base.ts';
import type { ServicePlan, TreeName } from './plan-service.ts';
import type { RuleText, TableName } from './rule.ts';

/** `<table> <chain>`. */
export type ChainKey = `${TableName} ${string}`;

export function chainKey(table: TableName, chain: string): ChainKey {
  return `${table} ${chain}`;
}

export function splitChainKey(key: ChainKey): { table: TableName; chain: string } {
  const space = key.indexOf(' ');
  return { table: key.slice(0, space) as TableName, chain: key.slice(space + 1) };
}

/** Rules that a chain should hold, with the Service each stands for. */
export interface WishedChain {
  readonly rules: readonly RuleText[];
  ownerOf(index: number): ServiceKey | null;
  /** All rules are one Service's. */
  readonly exclusive: boolean;
}

interface Tree {
  readonly table: TableName;
  readonly root: string;
  readonly tree: DispatchTree;
}

/**
 * The rules this room wants in the kernel, kept up to date Service by Service: a change costs what it
 * touches, and equal sets of plans give equal wishes whatever their history.
 */
export class Wish {
  readonly #plans = new Map<ServiceKey, ServicePlan>();
  readonly #serviceChains = new Map<string, { readonly rules: readonly RuleText[]; readonly owner: ServiceKey }>();
  readonly #base = new Map<ChainKey, readonly RuleText[]>();
  readonly #trees: Readonly<Partial<Record<TreeName, Tree>>>;
  readonly #sets = new Set<string>();
  #shared: readonly SharedRule[] = [];

  /** `closes`: the chains that keep packets to closed addresses from being sent on are there. */
  constructor({ closes }: { readonly closes: boolean }) {
    this.#trees = {
      'nat-ip': treeOf('nat', chainNames.serviceIps, 'KUBE-SVC-IP-', 'address and port'),
      'nat-node-port': treeOf('nat', chainNames.nodePorts, 'KUBE-SVC-NP-', 'port'),
      'reject-internal': treeOf('filter', chainNames.services, 'KUBE-SVC-RJ-', 'address and port'),
      'reject-external': treeOf('filter', chainNames.externalIps, 'KUBE-EXT-IP-', 'address and port'),
      'reject-node-port': treeOf('filter', chainNames.externalNodePorts, 'KUBE-EXT-NP-', 'port'),
      firewall: treeOf('filter', chainNames.firewall, 'KUBE-FW-IP-', 'address and port'),
      'health-check': treeOf('filter', chainNames.nodePorts, 'KUBE-SVC-HC-', 'port'),
      ...(closes ? { closed: treeOf('filter', chainNames.closed, 'KUBE-FW-CL-', 'address') } : {}),
    };
  }

  /** Rules wanted in chains that others use as well. */
  get shared(): readonly SharedRule[] {
    return this.#shared;
  }

  get services(): Iterable<ServiceKey> {
    return this.#plans.keys();
  }

  /** Nothing was wished yet. */
  get isEmpty(): boolean {
    return this.#base.size === 0;
  }

  /** The ipsets that Services' rules name. */
  get sets(): ReadonlySet<string> {
    return this.#sets;
  }

  /** True for an ipset that some Service's rules name. */
  hasSet(name: string): boolean {
    return this.#sets.has(name);
  }

  planOf(service: ServiceKey): ServicePlan | undefined {
    return this.#plans.get(service);
  }

  setBase(chains: readonly BaseChain[], shared: readonly SharedRule[]): void {
    this.#base.clear();
    for (const { table, chain, rules } of chains) this.#base.set(chainKey(table, chain), rules);
    this.#shared = shared;
  }

  /** Puts one Service's plan in place of its last one. Returns the chains that may have changed. */
  replace(plan: ServicePlan): ReadonlySet<ChainKey> {
    const before = this.#plans.get(plan.service);
    const touched = new Set<ChainKey>();
    for (const chain of before?.chains.keys() ?? []) {
      this.#serviceChains.delete(chain);
      touched.add(chainKey('nat', chain));
    }
    for (const [chain, rules] of plan.chains) {
      this.#serviceChains.set(chain, { rules, owner: plan.service });
      touched.add(chainKey('nat', chain));
    }
    for (const [name, { table, tree }] of Object.entries(this.#trees)) {
      const [removed, added] = differEntries(entriesOf(before, name), entriesOf(plan, name));
      for (const chain of tree.update(removed, added)) touched.add(chainKey(table, chain));
    }
    for (const set of before?.sets ?? []) this.#sets.delete(set);
    for (const set of plan.sets) this.#sets.add(set);
    if (plan.chains.size === 0 && plan.entries.length === 0) this.#plans.delete(plan.service);
    else this.#plans.set(plan.service, plan);
    return touched;
  }

  /** What a chain should hold, or null if there should be no such chain. */
  chain(table: TableName, chain: string): WishedChain | null {
    const base = this.#base.get(chainKey(table, chain));
    if (base !== undefined) return { rules: base, ownerOf: () => null, exclusive: false };
    const service = table === 'nat' ? this.#serviceChains.get(chain) : undefined;
    if (service !== undefined) return { rules: service.rules, ownerOf: () => service.owner, exclusive: true };
    for (const one of Object.values(this.#trees)) {
      const rules = one.table === table ? one.tree.rulesOf(chain) : null;
      if (rules !== null) return fromOwned(rules);
    }
    return null;
  }

  /** The chains that every Service's rules stand on. */
  *baseKeys(): Generator<ChainKey> {
    yield* this.#base.keys();
    for (const { table, root } of Object.values(this.#trees)) yield chainKey(table, root);
  }

  *keys(): Generator<ChainKey> {
    yield* this.#base.keys();
    for (const chain of this.#serviceChains.keys()) yield chainKey('nat', chain);
    for (const { table, tree } of Object.values(this.#trees)) {
      for (const chain of tree.chains()) yield chainKey(table, chain);
    }
  }
}

function treeOf(table: TableName, root: string, childPrefix: string, by: TreeShape['by']): Tree {
  return { table, root, tree: new DispatchTree({ root, childPrefix, by }) };
}

function fromOwned(rules: readonly OwnedRule[]): WishedChain {
  return { rules: rules.map((rule) => rule.text), ownerOf: (index) => rules[index]?.owner ?? null, exclusive: false };
}

function entriesOf(plan: ServicePlan | undefined, tree: string): DispatchEntry[] {
  return (plan?.entries ?? []).filter((one) => one.tree === tree).map((one) => one.entry);
}

/** Entries only in the first and only in the second list; equal ones are left where they are. */
function differEntries(before: readonly DispatchEntry[], after: readonly DispatchEntry[]): [DispatchEntry[], DispatchEntry[]] {
  const textOf = (entry: DispatchEntry): string => [entry.id, ...entry.rules].join('\n');
  const [old, next] = [new Set(before.map(textOf)), new Set(after.map(textOf))];
  return [before.filter((entry) => !next.has(textOf(entry))), after.filter((entry) => !old.has(textOf(entry)))];
}
