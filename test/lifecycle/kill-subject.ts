import type { Lab, Place } from '../lab/mod.ts';
import { nftablesVariant } from '../packets/variant.ts';
import { readForeignTable, readTables, resetTables } from './nftables-rules.ts';
import { describeForeign, describeRules, listSets, readRules, resetRules, setsNamed } from './ruleset.ts';
import type { Variant } from './ruleset.ts';
import { waitForRestore } from './running-tools.ts';

/** A mode whose agents are killed. */
export interface KillSubject {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly flags: readonly string[];
  /** The same, with an audit every second. */
  readonly audited: Readonly<Record<string, unknown>>;
  /** Leaves nothing in node1 but another program's rules. */
  reset(lab: Lab): Promise<void>;
  readForeign(lab: Lab): Promise<string>;
  /** All rules as text that two equal sets share. */
  readAll(lab: Lab): Promise<string>;
  /** Waits until the agent hands a change to the kernel, and says whether it did; null where no tool does it. */
  readonly waitForRestore: ((pid: number, timeoutMs: number) => Promise<boolean>) | null;
  /** What is there and what rules name, in two texts that are equal where nothing was left behind. */
  readStrays(place: Place, lab: Lab): Promise<readonly [there: string, named: string]>;
}

export function iptablesSubject(variant: Variant): KillSubject {
  const config = { mode: 'iptables', iptables: { minSyncPeriod: '0s', syncPeriod: '1h' } };
  return {
    name: `iptables-${variant}`,
    config,
    flags: [],
    audited: { ...config, iptables: { ...config.iptables, syncPeriod: '1s' } },
    reset: (lab) => resetRules(lab, lab.node1, variant),
    readForeign: async (lab) => describeForeign(await readRules(lab, lab.node1, variant)),
    readAll: async (lab) => describeRules(await readRules(lab, lab.node1, variant)),
    waitForRestore,
    readStrays: async (place, lab) => {
      const sets = await listSets(place);
      return [sets.join(), setsNamed(await readRules(lab, place, variant)).join()];
    },
  };
}

/** Its transactions are too short to be killed in the middle of one, and the kernel takes them whole or not at all. */
export function nftablesSubject(): KillSubject {
  const config = { mode: 'nftables', nftables: { minSyncPeriod: '0s', syncPeriod: '1h' } };
  const { name, flags } = nftablesVariant();
  return {
    name,
    config,
    flags,
    audited: { ...config, nftables: { ...config.nftables, syncPeriod: '1s' } },
    reset: (lab) => resetTables(lab.node1),
    readForeign: (lab) => readForeignTable(lab.node1),
    readAll: async (lab) => (await readTables(lab.node1, lab.families)).all,
    waitForRestore: null,
    readStrays: async (_, lab) => {
      const { sets, named } = await readTables(lab.node1, lab.families);
      return [sets, named];
    },
  };
}
