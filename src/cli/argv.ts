import { bareFlags, flagSpecs } from '../config/mod.ts';

const known = new Set([...flagSpecs.map(({ name }) => name), 'help', 'version']);

/** Flags that never have a value. */
const alone: ReadonlySet<string> = new Set(['--help', '--migrate']);

/**
 * Brings the flags of `waypost run` from the syntax of Go's pflag to one that any parser reads: dashes for
 * underscores in names, a value for every boolean that stands alone, `--v=4` for `-v=4`. Values are left alone. `more`
 * names flags that a command has besides.
 */
export function normaliseArguments(words: readonly string[], more: readonly string[] = []): readonly string[] {
  const normal: string[] = [];
  let isValue = false;
  for (const [index, word] of words.entries()) {
    if (word === '--' && !isValue) return [...normal, ...words.slice(index)];
    if (isValue || !word.startsWith('-')) {
      normal.push(word);
      isValue = false;
      continue;
    }
    const flag = normaliseFlag(word, more);
    normal.push(flag);
    isValue = (flag.startsWith('--') || flag === '-v') && !flag.includes('=') && !alone.has(flag);
  }
  return normal;
}

function normaliseFlag(word: string, more: readonly string[]): string {
  const text = word.startsWith('-v=') ? `-${word}` : word;
  const equals = text.indexOf('=');
  const end = equals < 0 ? text.length : equals;
  const name = text.slice(0, end).replaceAll('_', '-');
  // The value of an unknown flag would only spoil the suggestion of the nearest name.
  const flag =
    name.startsWith('--') && !known.has(name.slice(2)) && !more.includes(name.slice(2)) ? name : name + text.slice(end);
  return equals < 0 && bareFlags.has(flag.slice(2)) ? `${flag}=true` : flag;
}
