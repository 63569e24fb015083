import { parsePrefix } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';

/** The prefixes of a list that a check has seen already. */
export function parsePrefixes(texts: readonly string[]): readonly Prefix[] {
  return texts.map(parsePrefix).filter((prefix) => prefix !== null);
}
