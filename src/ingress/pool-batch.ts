import type { LiveService, Stored } from '../model/mod.ts';
import { decideStep, isSameRow } from './pool-steps.ts';
import type { Step, Touch } from './pool-steps.ts';
import { largestTable, measureTable, renderRow } from './pool-table.ts';
import type { Table, TableRow } from './pool-table.ts';

/** A touch with the Service as it was read. */
export interface ReadTouch {
  readonly touch: Touch;
  readonly answer: Stored<LiveService>;
}

/** What is to be done for some Services at once. */
export interface Batch {
  /** Goes to the table first, in one request; null removes a row. */
  readonly rows: ReadonlyMap<string, TableRow | null>;
  /** Then each of these. */
  readonly writes: readonly { readonly touch: Touch; readonly version: string; readonly step: Step }[];
  /** Could not be decided: the Service was not readable, or is not what the plan took it for. */
  readonly undecided: readonly Touch[];
  /** Have no room in the table. */
  readonly tooMuch: readonly Touch[];
}

/** Decides about Services that were read after `table` was known. */
export function decideBatch(reads: readonly ReadTouch[], table: Table, className: string, limit = largestTable): Batch {
  const rows = new Map<string, TableRow | null>();
  const writes: { touch: Touch; version: string; step: Step }[] = [];
  const undecided: Touch[] = [];
  const tooMuch: Touch[] = [];
  let size = measureTable(table);
  for (const { touch, answer } of reads) {
    const before = table.get(touch.uid) ?? null;
    const live = answer.kind === 'done' ? answer.value : null;
    const isKnown = live !== null || answer.kind === 'missing';
    const step = isKnown ? decideStep(touch, before, live, className) : null;
    if (step === null) {
      undecided.push(touch);
      continue;
    }
    const growth = sizeOf(touch.uid, step.row) - sizeOf(touch.uid, before);
    if (growth > 0 && size + growth > limit) {
      tooMuch.push(touch);
      continue;
    }
    size += growth;
    if (!isSameRow(step.row, before)) rows.set(touch.uid, step.row);
    if (step.write !== null && live !== null) writes.push({ touch, version: live.version, step });
  }
  return { rows, writes, undecided, tooMuch };
}

function sizeOf(uid: string, row: TableRow | null): number {
  return row === null ? 0 : uid.length + renderRow(row).length;
}
