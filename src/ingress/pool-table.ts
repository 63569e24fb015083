import { parseAddress } from '../model/mod.ts';
import type { Address, ServiceKey, StoredTable } from '../model/mod.ts';

/**
 * What the table says of one Service. The table is what makes it impossible to give one address twice: no status is written
 * before a row allows it, a row is only written over the version of the table it was decided from, and no address is in two
 * rows (unless shared). A Lease cannot give that: a leader that was cut off may have a request on its way for any length of time.
 *
 * `version` is the one version of the Service at which a status with addresses of `held` may be written. An address leaves `held` when
 * the Service, read after the row was known, is of another version and does not show it: then no request that is still on its way
 * can bring it back, because each carries a version that is past. Versions are compared for equality only.
 */
export interface TableRow {
  readonly key: ServiceKey;
  readonly version: string;
  readonly held: readonly Address[];
}

/** Rows by the uid of the Service: its successor of the same name is another Service. */
export type Table = ReadonlyMap<string, TableRow>;

/**
 * Octets that the rows of a table may have in all. A ConfigMap holds 1 MiB of values (core/v1 MaxSecretSize); with names the
 * object has to stay below what etcd takes, 1.5 MiB. A row with one IPv4 address is some 95 octets: about 10,000 Services.
 */
export const largestTable = 1_000_000;

/** Reads what is stored. A row that makes no sense holds nothing, and is left out. */
export function readTable(stored: StoredTable): Map<string, TableRow> {
  const table = new Map<string, TableRow>();
  for (const [uid, text] of stored.rows) {
    const [key = '', version = '', ...words] = text.split(' ');
    const held = words.map(parseAddress).filter((address) => address !== null);
    if (key.includes('/') && version !== '' && held.length > 0) table.set(uid, { key, version, held });
  }
  return table;
}

/** `namespace/name version address...`, readable with kubectl. */
export function renderRow({ key, version, held }: TableRow): string {
  return [key, version, ...held].join(' ');
}

/** Octets of all rows with their names. */
export function measureTable(table: Table): number {
  let size = 0;
  for (const [uid, row] of table) size += uid.length + renderRow(row).length;
  return size;
}
