import { createHash } from 'node:crypto';
import { capacityOf, indexOfMark, markLayout, markOfIndex } from '../model/mod.ts';
import type { MarkSpace, RecordEntry } from '../model/mod.ts';
import { recordEntry } from './records.ts';

/** A mark and the record that keeps it over restarts. */
export interface Marked {
  readonly mark: number;
  readonly record: RecordEntry;
}

/** Marks that a routing rule matches; `value` is not 0. */
export interface RuleMark {
  readonly value: number;
  readonly mask: number;
}

/** A mark whose server had persistence: until then clients may be remembered that a new server of the mark would get. */
interface Rest {
  readonly digest: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * The marks of publications, by name. A name gets the mark its hash asks for, or the next one that is free, keeps it until it
 * is released, and has it back after a restart by its record (specification of ingress, 5). A mark that somebody else's
 * virtual server has, or that a routing rule of somebody else goes by, is given to nobody.
 */
export class Marks {
  readonly #space: MarkSpace;
  readonly #capacity: number;
  readonly #byDigest = new Map<string, number>();
  readonly #byMark = new Map<number, string>();
  readonly #resting = new Map<number, Rest>();
  #foreign: ReadonlySet<number> = new Set();
  #rules: readonly RuleMark[] = [];

  constructor(space: MarkSpace) {
    this.#space = space;
    this.#capacity = capacityOf(space);
  }

  /** All of the names or, where there are not enough marks, none: then null. `now` is in milliseconds since 1970. */
  allocate(names: Iterable<string>, now: number): ReadonlyMap<string, Marked> | null {
    const given = new Map<string, Marked>();
    const fresh: (readonly [number, string])[] = [];
    for (const name of names) {
      const hash = createHash('sha256').update(name).digest();
      const digest = hash.toString('hex').slice(0, 24);
      const known = this.#knownMark(digest);
      const mark = known ?? this.#firstFree(digest, hash.readUInt32BE(0), now);
      if (mark === null) {
        for (const [one, its] of fresh) this.release(one, its);
        return null;
      }
      if (known === null) fresh.push([mark, digest]);
      this.#byDigest.set(digest, mark);
      this.#byMark.set(mark, digest);
      given.set(name, { mark, record: recordEntry({ kind: 'mark', mark, digest }) });
    }
    return given;
  }

  /**
   * Takes over what an earlier run wrote down; a mark or name that is taken already stays as it is. The name of a mark that is
   * not of the space any more gets another one.
   */
  adopt(mark: number, digest: string): void {
    if (this.#byMark.has(mark) || this.#byDigest.has(digest)) return;
    this.#byMark.set(mark, digest);
    if (indexOfMark(this.#space, mark) !== null) this.#byDigest.set(digest, mark);
  }

  /** Marks of other people's virtual servers, and what their routing rules match. */
  reserve(foreign: ReadonlySet<number>, rules: readonly RuleMark[]): void {
    this.#foreign = foreign;
    this.#rules = rules;
  }

  /** The server of the mark has gone or changed, and clients that it remembers are forgotten at that time. */
  rest(mark: number, until: number): void {
    const digest = this.#byMark.get(mark);
    const known = this.#resting.get(mark)?.until ?? 0;
    if (digest !== undefined && until > known) this.#resting.set(mark, { digest, until });
  }

  /** The record of a mark in use, or null. */
  recordOf(mark: number): RecordEntry | null {
    const digest = this.#byMark.get(mark);
    return digest === undefined ? null : recordEntry({ kind: 'mark', mark, digest });
  }

  /** The name has the mark no more; nothing if another one has it by now. */
  release(mark: number, digest: string): void {
    if (this.#byMark.get(mark) === digest) this.#byMark.delete(mark);
    if (this.#byDigest.get(digest) === mark) this.#byDigest.delete(digest);
  }

  /** False if no new name would get one. */
  hasFree(now: number): boolean {
    let used = 0;
    for (const [mark, { until }] of this.#resting) {
      if (until <= now) this.#resting.delete(mark);
      else if (!this.#byMark.has(mark)) used += 1;
    }
    for (const mark of this.#foreign) if (indexOfMark(this.#space, mark) !== null && !this.#byMark.has(mark)) used += 1;
    return used + this.#byMark.size < this.#capacity;
  }

  /** Somebody may have taken the mark in the meantime. */
  #knownMark(digest: string): number | null {
    const mark = this.#byDigest.get(digest);
    if (mark === undefined) return null;
    if (!this.#foreign.has(mark)) return mark;
    this.release(mark, digest);
    return null;
  }

  #firstFree(digest: string, hash: number, now: number): number | null {
    if (!this.hasFree(now) && !this.#isResting(digest)) return null;
    const start = hash % this.#capacity;
    for (let step = 0; step < this.#capacity; step += 1) {
      const mark = markOfIndex(this.#space, (start + step) % this.#capacity);
      if (mark !== null && this.#isFree(mark, digest, now)) return mark;
    }
    return null;
  }

  #isResting(digest: string): boolean {
    return this.#resting.values().some((rest) => rest.digest === digest);
  }

  #isFree(mark: number, digest: string, now: number): boolean {
    if (mark === 0 || this.#byMark.has(mark) || this.#foreign.has(mark)) return false;
    if ((mark & markLayout.prefixMask) >>> 0 === markLayout.prefix) return false;
    if (this.#rules.some(({ value, mask }) => (mark & mask) >>> 0 === value)) return false;
    const rest = this.#resting.get(mark);
    return rest === undefined || rest.until <= now || rest.digest === digest;
  }
}
