import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';

/** A part of a list document: one element of `items`, or another member of the root object. */
export type ListPart =
  | { readonly kind: 'item'; readonly json: Buffer }
  | { readonly kind: 'member'; readonly name: string; readonly json: Buffer };

export interface ListSplitter {
  /** Takes the next bytes; gives the parts they complete. */
  push(chunk: Uint8Array): Outcome<readonly ListPart[]>;
  /** True once the root object has been closed. */
  finished(): boolean;
}

/** Where the scanner stands between values; inside one it is `value`. */
type Place = 'root' | 'key' | 'key-text' | 'colon' | 'member' | 'value' | 'after-member' | 'item' | 'after-item' | 'done';

const byte = { quote: 0x22, backslash: 0x5c, comma: 0x2c, colon: 0x3a, open: 0x7b, close: 0x7d, openList: 0x5b, closeList: 0x5d };

/**
 * Cuts a Kubernetes list document into its items while it arrives, so that no turn of the event loop has
 * to parse a page of many megabytes at once. It knows only the frame; each part is checked by whoever
 * parses it. Fails with `WP_KUBE_NOT_A_LIST` or, for a part beyond `limit` bytes, `WP_KUBE_TOO_LARGE`.
 */
export function createListSplitter(limit: number): ListSplitter {
  const scanner = new Scanner(limit);
  return {
    push: (chunk) => scanner.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
    finished: () => scanner.place === 'done',
  };
}

class Scanner {
  place: Place = 'root';
  readonly #limit: number;
  #parts: ListPart[] = [];
  #name = '';
  /** The part being captured: the list it came from, what it is, and its bytes so far. */
  #inItems = false;
  #pieces: Buffer[] = [];
  #captured = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #bare = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Buffer): Outcome<readonly ListPart[]> {
    this.#parts = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.place === 'value' || this.place === 'key-text') {
        const end = this.#scanValue(bytes, at);
        this.#captured += end.next - at;
        if (this.#captured > this.#limit) {
          return fail('WP_KUBE_TOO_LARGE', `the API server sent a list item of more than ${this.#limit} bytes`);
        }
        this.#pieces.push(bytes.subarray(at, end.next));
        at = end.next;
        if (end.complete && !this.#finishValue()) return notAList();
      } else {
        const used = this.#step(bytes[at] ?? 0);
        if (used === null) return notAList();
        at += used;
      }
    }
    return succeed(this.#parts);
  }

  /** One byte of the frame: the bytes used (0 begins a value with this byte), or null where it cannot stand. */
  #step(code: number): 0 | 1 | null {
    if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) return 1;
    switch (this.place) {
      case 'root':
        return code === byte.open ? this.#go('key') : null;
      case 'key':
        if (code === byte.close) return this.#go('done');
        return code === byte.quote ? this.#begin('key-text', code) : null;
      case 'colon':
        return code === byte.colon ? this.#go('member') : null;
      case 'member':
        if (this.#name === 'items' && code === byte.openList) return this.#go('item');
        this.#inItems = false;
        return this.#begin('value', code);
      case 'item':
        if (code === byte.closeList) return this.#go('after-member');
        this.#inItems = true;
        return this.#begin('value', code);
      case 'after-item':
        if (code === byte.closeList) return this.#go('after-member');
        return code === byte.comma ? this.#go('item') : null;
      case 'after-member':
        if (code === byte.close) return this.#go('done');
        return code === byte.comma ? this.#go('key') : null;
      default:
        return null;
    }
  }

  #go(place: Place): 1 {
    this.place = place;
    return 1;
  }

  #begin(place: 'value' | 'key-text', code: number): 0 | null {
    if (code === byte.comma || code === byte.colon || code === byte.close || code === byte.closeList) return null;
    this.place = place;
    this.#pieces = [];
    this.#captured = 0;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#bare = code !== byte.open && code !== byte.openList && code !== byte.quote;
    return 0;
  }

  /** Runs over the bytes of a value: `next` is the first byte after what belongs to it. */
  #scanValue(bytes: Buffer, from: number): { next: number; complete: boolean } {
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let at = from;
    let complete = false;
    while (at < bytes.length && !complete) {
      const code = bytes[at] ?? 0;
      if (this.#bare && isDelimiter(code)) return { next: at, complete: true };
      at += 1;
      if (inString) {
        if (escaped) escaped = false;
        else if (code === byte.backslash) escaped = true;
        else if (code === byte.quote) {
          inString = false;
          complete = depth === 0;
        }
      } else if (code === byte.quote) inString = true;
      else if (code === byte.open || code === byte.openList) depth += 1;
      else if (code === byte.close || code === byte.closeList) {
        depth -= 1;
        complete = depth === 0;
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return { next: at, complete };
  }

  /** Files the captured bytes; false for a member name that is not JSON. */
  #finishValue(): boolean {
    const [only] = this.#pieces;
    const json = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    if (this.place === 'key-text') {
      this.place = 'colon';
      return this.#readName(json);
    }
    this.place = this.#inItems ? 'after-item' : 'after-member';
    this.#parts.push(this.#inItems ? { kind: 'item', json } : { kind: 'member', name: this.#name, json });
    return true;
  }

  #readName(json: Buffer): boolean {
    try {
      this.#name = String(JSON.parse(json.toString()));
      return true;
    } catch {
      return false;
    }
  }
}

/** What ends a number or a literal word. */
function isDelimiter(code: number): boolean {
  return code === byte.comma || code === byte.close || code === byte.closeList || code <= 0x20;
}

function notAList(): Outcome<never> {
  return fail('WP_KUBE_NOT_A_LIST', 'the API server sent something that is not a list');
}
