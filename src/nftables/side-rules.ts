import { isDeepStrictEqual } from 'node:util';
import { sideKey, succeed } from '../model/mod.ts';
import type {
  Address,
  Family,
  Outcome,
  Pause,
  Problem,
  SideChange,
  SideEntry,
  SideReport,
  SideRules,
  SideSettings,
  SideState,
} from '../model/mod.ts';
import type { NftPort, NftProblem } from './port.ts';
import { compareTable, sameChains } from './side-compare.ts';
import type { Findings } from './side-compare.ts';
import { SideDelta } from './side-delta.ts';
import type { SideMemory } from './side-memory.ts';
import { countOperations, planChains, planChange, planRewrite } from './side-plan.ts';
import { sideTable } from './side-sets.ts';
import type { Command } from './transaction.ts';

export interface SideRulesOptions {
  readonly family: Family;
  readonly port: NftPort;
  /** Asked after every entry while many are read or planned. */
  readonly pause: Pause;
}

/** What is known of the kernel. */
interface Knowledge {
  readonly memory: SideMemory;
  /** As last read; null once a change put everything right. */
  readonly findings: Findings | null;
  /** The settings that chains and rules are known to be written for. */
  readonly written: SideSettings | null;
}

/** What a refused transaction may mean: that somebody else changed our table. */
const surprises: ReadonlySet<string> = new Set(['WP_NFT_MISSING', 'WP_NFT_EXISTS', 'WP_NFT_BUSY']);

/** Side rules of one family in an nftables table of their own. */
export function createSideRules(options: SideRulesOptions): SideRules {
  return new TableSideRules(options);
}

class TableSideRules implements SideRules {
  readonly family: Family;
  readonly #port: NftPort;
  readonly #pause: Pause;
  /** Null before the first look, and after a failure until the next one. */
  #known: Knowledge | null = null;
  #asked: SideSettings | null = null;

  constructor({ family, port, pause }: SideRulesOptions) {
    this.family = family;
    this.#port = port;
    this.#pause = pause;
  }

  async read(): Promise<Outcome<SideState>> {
    const known = await this.#look();
    if (!known.ok) return known;
    const entries = new Map<string, SideEntry>();
    for (const [key, entry] of known.value.memory.entries) {
      entries.set(key, entry);
      await this.#pause();
    }
    return succeed({ entries, intact: await this.#isIntact(known.value) });
  }

  async apply(change: SideChange): Promise<SideReport> {
    this.#asked = change.settings;
    const first = await this.#attempt(change);
    if (first.problem === null || !surprises.has(first.problem.code)) return first;
    const second = await this.#attempt(change);
    return { ...second, bytes: first.bytes + second.bytes };
  }

  async cleanup(): Promise<Outcome<readonly string[]>> {
    this.#known = null;
    const table = sideTable(this.family);
    const { problem } = await this.#port.apply({ table, commands: [{ kind: 'delete-table' }] });
    if (problem?.code === 'WP_NFT_MISSING') return succeed([]);
    return problem === null ? succeed([`nftables table ${table.family} ${table.name}`]) : { ok: false, problem };
  }

  async #attempt(change: SideChange): Promise<SideReport> {
    const found = this.#known === null ? await this.#look() : succeed(this.#known);
    if (!found.ok) return { problem: found.problem, operations: 0, bytes: 0 };
    // Whatever happens from here on, the memory is not what the kernel has until it said yes.
    this.#known = null;
    const commands = await this.#plan(found.value, change);
    if (commands.length > 0) {
      const { problem, bytes } = await this.#port.apply({ table: sideTable(this.family), commands });
      if (problem !== null) return { problem: explainRefusal(problem, commands, change), operations: 0, bytes };
      this.#remember(found.value.memory, change.settings);
      return { problem: null, operations: countOperations(commands), bytes };
    }
    this.#remember(found.value.memory, change.settings);
    return { problem: null, operations: 0, bytes: 0 };
  }

  async #plan({ memory, findings, written }: Knowledge, { settings, set, remove }: SideChange): Promise<readonly Command[]> {
    const { family } = this;
    const delta = new SideDelta();
    for (const [name, slot] of findings?.slots ?? []) delta.correct(name, slot);
    const isRight =
      findings === null
        ? isDeepStrictEqual(written, settings)
        : await isRightFor(findings, { family, settings, memory }, this.#pause);
    memory.setNodePortAddresses(nodePortAddresses(settings), delta);
    const wanted = new Set(set.map((entry) => sideKey(entry)));
    for (const key of remove) {
      if (!wanted.has(key)) memory.remove(key, delta);
      await this.#pause();
    }
    for (const entry of set) {
      memory.set(entry, delta);
      await this.#pause();
    }
    const plan = { family, settings, memory, delta };
    return isRight ? planChange(plan) : planRewrite(plan, findings);
  }

  #remember(memory: SideMemory, settings: SideSettings): void {
    this.#known = { memory, findings: null, written: settings };
  }

  async #look(): Promise<Outcome<Knowledge>> {
    this.#known = null;
    const { family, name } = sideTable(this.family);
    const table = await this.#port.readTable(family, name);
    if (!table.ok) return table;
    this.#known = { ...(await compareTable(this.family, table.value, this.#pause)), written: null };
    return succeed(this.#known);
  }

  async #isIntact({ memory, findings }: Knowledge): Promise<boolean> {
    const { family } = this;
    if (this.#asked === null || findings === null || findings.slots.length > 0) return false;
    const settings = this.#asked;
    return (
      isDeepStrictEqual(new Set(memory.nodePortAddresses), new Set(nodePortAddresses(settings))) &&
      (await isRightFor(findings, { family, settings, memory }, this.#pause))
    );
  }
}

/** What a kernel refuses that is too old for an entry (see `RewriteStatement`) is told by the entry's key. */
function explainRefusal(problem: NftProblem, commands: readonly Command[], { set }: SideChange): Problem {
  const command = problem.command === null ? undefined : commands[problem.command];
  const isSctp =
    command?.kind === 'add-rule' &&
    command.rule.statements.some((statement) => statement.kind === 'rewrite' && statement.field.startsWith('sctp '));
  if (problem.code !== 'WP_NFT_NO_KERNEL' || !isSctp) return problem;
  const entries = set.filter((entry) => entry.kind === 'rewrite' && entry.protocol === 'SCTP').map((entry) => sideKey(entry));
  const who = entries.length === 0 ? 'rewrites of SCTP' : entries.join(', ');
  const message = `${who}: this kernel does not rewrite ports of SCTP, whose checksum it cannot compute`;
  return { code: problem.code, message };
}

/** True if chains, rules and sets can stay as they are. */
async function isRightFor(findings: Findings, plan: Parameters<typeof planChains>[0], pause: Pause): Promise<boolean> {
  return (
    findings.badSets.length === 0 &&
    findings.missingSets.length === 0 &&
    (await sameChains(plan.family, findings.chains, planChains(plan), pause))
  );
}

function nodePortAddresses({ nodePorts }: SideSettings): readonly Address[] {
  return nodePorts.kind === 'listed' ? [...new Set(nodePorts.addresses)] : [];
}
