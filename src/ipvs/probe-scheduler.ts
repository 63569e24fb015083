import type { Family, Outcome, Problem } from '../model/mod.ts';
import { ipvsProblem } from './errors.ts';
import type { IpvsOperation, IpvsReport } from './port.ts';
import type { ServerKey } from './virtual-server.ts';

export interface SchedulerProbe {
  readonly family: Family;
  readonly scheduler: string;
  /** Marks of the virtual servers there are. */
  readonly marks: () => Promise<Outcome<ReadonlySet<number>>>;
  readonly apply: (operations: readonly IpvsOperation[]) => Promise<IpvsReport>;
}

/**
 * Finds out whether the kernel has a scheduler by using it: adds a virtual server for a mark that has none and deletes it. Null
 * if it has, else why not.
 */
export async function probeScheduler({ family, scheduler, marks, apply }: SchedulerProbe): Promise<Problem | null> {
  const taken = await marks();
  if (!taken.ok) return taken.problem;
  const key: ServerKey = { kind: 'mark', family, mark: unusedMark(taken.value) };
  const server = { key, scheduler, schedulerFlags: [], persistence: null, onePacket: false, persistenceEngine: null };
  const added = (await apply([{ verb: 'add-server', server }])).verdicts[0] ?? null;
  if (added?.code === 'WP_IPVS_NO_SCHEDULER') {
    const message = `scheduler ${scheduler}: the kernel has none of this name, and no module ip_vs_${scheduler} could be loaded`;
    return ipvsProblem('WP_IPVS_NO_SCHEDULER', message, added);
  }
  if (added !== null) return added;
  return (await apply([{ verb: 'delete-server', key }])).verdicts[0] ?? null;
}

/** The highest mark without a server; nobody counts marks down from there. */
function unusedMark(taken: ReadonlySet<number>): number {
  let mark = 2 ** 32 - 1;
  while (taken.has(mark)) mark -= 1;
  return mark;
}
