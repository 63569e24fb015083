import { familyOf, prefixContains } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { compareBytes, encodeDatum, isPrefix, isRange } from './datum.ts';
import { datumTypes } from './datum-type.ts';
import type { Datum, Statement } from './expression.ts';
import type { ElementState, SetState, TableState } from './port.ts';
import type { ChainHook, DatumType, KeyPart } from './transaction.ts';

/** A table that packets are traced through. */
export class TraceTable {
  readonly #table: TableState;
  /** Elements of sets without intervals by their keys. */
  readonly #indices = new Map<string, ReadonlyMap<string, ElementState>>();
  readonly #rules = new Map<string, readonly (readonly Statement[])[]>();

  constructor(table: TableState) {
    this.#table = table;
  }

  /** Names of the base chains of a hook, lower priorities first. */
  baseChains(hook: ChainHook['hook']): readonly string[] {
    return [...this.#table.chains]
      .filter(([, { chain }]) => chain?.hook?.hook === hook)
      .toSorted(([, a], [, b]) => (a.chain?.hook?.priority ?? 0) - (b.chain?.hook?.priority ?? 0))
      .map(([name]) => name);
  }

  rules(chain: string): readonly (readonly Statement[])[] {
    const known = this.#rules.get(chain);
    if (known !== undefined) return known;
    const found = this.#table.chains.get(chain);
    if (found === undefined) throw new RangeError(`there is no chain ${chain}`);
    const rules = found.rules.map(({ statements }) => {
      if (statements === null) throw new TypeError(`a rule of chain ${chain} is not understood`);
      return statements;
    });
    this.#rules.set(chain, rules);
    return rules;
  }

  /** The element with a key; null: there is none. */
  find(name: string, key: readonly Datum[]): ElementState | null {
    const found = this.#table.sets.get(name);
    if (found?.set === undefined || found.set === null) throw new RangeError(`there is no set ${name}`);
    const { key: types, interval } = found.set;
    if (interval) return found.elements.find((element) => contains(types, element.key, key)) ?? null;
    return this.#indexOf(name, found).get(key.join(' ')) ?? null;
  }

  #indexOf(name: string, { elements }: SetState): ReadonlyMap<string, ElementState> {
    let index = this.#indices.get(name);
    if (index === undefined) {
      index = new Map(elements.map((element) => [element.key.join(' '), element]));
      this.#indices.set(name, index);
    }
    return index;
  }
}

function contains(types: readonly DatumType[], parts: readonly KeyPart[], key: readonly Datum[]): boolean {
  return types.every((type, index) => isInside(type, parts[index] ?? '', key[index] ?? ''));
}

function isInside(type: DatumType, part: KeyPart, value: Datum): boolean {
  if (isPrefix(part)) return familyOf(value as Address) === part.family && prefixContains(part, value as Address);
  if (!isRange(part)) return part === value;
  const bytes = (datum: Datum): Uint8Array => encodeDatum(type, datum, datumTypes[type].length);
  return compareBytes(bytes(value), bytes(part.from)) >= 0 && compareBytes(bytes(value), bytes(part.to)) <= 0;
}
