import {
  createFakeIptables,
  createFakeSets,
  createIptablesDataPlane,
  createRuleStages,
  tableNames,
} from '../../src/iptables/mod.ts';
import { succeed } from '../../src/model/mod.ts';
import type { ApplyReport, Change, Family, TraceStage } from '../../src/model/mod.ts';
import { createFakeNftPort, createNftablesDataPlane, createTableStages, shareGenerations } from '../../src/nftables/mod.ts';
import type { TableState } from '../../src/nftables/mod.ts';
import { describePlane, readPlaneTable } from '../../src/nftables/plane.fixture.ts';

/** A data plane of one family on a fake kernel. */
export interface Kernel {
  apply(change: Change): Promise<void>;
  /** The rules as they stand, for packets to be walked through. */
  stages(): readonly TraceStage[];
  /** What the kernel holds, as text that two kernels share which do the same. */
  dump(): string;
}

function programmed(stages: readonly TraceStage[] | null): readonly TraceStage[] {
  if (stages === null) throw new Error('nothing was programmed yet');
  return stages;
}

function expectAccepted({ problem, failed }: ApplyReport): void {
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
}

/** Without sets, affinity falls back to what iptables alone can do. */
export function makeIptablesKernel(family: Family, withSets: boolean): Kernel {
  const port = createFakeIptables(family);
  const plane = createIptablesDataPlane({
    family,
    port,
    looks: port,
    sets: withSets ? createFakeSets(() => port.dump()) : null,
    dropInvalid: true,
    strays: null,
    allowLoopbackRouting: () => succeed(undefined),
    degraded: ({ message }) => {
      throw new Error(message);
    },
    pause: () => null,
    now: () => 0,
  });
  let stages: readonly TraceStage[] | null = null;
  return {
    async apply(change) {
      const report = await plane.apply(change);
      expectAccepted(report);
      if (report.operations === 0 && stages !== null) return;
      const saved = await port.save(tableNames);
      if (!saved.ok) throw new Error(saved.problem.message);
      stages = createRuleStages(saved.value, family);
    },
    stages: () => programmed(stages),
    dump: () => port.dump(),
  };
}

export function makeNftablesKernel(family: Family): Kernel {
  const port = createFakeNftPort();
  const generations = shareGenerations();
  const plane = createNftablesDataPlane({
    family,
    port,
    generations,
    serviceCidrs: [],
    strays: 'drop',
    pause: () => null,
    now: () => 0,
  });
  let table: TableState | null = null;
  let stages: readonly TraceStage[] | null = null;
  return {
    async apply(change) {
      const report = await plane.apply(change);
      expectAccepted(report);
      if (report.operations === 0 && table !== null) return;
      table = await readPlaneTable(port, family);
      stages = table === null ? null : createTableStages(table, family);
    },
    stages: () => programmed(stages),
    dump: () => describePlane(table),
  };
}
