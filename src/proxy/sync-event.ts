import type { ApplyReport, Family, Problem } from '../model/mod.ts';
import type { PendingChanges } from './change-tracker.ts';
import type { PortCounts } from './no-local-endpoints.ts';

/** An audit reads the kernel back; a partial sync writes some Services, a full one all of them. */
export type SyncKind = 'full' | 'partial' | 'audit';

/** A step of one family's work, for those who measure it. Times are milliseconds. */
export type SyncEvent =
  /** Records of the API changed; the counts are of this change alone. */
  | {
      readonly kind: 'changed';
      readonly family: Family;
      readonly services: number;
      readonly slices: number;
      readonly pending: PendingChanges;
    }
  /** A sync was asked for. `at` counts from 1970. */
  | { readonly kind: 'queued'; readonly family: Family; readonly at: number }
  /** An attempt begins; what it takes in is no longer pending. */
  | {
      readonly kind: 'started';
      readonly family: Family;
      readonly sync: SyncKind;
      readonly services: number;
      readonly pending: PendingChanges;
    }
  /** The attempt is over. The report is null where a bug ended it. */
  | {
      readonly kind: 'ended';
      readonly family: Family;
      readonly sync: SyncKind;
      readonly took: number;
      readonly problem: Problem | null;
      readonly report: ApplyReport | null;
    }
  /** For each slice change that is now in the kernel: the time since what caused it happened. */
  | { readonly kind: 'programmed'; readonly family: Family; readonly latencies: readonly number[] }
  /** The attempt was a success, its hooks have not run yet. `at` counts from 1970. */
  | { readonly kind: 'succeeded'; readonly family: Family; readonly at: number; readonly noLocalEndpoints: PortCounts };

/** Told of every step. Must be quick and must not throw. */
export type SyncObserver = (event: SyncEvent) => void;
