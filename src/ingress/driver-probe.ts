import { openConnector } from '../netlink/mod.ts';
import type { Problem } from '../model/mod.ts';
import { ProgramProbes } from './driver-probe-exec.ts';
import { askPlainly } from './driver-probe-plain.ts';
import { askByTcp } from './driver-probe-tcp.ts';
import type { AskBackend } from './health-types.ts';

/** Checks of all kinds. */
export interface Probes {
  readonly ask: AskBackend;
  /** Why checks by TCP and HTTP cost three times as much as they could, or null. */
  readonly slowBecause: Problem | null;
  close(): void;
}

/** `programFolder`: where the programs of checks are, an absolute path; null: nowhere. */
export async function openProbes(programFolder: string | null): Promise<Probes> {
  const connector = await openConnector();
  const programs = new ProgramProbes(programFolder);
  const askNetwork = connector.ok ? askByTcp(connector.value) : askPlainly;
  return {
    ask: (target, answered) => (target.probe.kind === 'exec' ? programs.ask : askNetwork)(target, answered),
    slowBecause: connector.ok ? null : connector.problem,
    close() {
      programs.close();
      if (connector.ok) connector.value.close();
    },
  };
}
