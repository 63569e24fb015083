import { fillVariables, lexCorefile } from './corefile-lex.ts';
import type { Token } from './corefile-lex.ts';
import type { NamedText, Notes } from './settings-reading.ts';

/** A directive or an option: its words, and the lines of its block if it has one. */
export interface Line {
  readonly words: readonly [Token, ...Token[]];
  readonly body: readonly Line[] | null;
}

/** A server block: the zones before its brace, and its directives. */
export interface BlockTree {
  readonly keys: readonly Token[];
  readonly lines: readonly Line[];
}

export interface TreeOptions {
  readonly fileName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The files that the pattern of an `import` stands for, seen from the file that it stands in; null: none, and none may be missing. */
  readonly readImport: (pattern: string, from: string) => readonly NamedText[] | null;
  /** What is put in place of words that a deployment fills in, such as `__PILLAR__DNS__DOMAIN__`. */
  readonly fill?: ReadonlyMap<string, string>;
}

/** Imports may nest so deep, and make so many words; more is a circle. */
const deepestImport = 20;
const mostTokens = 200_000;

/** Reads the structure of a Corefile: snippets and imports put in, variables filled, words in lines and lines in blocks. */
export function readTree(text: string, options: TreeOptions, notes: Notes): readonly BlockTree[] {
  const expander = new Expander(options, notes);
  expander.addFile({ name: options.fileName, text }, 0);
  return notes.problems.length > 0 ? [] : new TreeReader(expander.tokens, notes).readBlocks();
}

export function placeOf(token: Token): string {
  return `${token.file}:${token.line}`;
}

function complain(notes: Notes, token: Token, sentence: string): void {
  notes.problems.push({ code: 'WP_DNS_COREFILE_SYNTAX', message: `${placeOf(token)}: ${sentence}` });
}

/** Makes the words that the reader sees. */
class Expander {
  readonly tokens: Token[] = [];
  readonly #options: TreeOptions;
  readonly #notes: Notes;
  readonly #snippets = new Map<string, readonly Token[]>();

  constructor(options: TreeOptions, notes: Notes) {
    this.#options = options;
    this.#notes = notes;
  }

  addFile({ name, text }: NamedText, depth: number): void {
    const { tokens, openQuote } = lexCorefile(text, name);
    if (openQuote !== null) {
      this.#notes.problems.push({
        code: 'WP_DNS_COREFILE_SYNTAX',
        message: `${name}:${openQuote}: the quotation mark is not closed`,
      });
    }
    this.#add(tokens, depth);
  }

  #add(tokens: readonly Token[], depth: number): void {
    let nesting = 0;
    for (let at = 0; at < tokens.length; at += 1) {
      const token = tokens[at];
      if (token === undefined || this.#notes.problems.length > 0) return;
      const next = tokens[at + 1];
      const snippet = nesting === 0 && !token.quoted && isBrace(next, '{') ? /^\((.+)\)$/.exec(token.text)?.[1] : undefined;
      if (snippet !== undefined) {
        const end = findEnd(tokens, at + 1);
        this.#addSnippet(token, snippet, tokens.slice(at + 2, end), end < tokens.length);
        at = end;
      } else if (token.first && !token.quoted && token.text === 'import') {
        const pattern = next === undefined || next.first ? null : next;
        const surplus = pattern === null ? undefined : tokens[at + 2];
        if (surplus !== undefined && !surplus.first && !isBrace(surplus, '}')) {
          complain(this.#notes, surplus, `import: arguments such as "${surplus.text}" are not supported`);
        }
        this.#import(token, pattern, depth);
        if (pattern !== null) at += 1;
      } else {
        if (isBrace(token, '{')) nesting += 1;
        if (isBrace(token, '}')) nesting -= 1;
        this.#push(token);
      }
    }
  }

  #push(token: Token): void {
    if (this.tokens.length >= mostTokens) complain(this.#notes, token, `the configuration has more than ${mostTokens} words`);
    else this.tokens.push({ ...token, text: fillVariables(fillWords(token.text, this.#options.fill), this.#options.env) });
  }

  #addSnippet(token: Token, name: string, tokens: readonly Token[], closed: boolean): void {
    if (!closed) complain(this.#notes, token, `the snippet ${name} has no closing brace`);
    if (this.#snippets.has(name)) complain(this.#notes, token, `there are two snippets ${name}`);
    this.#snippets.set(name, tokens);
  }

  #import(token: Token, pattern: Token | null, depth: number): void {
    const wanted = pattern === null ? '' : fillVariables(pattern.text, this.#options.env);
    const snippet = this.#snippets.get(wanted);
    if (wanted === '') complain(this.#notes, token, 'import: the name of a snippet or file is missing');
    else if (depth >= deepestImport)
      complain(this.#notes, token, `import: ${wanted} imports itself, or imports nest deeper than ${deepestImport}`);
    else if (snippet === undefined) this.#importFiles(token, wanted, depth);
    else this.#add(snippet, depth + 1);
  }

  #importFiles(token: Token, pattern: string, depth: number): void {
    const files = this.#options.readImport(pattern, token.file) ?? [];
    for (const file of files) this.addFile(file, depth + 1);
    if (files.length > 0) return;
    const message = `${placeOf(token)}: import: there is no snippet and no file ${pattern}`;
    // A pattern is often there for additions that a cluster does not have.
    if (/[*?[]/.test(pattern)) this.#notes.warnings.push({ code: 'WP_DNS_COREFILE_IMPORT', message });
    else this.#notes.problems.push({ code: 'WP_DNS_COREFILE_IMPORT', message });
  }
}

function fillWords(text: string, fill: ReadonlyMap<string, string> | undefined): string {
  if (fill === undefined || !text.includes('__')) return text;
  return [...fill].reduce((filled, [word, value]) => filled.replaceAll(word, () => value), text);
}

function isBrace(token: Token | undefined, brace: '{' | '}'): boolean {
  return token !== undefined && !token.quoted && token.text === brace;
}

/** The index of the brace that closes the one at an index; the length where none does. */
function findEnd(tokens: readonly Token[], open: number): number {
  let nesting = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (isBrace(tokens[at], '{')) nesting += 1;
    if (isBrace(tokens[at], '}')) nesting -= 1;
    if (nesting === 0) return at;
  }
  return tokens.length;
}

/** Puts words into lines and lines into blocks. */
class TreeReader {
  readonly #tokens: readonly Token[];
  readonly #notes: Notes;
  #at = 0;

  constructor(tokens: readonly Token[], notes: Notes) {
    this.#tokens = tokens;
    this.#notes = notes;
  }

  readBlocks(): readonly BlockTree[] {
    const blocks: BlockTree[] = [];
    while (this.#at < this.#tokens.length && this.#notes.problems.length === 0) {
      const keys = this.#readKeys();
      const open = this.#tokens[this.#at];
      const [key] = keys;
      if (key === undefined) {
        if (open !== undefined) complain(this.#notes, open, `found ${open.text} where the zone of a server block is needed`);
        break;
      }
      if (isBrace(open, '{')) {
        this.#at += 1;
        blocks.push({ keys, lines: this.#readLines(open ?? key, 1) });
      } else {
        // A file of one block may leave out the braces: all the rest is that block.
        if (blocks.length > 0) complain(this.#notes, key, `the server block ${key.text} has no opening brace`);
        blocks.push({ keys, lines: this.#readLines(null, 0) });
      }
    }
    return blocks;
  }

  /** Zones stand on one line, or on several where a comma says that more come. */
  #readKeys(): readonly Token[] {
    const keys: Token[] = [];
    for (let more = true; this.#at < this.#tokens.length; this.#at += 1) {
      const token = this.#tokens[this.#at];
      if (token === undefined || isBrace(token, '{') || isBrace(token, '}')) break;
      if (token.first && !more) break;
      more = token.text.endsWith(',');
      for (const text of token.text.split(',')) if (text !== '') keys.push({ ...token, text });
    }
    return keys;
  }

  /** Lines up to the closing brace, which is taken too; up to the end without an opening one. */
  #readLines(open: Token | null, depth: number): readonly Line[] {
    const lines: Line[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === undefined) {
        if (open !== null) complain(this.#notes, open, 'the brace is not closed');
        return lines;
      }
      this.#at += 1;
      if (isBrace(token, '}')) {
        if (open === null) complain(this.#notes, token, 'there is no brace to be closed');
        return lines;
      }
      if (isBrace(token, '{')) complain(this.#notes, token, 'a directive is missing before the brace');
      lines.push(this.#readLine(token, depth));
    }
  }

  #readLine(first: Token, depth: number): Line {
    const words: [Token, ...Token[]] = [first];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (isBrace(token, '{') && token !== undefined) {
        this.#at += 1;
        if (depth > 10) complain(this.#notes, token, 'blocks are nested too deep');
        return { words, body: depth > 10 ? [] : this.#readLines(token, depth + 1) };
      }
      if (token === undefined || token.first || isBrace(token, '}')) return { words, body: null };
      words.push(token);
      this.#at += 1;
    }
  }
}
