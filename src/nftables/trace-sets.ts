import type { PacketWorld } from '../model/mod.ts';
import type { Datum, Verdict } from './expression.ts';
import type { ElementState, SetState, TableState } from './port.ts';
import { renderElement } from './render.ts';
import { isInside } from './trace-fields.ts';

/** What a set or map has for a key. */
export interface FoundElement {
  readonly value: readonly Datum[] | Verdict | null;
  /** As the tool prints it. */
  readonly text: string;
}

/** `unknown`: the set has types that this room does not know, or is not there. */
export type Finding = FoundElement | null | 'unknown';

/** Looks keys up in the sets of one table, and in what rules have put into them on the way. */
export class TableSets {
  readonly #table: TableState;
  /** Of sets without intervals: elements by their key. */
  readonly #exact = new Map<string, ReadonlyMap<string, ElementState>>();

  constructor(table: TableState) {
    this.#table = table;
  }

  find(name: string, key: readonly Datum[], world: PacketWorld): Finding {
    const state = this.#table.sets.get(name);
    if (state === undefined || state.set === null) return 'unknown';
    const remembered = world.memory.get(this.#memoryName(name, key));
    if (remembered === false) return null;
    if (remembered !== undefined) return fromMemory(key, remembered);
    const element = state.set.interval ? findInterval(state, key) : this.#elementsOf(name, state).get(keyText(key));
    return element === undefined ? null : { value: element.value ?? null, text: renderElement(element) };
  }

  /** The world in which a rule has put a key into a set, with a value if it is a map, or with null has taken it out. */
  remember(world: PacketWorld, name: string, key: readonly Datum[], value: Datum | true | null): PacketWorld {
    return { ...world, memory: new Map([...world.memory, [this.#memoryName(name, key), value ?? false]]) };
  }

  #memoryName(set: string, key: readonly Datum[]): string {
    return `nft ${this.#table.family} ${this.#table.name} ${set} ${keyText(key)}`;
  }

  #elementsOf(name: string, { elements }: SetState): ReadonlyMap<string, ElementState> {
    const known = this.#exact.get(name);
    if (known !== undefined) return known;
    const made = new Map(elements.map((element) => [element.key.join(' . '), element]));
    this.#exact.set(name, made);
    return made;
  }
}

function fromMemory(key: readonly Datum[], value: string | number | true): FoundElement {
  return { value: value === true ? null : [value], text: value === true ? keyText(key) : `${keyText(key)} : ${value}` };
}

function keyText(key: readonly Datum[]): string {
  return key.join(' . ');
}

function findInterval({ elements }: SetState, key: readonly Datum[]): ElementState | undefined {
  return elements.find((element) =>
    element.key.every((part, index) => {
      const datum = key[index];
      return datum !== undefined && isInside(datum, part);
    }),
  );
}
