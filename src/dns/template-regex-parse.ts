/** A regular expression as a tree. Characters are octets of text; a set is a list of inclusive ranges `[from, to, …]`. */
export type RegexNode =
  | { readonly kind: 'set'; readonly ranges: readonly number[] }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly item: RegexNode; readonly min: number; readonly max: number; readonly greedy: boolean }
  | { readonly kind: 'group'; readonly item: RegexNode; readonly index: number }
  | { readonly kind: 'assertion'; readonly what: Assertion };

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge';

export interface ParsedRegex {
  readonly root: RegexNode;
  /** Names of groups by number; null for a group without one. The first stands for the whole match. */
  readonly groups: readonly (string | null)[];
}

interface Flags {
  readonly fold: boolean;
  readonly dotAll: boolean;
  readonly lines: boolean;
  readonly lazy: boolean;
}

const highest = 0xffff;
const everything = [0, highest];
const digit = [0x30, 0x39];
const word = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const space = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20];
const posixClasses: Readonly<Record<string, readonly number[]>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  digit,
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word,
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};
const escapeClasses: Readonly<Record<string, readonly number[]>> = {
  d: digit,
  D: invert(digit),
  w: word,
  W: invert(word),
  s: space,
  S: invert(space),
};
const controlEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const assertionEscapes: Readonly<Record<string, Assertion>> = {
  A: 'text-start',
  z: 'text-end',
  b: 'word-edge',
  B: 'no-word-edge',
};
/** Go allows no more of either. */
const mostRepeats = 1000;
const deepestNesting = 100;

/**
 * Reads a regular expression in the syntax of Go's package regexp (RE2). Look-around and back-references do not exist
 * there; classes of Unicode (`\pL`) mean nothing in a name, which is ASCII text, and are refused. The other result is a
 * sentence that says what is wrong.
 */
export function parseRegex(pattern: string): ParsedRegex | string {
  return new Parser(pattern).parse();
}

/** What is in none of the ranges. */
function invert(ranges: readonly number[]): number[] {
  const sorted: [number, number][] = [];
  for (let at = 0; at < ranges.length; at += 2) sorted.push([ranges[at] ?? 0, ranges[at + 1] ?? 0]);
  sorted.sort(([a], [b]) => a - b);
  const result: number[] = [];
  let next = 0;
  for (const [from, to] of sorted) {
    if (from > next) result.push(next, from - 1);
    next = Math.max(next, to + 1);
  }
  if (next <= highest) result.push(next, highest);
  return result;
}

/** The ranges with the letters of the other case (ASCII alone). */
function foldRanges(ranges: readonly number[]): number[] {
  const result = [...ranges];
  for (let at = 0; at < ranges.length; at += 2) {
    const [from = 0, to = 0] = ranges.slice(at, at + 2);
    const [upperFrom, upperTo] = [Math.max(from, 0x41), Math.min(to, 0x5a)];
    if (upperFrom <= upperTo) result.push(upperFrom + 0x20, upperTo + 0x20);
    const [lowerFrom, lowerTo] = [Math.max(from, 0x61), Math.min(to, 0x7a)];
    if (lowerFrom <= lowerTo) result.push(lowerFrom - 0x20, lowerTo - 0x20);
  }
  return result;
}

/** Recursive descent. The first problem ends the text, so that every loop comes to its end. */
class Parser {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  #problem: string | null = null;
  readonly #groups: (string | null)[] = [null];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): ParsedRegex | string {
    const root = this.#choice({ fold: false, dotAll: false, lines: false, lazy: false });
    if (this.#problem === null && this.#at < this.#pattern.length) this.#fail('a ) without its (');
    return this.#problem ?? { root, groups: this.#groups };
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
    this.#at = this.#pattern.length;
  }

  #take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    const found = expression.exec(this.#pattern.slice(this.#at));
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  /** Flags that are set in the middle of a sequence hold to the end of the group. */
  #choice(outer: Flags): RegexNode {
    let flags = outer;
    const items: RegexNode[] = [];
    let sequence: RegexNode[] = [];
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== ')') {
      if (this.#take('|')) {
        items.push({ kind: 'sequence', items: sequence });
        sequence = [];
        continue;
      }
      const change = this.#match(/^\(\?([imsU]*)(?:-([imsU]+))?\)/);
      if (change !== null) flags = changeFlags(flags, change[1] ?? '', change[2] ?? '');
      else sequence.push(this.#repeat(flags));
    }
    items.push({ kind: 'sequence', items: sequence });
    const [only] = items;
    return items.length === 1 && only !== undefined ? only : { kind: 'choice', items };
  }

  #repeat(flags: Flags): RegexNode {
    let item = this.#atom(flags);
    for (let count = 0; ; count += 1) {
      const found = this.#match(/^(?:([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\})(\??)/);
      if (found === null) return item;
      if (count > 0) {
        this.#fail('one repetition follows another');
        return item;
      }
      const [min, max] = boundsOf(found);
      if (min > mostRepeats || (max !== Infinity && max > mostRepeats) || max < min) {
        this.#fail(`the repetition ${found[0]} is none from 0 to ${mostRepeats}`);
      }
      item = { kind: 'repeat', item, min, max, greedy: (found[5] === '') !== flags.lazy };
    }
  }

  #atom(flags: Flags): RegexNode {
    const character = this.#pattern[this.#at] ?? '';
    this.#at += 1;
    if (character === '(') return this.#group(flags);
    if (character === '[') return set(this.#brackets(flags), flags);
    if (character === '\\') return this.#escape(flags);
    if (character === '.') return { kind: 'set', ranges: flags.dotAll ? everything : invert([10, 10]) };
    if (character === '^') return { kind: 'assertion', what: flags.lines ? 'line-start' : 'text-start' };
    if (character === '$') return { kind: 'assertion', what: flags.lines ? 'line-end' : 'text-end' };
    if ('*+?'.includes(character)) this.#fail(`${character} has nothing to repeat`);
    return set([character.charCodeAt(0), character.charCodeAt(0)], flags);
  }

  #group(outer: Flags): RegexNode {
    let flags = outer;
    let name: string | null = null;
    let counted = true;
    const plain = this.#match(/^\?([imsU]*)(?:-([imsU]+))?:/);
    const named = plain === null ? this.#match(/^\?P?<([A-Za-z_]\w*)>/) : null;
    if (plain !== null) {
      flags = changeFlags(outer, plain[1] ?? '', plain[2] ?? '');
      counted = false;
    } else if (named !== null) {
      name = named[1] ?? '';
      if (this.#groups.includes(name)) this.#fail(`two groups have the name ${name}`);
    } else if (this.#take('?')) {
      this.#fail(`(?${this.#pattern.slice(this.#at, this.#at + 2)} is no kind of group that Go's regular expressions have`);
    }
    const index = counted ? this.#groups.push(name) - 1 : 0;
    this.#depth += 1;
    if (this.#depth > deepestNesting) this.#fail(`groups are nested deeper than ${deepestNesting}`);
    const item = this.#choice(flags);
    this.#depth -= 1;
    if (!this.#take(')')) this.#fail('a ( without its )');
    return counted ? { kind: 'group', item, index } : item;
  }

  #escape(flags: Flags): RegexNode {
    const character = this.#pattern[this.#at] ?? '';
    if (this.#take('Q')) {
      const quoted = this.#match(/^[^]*?(?:\\E|$)/)?.[0].replace(/\\E$/, '') ?? '';
      return { kind: 'sequence', items: Array.from(quoted, (one) => set([one.charCodeAt(0), one.charCodeAt(0)], flags)) };
    }
    const what = assertionEscapes[character];
    if (what !== undefined) {
      this.#at += 1;
      return { kind: 'assertion', what };
    }
    return set(this.#escapedSet(), flags);
  }

  /** What stands behind a backslash, inside brackets and outside. */
  #escapedSet(): readonly number[] {
    const character = this.#pattern[this.#at] ?? '';
    const named = Object.hasOwn(escapeClasses, character) ? escapeClasses[character] : undefined;
    const control = Object.hasOwn(controlEscapes, character) ? controlEscapes[character] : undefined;
    const hex = this.#match(/^x(?:\{([0-9a-fA-F]{1,4})\}|([0-9a-fA-F]{2}))/);
    if (hex !== null) return single(Number.parseInt(hex[1] ?? hex[2] ?? '', 16));
    const octal = this.#match(/^0[0-7]{0,2}|^[1-7][0-7]{1,2}/);
    if (octal !== null) return single(Number.parseInt(octal[0], 8));
    this.#at += 1;
    if (named !== undefined) return named;
    if (control !== undefined) return single(control);
    if (character === '' || /[0-9A-Za-z]/.test(character) || character.charCodeAt(0) > 127) {
      this.#fail(`\\${character} is not supported`);
    }
    return single(character.charCodeAt(0));
  }

  #brackets(flags: Flags): readonly number[] {
    const negated = this.#take('^');
    const ranges: number[] = [];
    for (let first = true; first || this.#pattern[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#pattern.length) {
        this.#fail('a [ without its ]');
        return ranges;
      }
      ranges.push(...this.#bracketItem());
    }
    this.#at += 1;
    const folded = flags.fold ? foldRanges(ranges) : ranges;
    return negated ? invert(folded) : folded;
  }

  #bracketItem(): readonly number[] {
    const posix = this.#match(/^\[:(\^?)([a-z]+):\]/);
    if (posix !== null) {
      const ranges = Object.hasOwn(posixClasses, posix[2] ?? '') ? posixClasses[posix[2] ?? ''] : undefined;
      if (ranges === undefined) this.#fail(`${posix[0]} is no class of characters`);
      return posix[1] === '^' ? invert(ranges ?? []) : (ranges ?? []);
    }
    const low = this.#bracketCharacter();
    if (low.length !== 2 || low[0] !== low[1] || !/^-[^\]]/.test(this.#pattern.slice(this.#at, this.#at + 2))) return low;
    this.#at += 1;
    const high = this.#bracketCharacter();
    if (high.length !== 2 || high[0] !== high[1] || (high[0] ?? 0) < (low[0] ?? 0)) this.#fail('a range in [ ] has no order');
    return [low[0] ?? 0, high[0] ?? 0];
  }

  #bracketCharacter(): readonly number[] {
    if (this.#take('\\')) return this.#escapedSet();
    const code = this.#pattern.charCodeAt(this.#at);
    this.#at += 1;
    return single(code);
  }
}

function single(code: number): readonly number[] {
  return [code, code];
}

function set(ranges: readonly number[], flags: Flags): RegexNode {
  return { kind: 'set', ranges: flags.fold ? foldRanges(ranges) : ranges };
}

function changeFlags(flags: Flags, on: string, off: string): Flags {
  const after = (letter: string, before: boolean): boolean => (on.includes(letter) || before) && !off.includes(letter);
  return {
    fold: after('i', flags.fold),
    dotAll: after('s', flags.dotAll),
    lines: after('m', flags.lines),
    lazy: after('U', flags.lazy),
  };
}

function boundsOf([, sign, least = '0', comma, most = '']: RegExpExecArray): readonly [number, number] {
  if (sign !== undefined) return [sign === '+' ? 1 : 0, sign === '?' ? 1 : Infinity];
  const min = Number(least);
  if (comma === undefined) return [min, min];
  return [min, most === '' ? Infinity : Number(most)];
}
