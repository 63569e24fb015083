import { alignLists } from '../model/mod.ts';
import type { Difference, Pause, ServiceKey } from '../model/mod.ts';
import type { Look } from './data-plane-kernel.ts';
import { planChains } from './plane-chains.ts';
import type { PlaneContext } from './plane-chains.ts';
import { diffPlane } from './plane-diff.ts';
import { ownersOf } from './plane-owners.ts';
import { planeTable } from './plane-sets.ts';
import { judgeTable } from './plane-rewrite.ts';
import type { PlaneWish, Touched } from './plane-wish.ts';
import type { ChainState, RuleState, SetState, TableState } from './port.ts';
import { renderTransaction } from './render.ts';
import { formatRule } from './rule-equal.ts';
import { sameHook } from './side-compare.ts';
import type { SideChain } from './side-context.ts';
import type { Command, Element, SetDefinition, TableName } from './transaction.ts';

export interface PlaneComparison extends Look {
  readonly context: PlaneContext;
  readonly wish: PlaneWish;
  /** As it was read; null: there is none. */
  readonly table: TableState | null;
  readonly touched: Touched;
  readonly pause: Pause;
}

/** Tells in single chains, sets, rules and elements, as `nft` takes them, what an audit would put right. */
export async function comparePlane(job: PlaneComparison): Promise<readonly Difference[]> {
  const { context, wish, state, findings, touched, pause, table } = job;
  const { family } = context;
  const judged = await judgeTable(context, findings, pause);
  const { commands } = await diffPlane(family, wish, state, touched, { rewritten: false, pause });
  if (judged === 'right' && commands.length === 0) return [];
  const report = new Report(planeTable(family));
  const owners = await ownersOf(wish, pause);
  if (judged !== 'right') {
    if (!findings.exists) report.tell(null, null, `table ${planeTable(family).family} ${planeTable(family).name}`);
    report.tellSets(findings.badSets, findings.missingSets, table);
    const wanted = new Map(planChains(context).map((chain) => [chain.name, chain]));
    for (const name of new Set([...findings.chains.keys(), ...wanted.keys()])) {
      report.tellChain(null, name, findings.chains.get(name), wanted.get(name));
      await pause();
    }
  }
  const elements = new ElementPairs();
  for (const { set, element } of findings.strays) elements.take('held', set, element);
  const chains = new Set<string>();
  for (const command of commands) {
    if (command.kind === 'add-chain') chains.add(command.chain.name);
    else if (command.kind === 'flush-chain' || command.kind === 'delete-chain') chains.add(command.chain);
    else if (command.kind === 'add-set') report.tell(owners.ofClients(command.set.name), null, report.text(command));
    else if (command.kind === 'delete-set') report.tell(null, report.text({ kind: 'add-set', set: command.set }), null);
    else if ('elements' in command) {
      const side = command.kind === 'add-elements' ? 'wanted' : 'held';
      for (const element of command.elements) elements.take(side, command.set, element);
    }
  }
  for (const name of chains) {
    const rules = wish.chain(name);
    const wanted = rules === undefined ? undefined : { name, hook: null, rules };
    report.tellChain(owners.ofChain(name), name, state.chains.has(name) ? table?.chains.get(name) : undefined, wanted);
  }
  for (const { set, held, wanted } of elements.pairs()) {
    const textOf = (element: Element | undefined): string | null =>
      element === undefined ? null : report.text({ kind: 'add-elements', set, elements: [element] });
    const element = wanted ?? held;
    report.tell(element === undefined ? null : owners.ofElement(set.name, element), textOf(held), textOf(wanted));
    const resting = pause();
    if (resting !== null) await resting;
  }
  return report.differences;
}

interface ElementPair {
  readonly set: SetDefinition;
  held?: Element;
  wanted?: Element;
}

/** An element that goes and one of the same key that comes are one that changes. */
class ElementPairs {
  readonly #pairs = new Map<string, ElementPair>();

  take(side: 'held' | 'wanted', set: SetDefinition, element: Element): void {
    const text = `${set.name} ${JSON.stringify(element.key)}`;
    const pair = this.#pairs.get(text) ?? { set };
    pair[side] = element;
    this.#pairs.set(text, pair);
  }

  pairs(): Iterable<ElementPair> {
    return this.#pairs.values();
  }
}

class Report {
  readonly differences: Difference[] = [];
  readonly #table: TableName;

  constructor(table: TableName) {
    this.#table = table;
  }

  tell(service: ServiceKey | null, held: string | null, wanted: string | null): void {
    this.differences.push({ service, place: 'nftables', held, wanted });
  }

  /** What a command adds, without the verb. */
  text(command: Command): string {
    return renderTransaction({ table: this.#table, commands: [command] })
      .trimEnd()
      .replace(/^add /, '');
  }

  tellSets(bad: readonly string[], missing: readonly SetDefinition[], table: TableState | null): void {
    const wanted = new Map(missing.map((set) => [set.name, set]));
    for (const name of new Set([...bad, ...wanted.keys()])) {
      const found = table?.sets.get(name);
      const set = wanted.get(name);
      const held = found === undefined ? null : this.#setText(name, found);
      this.tell(null, held, set === undefined ? null : this.text({ kind: 'add-set', set }));
    }
  }

  /** `owner`: whose chain it is. */
  tellChain(owner: ServiceKey | null, name: string, found: ChainState | undefined, wanted: SideChain | undefined): void {
    const wantedText = wanted === undefined ? null : this.text({ kind: 'add-chain', chain: wanted });
    const heldText = found === undefined ? null : this.#chainText(name, found);
    if (found === undefined || (wanted !== undefined && !sameHook(found, wanted))) this.tell(owner, heldText, wantedText);
    const held = found?.rules ?? [];
    const rules = wanted?.rules ?? [];
    const { family } = this.#table;
    const pairs = alignLists(
      held.map((rule) => this.#keyOf(rule)),
      rules.map((statements) => formatRule(family, statements)),
    );
    for (const pair of pairs) {
      const have = pair.held === null ? undefined : held[pair.held];
      const statements = pair.wanted === null ? undefined : rules[pair.wanted];
      const want = statements === undefined ? null : this.text({ kind: 'add-rule', chain: name, rule: { statements } });
      this.tell(owner, have === undefined ? null : this.#ruleText(name, have), want);
    }
    if (found !== undefined && wanted === undefined) this.tell(owner, heldText, null);
  }

  /** A rule with a comment, or one that says what we never say, is none of ours whatever else it says. */
  #keyOf({ statements, comment, handle }: RuleState): string {
    return statements === null || comment !== null ? `handle ${handle}` : formatRule(this.#table.family, statements);
  }

  #ruleText(chain: string, { statements, comment, handle }: RuleState): string {
    if (statements === null) return `${this.#nameOf('rule', chain)} handle ${handle}`;
    return this.text({ kind: 'add-rule', chain, rule: comment === null ? { statements } : { statements, comment } });
  }

  #chainText(name: string, { chain }: ChainState): string {
    return chain === null ? this.#nameOf('chain', name) : this.text({ kind: 'add-chain', chain });
  }

  #setText(name: string, { set }: SetState): string {
    return set === null ? this.#nameOf('set', name) : this.text({ kind: 'add-set', set });
  }

  #nameOf(kind: 'set' | 'chain' | 'rule', name: string): string {
    return `${kind} ${this.#table.family} ${this.#table.name} ${name}`;
  }
}
