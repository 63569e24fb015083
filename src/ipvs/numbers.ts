import { createHash } from 'node:crypto';
import { markLayout } from '../model/mod.ts';
import type { RecordEntry } from '../model/mod.ts';
import { recordEntry } from './records.ts';
import type { NumberKind } from './records.ts';

/** A number and the record that keeps it over restarts. */
export interface Numbered {
  readonly number: number;
  readonly record: RecordEntry;
}

/**
 * Numbers for names. A name gets the number its hash asks for, or the next free one; it keeps the number until that is
 * released. Two runs without collisions give equal numbers, and a record makes it sure.
 */
export class Numbers {
  readonly #size: number;
  readonly #byDigest: Readonly<Record<NumberKind, Map<string, number>>> = { server: new Map(), group: new Map() };
  readonly #byNumber: Readonly<Record<NumberKind, Map<number, string>>> = { server: new Map(), group: new Map() };
  #reserved: ReadonlySet<number> = new Set();

  /** `size`: how many numbers there are. */
  constructor(size: number = markLayout.numberMask - markLayout.firstNumber + 1) {
    this.#size = size;
  }

  allocate(kind: NumberKind, name: string): Numbered {
    const hash = createHash('sha256').update(name).digest();
    const digest = hash.toString('hex').slice(0, 24);
    const known = this.#byDigest[kind].get(digest);
    if (known !== undefined) return { number: known, record: recordEntry({ kind: 'number', of: kind, number: known, digest }) };
    const number = this.#firstFree(kind, hash.readUInt32BE(0) % this.#size);
    this.#byDigest[kind].set(digest, number);
    this.#byNumber[kind].set(number, digest);
    return { number, record: recordEntry({ kind: 'number', of: kind, number, digest }) };
  }

  /** Takes over what an earlier run wrote down. A number or name that is taken already stays as it is. */
  adopt(kind: NumberKind, number: number, digest: string): void {
    if (this.#byNumber[kind].has(number) || this.#byDigest[kind].has(digest)) return;
    this.#byDigest[kind].set(digest, number);
    this.#byNumber[kind].set(number, digest);
  }

  /** Numbers of servers in the kernel that no record explains: given to no name but the one whose hash asks for them. */
  reserve(numbers: ReadonlySet<number>): void {
    this.#reserved = numbers;
  }

  /** The record of a number in use, or null. */
  recordOf(kind: NumberKind, number: number): RecordEntry | null {
    const digest = this.#byNumber[kind].get(number);
    return digest === undefined ? null : recordEntry({ kind: 'number', of: kind, number, digest });
  }

  release(kind: NumberKind, number: number): void {
    const digest = this.#byNumber[kind].get(number);
    if (digest === undefined) return;
    this.#byNumber[kind].delete(number);
    this.#byDigest[kind].delete(digest);
  }

  #firstFree(kind: NumberKind, start: number): number {
    for (let step = 0; step < this.#size; step += 1) {
      const number = markLayout.firstNumber + ((start + step) % this.#size);
      // Without records the server that has the number a name asks for is that name's: only others stay clear of it.
      const foreign = step > 0 && kind === 'server' && this.#reserved.has(number);
      const taken = this.#byNumber[kind].has(number) || foreign;
      if (!taken) return number;
    }
    throw new RangeError(`all ${this.#size} numbers of ${kind}s are in use`);
  }
}
