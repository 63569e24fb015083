import type { TableName } from './transaction.ts';

/** Names of tables out of `nft -j list tables`, of families that carry IP; null where the text is not of that kind. */
export function parseTableNames(text: string): readonly TableName[] | null {
  const entries = readEntries(text);
  if (entries === null) return null;
  return entries.flatMap((entry): readonly TableName[] => {
    const table = (entry as { readonly table?: { readonly family?: unknown; readonly name?: unknown } } | null)?.table;
    if (typeof table?.name !== 'string') return [];
    const { family, name } = table;
    return family === 'ip' || family === 'ip6' || family === 'inet' ? [{ family, name }] : [];
  });
}

function readEntries(text: string): readonly unknown[] | null {
  try {
    const { nftables } = JSON.parse(text) as { readonly nftables?: unknown };
    return Array.isArray(nftables) ? nftables : null;
  } catch {
    return null;
  }
}
