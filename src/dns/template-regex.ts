import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { parseRegex } from './template-regex-parse.ts';
import type { Assertion, RegexNode } from './template-regex-parse.ts';

/** What matched: the whole, then each group; empty where a group took no part. */
export type RegexMatch = readonly string[];

/**
 * A regular expression whose time grows with the length of expression and text alone. JavaScript's own go back and try
 * again, which a name that somebody asks for could make last for minutes.
 */
export interface Regex {
  /** Numbers of named groups. */
  readonly groups: ReadonlyMap<string, number>;
  /** The leftmost match, of those at one place the one that Perl would find; null for none, or for a text above the limit. */
  match(text: string): RegexMatch | null;
}

type Instruction =
  | { readonly kind: 'set'; readonly ranges: readonly number[] }
  | { readonly kind: 'split'; readonly first: number; readonly second: number }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'save'; readonly slot: number }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | { readonly kind: 'done' };

/** A name of 255 octets, each written as `\065`. */
const longestText = 1024;
const longestProgram = 2000;

/** Compiles an expression of Go's syntax. */
export function compileRegex(pattern: string): Outcome<Regex> {
  const parsed = parseRegex(pattern);
  if (typeof parsed === 'string') return fail('WP_DNS_REGEX', `the regular expression ${pattern} cannot be used: ${parsed}`);
  const program: Instruction[] = [];
  if (!emit(program, { kind: 'group', item: parsed.root, index: 0 })) {
    return fail('WP_DNS_REGEX', `the regular expression ${pattern} is too big`);
  }
  program.push({ kind: 'done' });
  const groups = new Map(parsed.groups.flatMap((name, index) => (name === null ? [] : [[name, index] as const])));
  const slots = parsed.groups.length * 2;
  const needed = neededText(parsed.root);
  const anchored = isAnchored(parsed.root);
  return succeed({
    groups,
    // Most names are not meant by most expressions, and looking for a piece of text is a hundred times faster.
    match: (text) => (text.length > longestText || !text.includes(needed) ? null : run({ program, slots, anchored }, text)),
  });
}

/** The longest text that every match has in it; empty where there is none. */
function neededText(node: RegexNode): string {
  if (node.kind === 'group') return neededText(node.item);
  if (node.kind === 'repeat') return node.min > 0 ? neededText(node.item) : '';
  if (node.kind !== 'sequence') return literalOf(node) ?? '';
  let [best, piece] = ['', ''];
  for (const item of node.items) {
    const literal = literalOf(item);
    if (literal !== null) piece += literal;
    // What stands between two places takes no room.
    else if (item.kind !== 'assertion') piece = '';
    for (const found of [piece, literal === null ? neededText(item) : '']) if (found.length > best.length) best = found;
  }
  return best;
}

/** The one character that a node stands for; null where it is another kind of node or more than one character would do. */
function literalOf(node: RegexNode): string | null {
  if (node.kind !== 'set' || node.ranges.length !== 2 || node.ranges[0] !== node.ranges[1]) return null;
  return String.fromCharCode(node.ranges[0] ?? 0);
}

/** Whether a match can only begin where the text does. */
function isAnchored(node: RegexNode): boolean {
  if (node.kind === 'group') return isAnchored(node.item);
  const [first] = node.kind === 'sequence' ? node.items : [node];
  return first !== undefined && first !== node ? isAnchored(first) : first?.kind === 'assertion' && first.what === 'text-start';
}

/** Appends the instructions of a node; false where there are too many. */
function emit(program: Instruction[], node: RegexNode): boolean {
  if (program.length > longestProgram) return false;
  switch (node.kind) {
    case 'set':
      program.push({ kind: 'set', ranges: node.ranges });
      return true;
    case 'assertion':
      program.push({ kind: 'assertion', what: node.what });
      return true;
    case 'sequence':
      return node.items.every((item) => emit(program, item));
    case 'choice':
      return emitChoice(program, node.items);
    case 'group': {
      program.push({ kind: 'save', slot: node.index * 2 });
      if (!emit(program, node.item)) return false;
      program.push({ kind: 'save', slot: node.index * 2 + 1 });
      return true;
    }
    case 'repeat':
      return emitRepeat(program, node);
  }
}

function emitChoice(program: Instruction[], items: readonly RegexNode[]): boolean {
  const jumps: number[] = [];
  for (const [index, item] of items.entries()) {
    const last = index === items.length - 1;
    const split = program.length;
    if (!last) program.push({ kind: 'jump', to: 0 });
    if (!emit(program, item)) return false;
    if (last) continue;
    jumps.push(program.length);
    program.push({ kind: 'jump', to: 0 });
    program[split] = { kind: 'split', first: split + 1, second: program.length };
  }
  for (const jump of jumps) program[jump] = { kind: 'jump', to: program.length };
  return true;
}

function emitRepeat(program: Instruction[], node: RegexNode & { readonly kind: 'repeat' }): boolean {
  for (let count = 0; count < node.min; count += 1) if (!emit(program, node.item)) return false;
  const fork = (at: number, enter: number, leave: number): void => {
    program[at] = node.greedy ? { kind: 'split', first: enter, second: leave } : { kind: 'split', first: leave, second: enter };
  };
  const splits: number[] = [];
  const optional = node.max === Infinity ? 1 : node.max - node.min;
  for (let count = 0; count < optional; count += 1) {
    splits.push(program.length);
    program.push({ kind: 'jump', to: 0 });
    if (!emit(program, node.item)) return false;
  }
  if (node.max === Infinity) program.push({ kind: 'jump', to: splits[0] ?? 0 });
  for (const split of splits) fork(split, split + 1, program.length);
  return true;
}

/** A place in the program, and what the groups have caught on the way there. */
interface Thread {
  readonly at: number;
  readonly saved: readonly number[];
}

interface Program {
  readonly program: readonly Instruction[];
  readonly slots: number;
  readonly anchored: boolean;
}

/** Thompson's simulation: all threads step together, and no place in the program has two threads. */
function run({ program, slots, anchored }: Program, text: string): RegexMatch | null {
  const visited = new Int32Array(program.length).fill(-1);
  const nothing: readonly number[] = Array.from({ length: slots }, () => -1);
  let threads: Thread[] = [];
  let best: readonly number[] | null = null;
  for (let position = 0; position <= text.length; position += 1) {
    // A new attempt starts here unless one that began further left has matched.
    const current: Thread[] = [];
    for (const { at, saved } of threads) follow(program, visited, current, at, saved, text, position);
    const begins = best === null && (!anchored || position === 0);
    if (begins) follow(program, visited, current, 0, nothing, text, position);
    if (current.length === 0 && (best !== null || anchored)) break;
    threads = [];
    const code = text.charCodeAt(position);
    for (const thread of current) {
      const instruction = program[thread.at];
      if (instruction?.kind === 'done') {
        best = thread.saved;
        // Threads behind it are of lower preference.
        break;
      }
      if (instruction?.kind === 'set' && holds(instruction.ranges, code))
        threads.push({ at: thread.at + 1, saved: thread.saved });
    }
  }
  return best === null ? null : cut(text, best);
}

/** Adds the threads that can be reached without a character, the preferred ones first. Not recursive: programs may be long. */
function follow(
  program: readonly Instruction[],
  visited: Int32Array,
  threads: Thread[],
  start: number,
  saved: readonly number[],
  text: string,
  position: number,
): void {
  const stack: Thread[] = [{ at: start, saved }];
  for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
    if (visited[thread.at] === position) continue;
    visited[thread.at] = position;
    const instruction = program[thread.at];
    if (instruction === undefined) continue;
    if (instruction.kind === 'jump') stack.push({ at: instruction.to, saved: thread.saved });
    else if (instruction.kind === 'split') {
      stack.push({ at: instruction.second, saved: thread.saved }, { at: instruction.first, saved: thread.saved });
    } else if (instruction.kind === 'save') {
      stack.push({ at: thread.at + 1, saved: thread.saved.with(instruction.slot, position) });
    } else if (instruction.kind === 'assertion') {
      if (isTrue(instruction.what, text, position)) stack.push({ at: thread.at + 1, saved: thread.saved });
    } else threads.push(thread);
  }
}

function holds(ranges: readonly number[], code: number): boolean {
  for (let at = 0; at < ranges.length; at += 2) {
    if (code >= (ranges[at] ?? 0) && code <= (ranges[at + 1] ?? 0)) return true;
  }
  return false;
}

function isTrue(what: Assertion, text: string, position: number): boolean {
  switch (what) {
    case 'text-start':
      return position === 0;
    case 'text-end':
      return position === text.length;
    case 'line-start':
      return position === 0 || text[position - 1] === '\n';
    case 'line-end':
      return position === text.length || text[position] === '\n';
    case 'word-edge':
    case 'no-word-edge':
      return (isWord(text[position - 1]) !== isWord(text[position])) === (what === 'word-edge');
  }
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /\w/.test(character);
}

function cut(text: string, saved: readonly number[]): RegexMatch {
  const result: string[] = [];
  for (let slot = 0; slot < saved.length; slot += 2) {
    const [from = -1, to = -1] = saved.slice(slot, slot + 2);
    result.push(from < 0 || to < 0 ? '' : text.slice(from, to));
  }
  return result;
}
