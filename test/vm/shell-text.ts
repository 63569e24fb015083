/** A word as sh(1) reads it back, whatever it holds. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
