import { compareBytes } from './datum.ts';
import { keysOf } from './encode-element.ts';
import type { Statement } from './expression.ts';
import type { ElementState, TableState } from './port.ts';
import type { Chain, Element, Rule, SetDefinition, TableName } from './transaction.ts';

/** An element with its key in bytes, by which intervals are told apart. */
export interface FakeElement {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly element: Element;
}

export interface FakeSet {
  readonly set: SetDefinition;
  readonly elements: Map<string, FakeElement>;
}

export interface FakeRule {
  readonly handle: number;
  readonly rule: Rule;
}

export interface FakeChain {
  readonly chain: Chain;
  rules: readonly FakeRule[];
}

/** A table while it is changed: whoever changes a part replaces it by a copy first. */
export interface FakeTable extends TableName {
  /** Goes with its port. */
  readonly owned: boolean;
  readonly chains: Map<string, FakeChain>;
  readonly sets: Map<string, FakeSet>;
}

/** A copy whose parts are the same until one of them is changed. */
export function copyTable({ family, name, owned, chains, sets }: FakeTable): FakeTable {
  return { family, name, owned, chains: new Map(chains), sets: new Map(sets) };
}

/** The element's identity: its first and last key. */
export function makeElement(set: SetDefinition, element: Element): { readonly id: string; readonly made: FakeElement } {
  const { from, to } = keysOf(set, element);
  return { id: `${hex(from)}-${hex(to)}`, made: { from, to, element } };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/**
 * Whether the kernel finds that an interval shares a value with another one of the set. Of concatenations it asks only
 * where the first and the last key of the new one are; those that cross elsewhere it takes.
 */
export function findOverlap({ set, elements }: FakeSet, id: string, made: FakeElement, lengths: readonly number[]): boolean {
  if (!set.interval) return false;
  for (const [other, found] of elements) {
    if (other === id) continue;
    const ends = contains(found, made.from, lengths) || contains(found, made.to, lengths);
    if (ends || (lengths.length === 1 && contains(made, found.from, lengths))) return true;
  }
  return false;
}

/** Every part of a key lies in its interval. */
function contains({ from, to }: FakeElement, key: Uint8Array, lengths: readonly number[]): boolean {
  let at = 0;
  for (const length of lengths) {
    const cut = (bytes: Uint8Array): Uint8Array => bytes.subarray(at, at + length);
    if (compareBytes(cut(key), cut(from)) < 0 || compareBytes(cut(key), cut(to)) > 0) return false;
    at += length;
  }
  return true;
}

/** The chains that a chain's rules may lead to, by themselves or by the verdict maps they ask. */
export function targetsOf(table: FakeTable, { rules }: FakeChain): readonly string[] {
  return rules.flatMap(({ rule }) => rule.statements.flatMap((statement) => targetsOfStatement(table, statement)));
}

function targetsOfStatement(table: FakeTable, statement: Statement): readonly string[] {
  if (statement.kind === 'jump' || statement.kind === 'goto') return [statement.chain];
  return statement.kind === 'vmap' ? targetsOfSet(table.sets.get(statement.map)) : [];
}

export function targetsOfSet(set: FakeSet | undefined): readonly string[] {
  if (set?.set.value !== 'verdict') return [];
  return [...set.elements.values()].flatMap(({ element: { value } }) =>
    value !== undefined && 'kind' in value && (value.kind === 'jump' || value.kind === 'goto') ? [value.chain] : [],
  );
}

/** Every set that a rule names. */
export function setsOf({ statements }: Rule): readonly string[] {
  return statements.flatMap((statement) => {
    if ('to' in statement) return typeof statement.to === 'object' && 'map' in statement.to ? [statement.to.map] : [];
    if ('set' in statement) return [statement.set];
    return 'map' in statement ? [statement.map] : [];
  });
}

/** Whether a chain that packets come to leads back to itself. */
export function hasLoop(table: FakeTable): boolean {
  const done = new Set<string>();
  const open = new Set<string>();
  const visit = (name: string): boolean => {
    if (done.has(name)) return false;
    if (open.has(name)) return true;
    const chain = table.chains.get(name);
    open.add(name);
    const found = chain !== undefined && targetsOf(table, chain).some(visit);
    open.delete(name);
    done.add(name);
    return found;
  };
  return [...table.chains.values()].some(({ chain }) => chain.hook !== null && visit(chain.name));
}

/** What a reader of the table gets; timeouts have just begun. */
export function listTable({ family, name, chains, sets }: FakeTable): TableState {
  return {
    family,
    name,
    chains: new Map(
      [...chains].map(([chain, state]) => [
        chain,
        {
          chain: state.chain,
          rules: state.rules.map(({ handle, rule }) => ({ handle, statements: rule.statements, comment: rule.comment ?? null })),
        },
      ]),
    ),
    sets: new Map(
      [...sets].map(([set, state]) => [
        set,
        { set: state.set, elements: [...state.elements.values()].map(({ element }) => listElement(state.set, element)) },
      ]),
    ),
  };
}

function listElement(set: SetDefinition, element: Element): ElementState {
  const expiresSeconds = element.timeoutSeconds ?? set.timeoutSeconds;
  if (expiresSeconds === null || element.timeoutSeconds === undefined) {
    return expiresSeconds === null ? element : { ...element, expiresSeconds };
  }
  const { timeoutSeconds, ...rest } = element;
  return { ...rest, ...(timeoutSeconds === set.timeoutSeconds ? {} : { timeoutSeconds }), expiresSeconds };
}
