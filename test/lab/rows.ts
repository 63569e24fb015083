import type { StatusRow } from '../../src/model/mod.ts';

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
