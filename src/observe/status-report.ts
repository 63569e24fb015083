import type { StatusRow } from '../model/mod.ts';

/** What `GET /services` answers. */
export interface StatusReport {
  readonly mode: string;
  /** The first complete sync is done. */
  readonly synced: boolean;
  readonly rows: readonly StatusRow[];
}
