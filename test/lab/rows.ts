import type { Family, StatusRow } from '../../src/model/mod.ts';

/** Reads the answer of `/services`. Throws on anything but a list of rows: the format is an interface. */
export function parseRows(body: string): readonly StatusRow[] {
  const rows: unknown = (JSON.parse(body) as { readonly rows?: unknown } | null)?.rows;
  if (!Array.isArray(rows) || !rows.every(isRow)) throw new TypeError(`no rows in ${body.slice(0, 200)}`);
  return rows;
}

function isRow(value: unknown): value is StatusRow {
  const row = value as Partial<StatusRow> | null;
  return (
    typeof row === 'object' &&
    row !== null &&
    [row.family, row.service, row.kind, row.protocol, row.state, row.reason].every((field) => typeof field === 'string') &&
    typeof row.backends === 'number'
  );
}

/**
 * Whether each of the families has rows of the Service. Families are planned one by one, and a Service that is new has no
 * rows before: those of one family say nothing of the other.
 */
export function hasEachFamily(rows: readonly StatusRow[], service: string, families: readonly Family[]): boolean {
  return families.every((family) => rows.some((row) => row.family === family && row.service === service));
}
