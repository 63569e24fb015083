import type { RowWatch, ServiceKey, ServiceRows, StatusRow } from '../model/mod.ts';

/** What a watch asks of the table of one family. */
export interface RowTable {
  listen(listener: (service: ServiceKey) => void): () => void;
  services(): Iterable<ServiceKey>;
  rowsOf(service: ServiceKey): readonly StatusRow[];
}

/**
 * Follows the tables of all families for one reader. What is remembered between two looks is the set of names that changed: a
 * Service that changes a hundred times is taken once, as it is then.
 */
export function watchRows(tables: readonly RowTable[]): RowWatch {
  const changed = new Set<ServiceKey>();
  for (const table of tables) for (const service of table.services()) changed.add(service);
  const ends = tables.map((table) => table.listen((service) => void changed.add(service)));
  return {
    take: (limit) => {
      const taken: ServiceRows[] = [];
      for (const service of changed) {
        if (taken.length >= limit) break;
        changed.delete(service);
        taken.push({ service, rows: tables.flatMap((table) => table.rowsOf(service)) });
      }
      return taken;
    },
    get waiting() {
      return changed.size;
    },
    close: () => {
      for (const end of ends) end();
      changed.clear();
    },
  };
}
