import { succeed } from '../model/mod.ts';
import { checkTransaction } from './check-transaction.ts';
import { datumTypes, registerLength } from './datum-type.ts';
import { judgeRule, judgeTarget } from './fake-rule.ts';
import { copyTable, findOverlap, hasLoop, listTable, makeElement, setsOf, targetsOf, targetsOfSet } from './fake-table.ts';
import type { FakeSet, FakeTable } from './fake-table.ts';
import type { NftPort, NftProblem } from './port.ts';
import { refusedProblem, staleProblem } from './problem.ts';
import { renderTransaction } from './render.ts';
import type { Chain, ChainHook, Command, Element, SetDefinition, TableName, Transaction } from './transaction.ts';

/** Error numbers (asm-generic) that nf_tables answers with. */
const ENOENT = 2;
const EBUSY = 16;
const EEXIST = 17;
const ENFILE = 23;
const ELOOP = 40;
const EOPNOTSUPP = 95;

const hooksOf: Readonly<Record<ChainHook['type'], readonly ChainHook['hook'][]>> = {
  filter: ['prerouting', 'input', 'forward', 'output', 'postrouting'],
  nat: ['prerouting', 'input', 'output', 'postrouting'],
  route: ['output'],
};

/**
 * nf_tables in memory: all or nothing, the same refusals, references that keep chains and sets from being deleted. The
 * types of keys have to agree, as the tool wants it; to the kernel alone the lengths matter. No clock runs and no packet passes, so elements neither expire nor come by themselves.
 */
export function createFakeNftPort(): NftPort {
  const tables = new Map<string, FakeTable>();
  let handles = 0;
  let generation = 1;
  const apply = (transaction: Transaction): NftProblem | null => {
    const unfit = checkTransaction(transaction);
    if (unfit !== null) return unfit;
    const place = `${transaction.table.family} ${transaction.table.name}`;
    const before = tables.get(place) ?? null;
    let result = runCommands(before, transaction, handles, false);
    // Loops are looked for at the end; if there is one, a second run finds where it came from.
    if ('after' in result && result.after !== null && hasLoop(result.after))
      result = runCommands(before, transaction, handles, true);
    if (!('after' in result)) return refusedProblem(transaction, result.command, result.errno, '');
    handles += transaction.commands.length;
    generation += 1;
    if (result.after === null) tables.delete(place);
    else tables.set(place, result.after);
    return null;
  };
  return {
    async apply(transaction, expected = generation) {
      const { length } = transaction.commands;
      if (expected !== generation) return { problem: staleProblem(transaction), bytes: 0, messages: 0 };
      return { problem: apply(transaction), bytes: length === 0 ? 0 : renderTransaction(transaction).length, messages: length };
    },
    generation: async () => succeed(generation),
    async readTable(family, name) {
      const table = tables.get(`${family} ${name}`);
      return succeed(table === undefined ? null : listTable(table));
    },
    close: async () => {
      for (const [place, { owned }] of tables) if (owned) tables.delete(place);
    },
  };
}

type RunResult = { readonly after: FakeTable | null } | { readonly command: number; readonly errno: number };

function runCommands(before: FakeTable | null, { table, commands }: Transaction, handles: number, loops: boolean): RunResult {
  let after = before === null ? null : copyTable(before);
  for (const [index, command] of commands.entries()) {
    const result = applyCommand(after, table, command, handles + index + 1);
    if (typeof result === 'number') return { command: index, errno: result };
    after = result;
    const mayLoop = command.kind === 'add-rule' || (command.kind === 'add-elements' && command.set.value === 'verdict');
    if (loops && after !== null && mayLoop && hasLoop(after)) return { command: index, errno: ELOOP };
  }
  return { after };
}

/** The table after a command, null for none, or an error number. `table` is this transaction's own copy. */
function applyCommand(
  table: FakeTable | null,
  { family, name }: TableName,
  command: Command,
  handle: number,
): FakeTable | null | number {
  if (command.kind === 'add-table') {
    const owned = command.owned === true;
    if (table === null) return { family, name, owned, chains: new Map(), sets: new Map() };
    return owned && !table.owned ? EOPNOTSUPP : table;
  }
  if (table === null) return ENOENT;
  if (command.kind === 'delete-table') return null;
  const errno = 'set' in command ? applySetCommand(table, command) : applyChainCommand(table, command, handle);
  return errno === 0 ? table : errno;
}

function applyChainCommand(
  table: FakeTable,
  command: Exclude<Command, { readonly set: SetDefinition } | { readonly kind: 'add-table' | 'delete-table' }>,
  handle: number,
): number {
  if (command.kind === 'flush-table') {
    for (const [name, { chain }] of table.chains) table.chains.set(name, { chain, rules: [] });
    return 0;
  }
  if (command.kind === 'add-chain') return addChain(table, command.chain);
  const found = table.chains.get(command.chain);
  if (found === undefined) return ENOENT;
  const { chain, rules } = found;
  switch (command.kind) {
    case 'flush-chain':
      table.chains.set(command.chain, { chain, rules: [] });
      return 0;
    case 'delete-chain':
      if (isTarget(table, command.chain)) return EBUSY;
      table.chains.delete(command.chain);
      return 0;
    case 'add-rule': {
      const errno = judgeRule(table, chain, command.rule);
      if (errno === 0) table.chains.set(command.chain, { chain, rules: [...rules, { handle, rule: command.rule }] });
      return errno;
    }
    case 'delete-rule':
      if (rules.every((rule) => rule.handle !== command.handle)) return ENOENT;
      table.chains.set(command.chain, { chain, rules: rules.filter((rule) => rule.handle !== command.handle) });
      return 0;
  }
}

function addChain(table: FakeTable, chain: Chain): number {
  const { name, hook } = chain;
  const found = table.chains.get(name)?.chain;
  if (found === undefined) {
    if (hook !== null && !hooksOf[hook.type].includes(hook.hook)) return EOPNOTSUPP;
    table.chains.set(name, { chain, rules: [] });
    return 0;
  }
  // Without a hook nothing of the chain is asked to be otherwise.
  if (hook === null) return 0;
  const same = found.hook !== null && found.hook.type === hook.type && found.hook.hook === hook.hook;
  return same && found.hook.priority === hook.priority ? 0 : EOPNOTSUPP;
}

/** A chain that leads to itself keeps itself from being deleted. */
function isTarget(table: FakeTable, name: string): boolean {
  return (
    [...table.chains.values()].some((chain) => targetsOf(table, chain).includes(name)) ||
    [...table.sets.values()].some((set) => targetsOfSet(set).includes(name))
  );
}

function isUsed(table: FakeTable, name: string): boolean {
  return [...table.chains.values()].some(({ rules }) => rules.some(({ rule }) => setsOf(rule).includes(name)));
}

function applySetCommand(table: FakeTable, command: Extract<Command, { readonly set: SetDefinition }>): number {
  const { name } = command.set;
  const found = table.sets.get(name);
  if (command.kind === 'add-set') return addSet(table, command.set, found);
  if (found === undefined) return ENOENT;
  switch (command.kind) {
    case 'delete-set':
      if (isUsed(table, name)) return EBUSY;
      table.sets.delete(name);
      return 0;
    case 'flush-set':
      if (found.set.constant && isUsed(table, name)) return EBUSY;
      table.sets.set(name, { set: found.set, elements: new Map() });
      return 0;
    case 'add-elements':
    case 'delete-elements': {
      if (found.set.constant && isUsed(table, name)) return EBUSY;
      const changed: FakeSet = { set: found.set, elements: new Map(found.elements) };
      table.sets.set(name, changed);
      for (const element of command.elements) {
        const errno = command.kind === 'add-elements' ? addElement(table, changed, element) : deleteElement(changed, element);
        if (errno !== 0) return errno;
      }
      return 0;
    }
  }
}

/** Comments of a set are for its readers and may differ. */
function addSet(table: FakeTable, set: SetDefinition, found: FakeSet | undefined): number {
  const text = (definition: SetDefinition): string =>
    JSON.stringify({ ...definition, comment: null }, Object.keys(definition).toSorted());
  if (found !== undefined) return text(found.set) === text(set) ? 0 : EEXIST;
  table.sets.set(set.name, { set, elements: new Map() });
  return 0;
}

function addElement(table: FakeTable, target: FakeSet, element: Element): number {
  const { set, elements } = target;
  if (element.value !== undefined && 'chain' in element.value) {
    const errno = judgeTarget(table, element.value.chain);
    if (errno !== 0) return errno;
  }
  const { id, made } = makeElement(set, element);
  const there = elements.get(id);
  if (there !== undefined) return JSON.stringify(there.element.value) === JSON.stringify(element.value) ? 0 : EEXIST;
  if (findOverlap(target, id, made, lengthsOf(set))) return EEXIST;
  if (set.size !== null && elements.size >= set.size) return ENFILE;
  elements.set(id, made);
  return 0;
}

function deleteElement({ set, elements }: FakeSet, element: Element): number {
  return elements.delete(makeElement(set, element).id) ? 0 : ENOENT;
}

function lengthsOf({ key }: SetDefinition): readonly number[] {
  return key.map((type) => (key.length === 1 ? datumTypes[type].length : registerLength(datumTypes[type].length)));
}
