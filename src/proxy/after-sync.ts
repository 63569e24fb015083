import type { Address, DataPlaneSettings, Family, Problem, ServiceKey, Snapshot } from '../model/mod.ts';

/** What a successful sync or audit of one family has brought into the kernel. */
export interface AppliedSync {
  readonly family: Family;
  /** Services the kernel confirmed, deleted ones included; none for an audit. */
  readonly services: ReadonlySet<ServiceKey>;
  /** The state that was written; a newer one may be known already. */
  readonly snapshot: Snapshot;
  /** Every Service was looked at. */
  readonly complete: boolean;
  readonly settings: DataPlaneSettings;
  /** Addresses of this node that accept node ports; 127.0.0.1 stands for its whole network. */
  readonly localAddresses: readonly Address[];
}

/** Work that follows each successful sync of a family, before the next one may begin. */
export interface AfterSync {
  afterSync(applied: AppliedSync): Promise<void>;
}

/**
 * Runs the hooks in their order. A hook that throws is a bug: it is told as `WP_PROXY_AFTER_SYNC_BUG`, the
 * kernel is as it should be all the same, and the next hook runs.
 */
export async function runAfterSync(
  hooks: readonly AfterSync[],
  applied: AppliedSync,
  report: (problem: Problem) => void,
): Promise<void> {
  for (const hook of hooks) {
    try {
      await hook.afterSync(applied);
    } catch (cause) {
      report({ code: 'WP_PROXY_AFTER_SYNC_BUG', message: `what follows a sync failed unexpectedly: ${String(cause)}`, cause });
    }
  }
}
