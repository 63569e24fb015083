/** A word of a Corefile. */
export interface Token {
  readonly text: string;
  /** A quoted word is never a brace or an `import`. */
  readonly quoted: boolean;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** The first of its line: a new directive or option begins. */
  readonly first: boolean;
}

export interface Lexed {
  readonly tokens: readonly Token[];
  /** The line of a quotation mark that is not closed; null: all are. */
  readonly openQuote: number | null;
}

/**
 * Cuts a Corefile into words. Blanks separate; a `#` outside of quotes begins a comment, also inside of a word; a quotation
 * mark at the start of a word quotes up to the next one, over lines too, and there a backslash escapes nothing but
 * quotation marks (so that regular expressions are written as they are).
 */
export function lexCorefile(text: string, file: string): Lexed {
  const tokens: Token[] = [];
  let line = 1;
  let lastLine = 0;
  let openQuote: number | null = null;
  for (const [part] of text.matchAll(/\r?\n|[^\S\n]+|#[^\n]*|"(?:[^"\\]|\\[^])*"?\\?|[^\s#]+/g)) {
    const breaks = part.split('\n').length - 1;
    const quoted = part.startsWith('"');
    if (!quoted && (part.trim() === '' || part.startsWith('#') || part === '\uFEFF')) {
      line += breaks;
      continue;
    }
    if (quoted && !/^"(?:[^"\\]|\\[^])*"$/.test(part)) openQuote ??= line;
    const word = quoted ? part.replace(/^"/, '').replace(/"$/, '').replaceAll('\\"', '"') : part.replace(/^\uFEFF/, '');
    tokens.push({ text: word, quoted, file, line, first: line !== lastLine });
    line += breaks;
    lastLine = line;
  }
  return { tokens, openQuote };
}

/** Puts the values of environment variables in: `{$NAME}` and `{%NAME%}`; one that is not set is empty. */
export function fillVariables(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(/\{\$([^{}\s]+)\}|\{%([^{}\s]+)%\}/g, (_, dollar: string | undefined, percent: string | undefined) => {
    const name = dollar ?? percent ?? '';
    return Object.hasOwn(env, name) ? (env[name] ?? '') : '';
  });
}
