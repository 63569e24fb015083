import { toldBy } from './complete-rule.ts';
import { registerLength } from './datum-type.ts';
import { lengthOf } from './encode-source.ts';
import type { FieldName, MapLookup, Source, Statement } from './expression.ts';
import { fields, nfproto } from './fields.ts';
import type { FieldInfo } from './fields.ts';
import type { TableFamily } from './transaction.ts';
import { bytesOf, readAttributes, readNumber } from './wire-attribute.ts';
import { addressTypeResult, dataAttribute, randomType } from './wire-names.ts';

type Attributes = ReadonlyMap<number, DataView>;

/** A field or its first `length` bytes; with a mask `(field & mask) ^ xor`. `from`: it is not less than that. */
export interface LoadedSource {
  readonly kind: 'source';
  readonly source: Source;
  readonly length: number;
  readonly mask: Uint8Array | null;
  readonly xor: Uint8Array | null;
  readonly from: Uint8Array | null;
}

/** What is in a register. */
export type Loaded =
  | LoadedSource
  | { readonly kind: 'value'; readonly bytes: Uint8Array }
  | { readonly kind: 'map'; readonly lookup: MapLookup }
  /** What a route takes of a TCP segment; `network`: in the order of the packet. */
  | { readonly kind: 'route'; readonly network: boolean };

const fieldEntries = Object.entries(fields) as readonly (readonly [FieldName, FieldInfo])[];

/** The registers of a rule while it is read: what was loaded into which, until something uses it. */
export class RegisterFile {
  /** By offset in bytes. */
  readonly #loaded = new Map<number, Loaded>();
  readonly #family: TableFamily;

  constructor(family: TableFamily) {
    this.#family = family;
  }

  /** True where everything that was loaded has been used. */
  isSettled(): boolean {
    return this.#loaded.size === 0;
  }

  put(register: number, loaded: Loaded): 'register' {
    this.#loaded.set(offsetOf(register), loaded);
    return 'register';
  }

  take(register: number): Loaded | null {
    const offset = offsetOf(register);
    const loaded = this.#loaded.get(offset) ?? null;
    this.#loaded.delete(offset);
    return loaded;
  }

  /** A whole field without a mask. */
  takeSource(register: number): Source | null {
    const loaded = this.take(register);
    if (loaded?.kind !== 'source' || loaded.mask !== null || loaded.from !== null) return null;
    return loaded.length === lengthOf(loaded.source) ? loaded.source : null;
  }

  /** The fields that lie one behind the other from a register on. */
  takeKey(register: number): readonly Source[] | null {
    const key: Source[] = [];
    for (let offset = offsetOf(register); this.#loaded.has(offset);) {
      const source = this.takeSource(8 + offset / 4);
      if (source === null) return null;
      key.push(source);
      offset += registerLength(lengthOf(source));
    }
    return key.length === 0 ? null : key;
  }

  /** `before`: what the rule has asked so far, which tells fields of the same place apart. */
  load(name: string, body: Attributes, before: readonly Statement[]): 'register' | null {
    const source = this.#sourceOf(name, body, before);
    if (source === null) return null;
    const length = name === 'payload' ? readNumber(body.get(4)) : lengthOf(source);
    return this.put(readNumber(body.get(1)), { kind: 'source', source, length, mask: null, xor: null, from: null });
  }

  /** `(register & mask) ^ xor`, in place. */
  mask(body: Attributes): 'register' | null {
    const register = readNumber(body.get(1));
    const loaded = this.take(register);
    const mask = dataOf(body.get(4));
    const xor = dataOf(body.get(5));
    if (register !== readNumber(body.get(2)) || readNumber(body.get(6)) !== 0 || mask === null || xor === null) return null;
    if (loaded?.kind !== 'source' || loaded.mask !== null || loaded.from !== null) return null;
    return this.put(register, { ...loaded, mask, xor });
  }

  #sourceOf(name: string, body: Attributes, before: readonly Statement[]): Source | null {
    if (name === 'numgen') {
      const plain = readNumber(body.get(3)) === randomType && readNumber(body.get(4)) === 0;
      return plain ? { kind: 'random', modulus: readNumber(body.get(2)) } : null;
    }
    const found = fieldEntries.find(
      ([field, info]) => info.load.from === name && isLoad(info.load, body) && this.#mayHave(field, info, before),
    );
    return found?.[0] ?? null;
  }

  /** Whether packets that come this far in a rule of this family have the field. */
  #mayHave(field: FieldName, { requires }: FieldInfo, before: readonly Statement[]): boolean {
    if (field.startsWith('arp ') !== (this.#family === 'arp') && /^(arp|ip|ip6) /.test(field)) return false;
    if (requires === null) return true;
    if (requires.field === 'nfproto' && this.#family !== 'inet')
      return (this.#family === 'ip') === (requires.value === nfproto.ipv4);
    return before.some((statement) => {
      const told = toldBy(statement);
      return told?.field === requires.field && told.value === requires.value;
    });
  }
}

/** Offset in bytes of a register: 1 to 4 have sixteen bytes, 8 and on four. */
function offsetOf(register: number): number {
  return register < 8 ? (register - 1) * 16 : (register - 8) * 4;
}

/** The bytes of a nest of data, as a copy. */
export function dataOf(view: DataView | undefined): Uint8Array | null {
  const value = view === undefined ? undefined : readAttributes(view)?.get(dataAttribute.value);
  return value === undefined ? null : bytesOf(value).slice();
}

function isLoad(load: FieldInfo['load'], body: Attributes): boolean {
  switch (load.from) {
    case 'payload': {
      const length = readNumber(body.get(4));
      const whole = length === load.length || ((load.length === 4 || load.length === 16) && length < load.length && length > 0);
      return readNumber(body.get(2)) === load.base && readNumber(body.get(3)) === load.offset && whole;
    }
    case 'meta':
      return readNumber(body.get(2)) === load.key;
    case 'ct':
      return readNumber(body.get(2)) === load.key && (body.get(3)?.getUint8(0) ?? null) === load.direction;
    case 'fib':
      return readNumber(body.get(3)) === load.flags && readNumber(body.get(2)) === addressTypeResult;
  }
}
