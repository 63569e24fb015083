import { sideKey } from '../model/mod.ts';
import type { SideChange, SideEntry } from '../model/mod.ts';

/** What side rules have to hold after a change, kept the plain way. */
export function followChange(entries: Map<string, SideEntry>, { set, remove }: SideChange): void {
  for (const key of remove) entries.delete(key);
  for (const entry of set) entries.set(sideKey(entry), entry);
}

/**
 * The parts of a table as the tool lists it, in an order that does not depend on its history: of the parts themselves,
 * and of the elements of a set.
 */
export function sortListing(text: string): readonly string[] {
  const blocks = text.split('\n\n').map((block) => block.replace(/^table .*\n/, '').replace(/\n\}\n$/, ''));
  return blocks.map(sortElements).toSorted();
}

function sortElements(block: string): string {
  return block.replace(/elements = \{([^}]*)\}/, (_, list: string) => {
    const elements = list.split(/,\s*\n\s*|,\s(?=\S+ \.|\S+ comment|0x)/).map((element) => element.trim());
    return `elements = { ${elements.toSorted().join(', ')} }`;
  });
}
