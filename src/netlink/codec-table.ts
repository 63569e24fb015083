import { walkAttributes } from './attributes.ts';
import { readText } from './bytes.ts';
import { subsystems } from './codec-batch.ts';
import type { Message } from './message.ts';

/** `NFPROTO_*` as `nft` writes them. */
const familyNames: ReadonlyMap<number, string> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
]);

/**
 * `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`, `NFTA_SET_TABLE`, `NFTA_SET_ELEM_LIST_TABLE`, `NFTA_OBJ_TABLE` and
 * `NFTA_FLOWTABLE_TABLE` are all 1 (uapi/linux/netfilter/nf_tables.h).
 */
const tableAttribute = 1;

/** The table that a message about any object of nftables is about, with its family: `ip6 nat`. Null for other messages. */
export function readTableName(view: DataView, { type, start, end }: Message): string | null {
  if (type >> 8 !== subsystems.nftables || end - start < 4) return null;
  const family = familyNames.get(view.getUint8(start));
  let name: string | null = null;
  walkAttributes(view, start + 4, end, (attribute, from, to) => {
    if (attribute === tableAttribute) name = readText(view, from, to);
  });
  return family === undefined || name === null ? null : `${family} ${String(name)}`;
}
