import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Pause } from '../model/mod.ts';
import type { OwnGenerations } from './generations.ts';
import { readPlane } from './plane-read.ts';
import type { Findings } from './plane-read.ts';
import { planeTable } from './plane-sets.ts';
import type { PlaneState } from './plane-state.ts';
import type { ApplyReport, NftPort, TableState } from './port.ts';
import type { Command } from './transaction.ts';

export interface PlaneKernelOptions {
  readonly family: Family;
  readonly port: NftPort;
  readonly generations: OwnGenerations;
  readonly pause: Pause;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Of the time that passes, looks at the whole table that other programs' transactions cause take no more than this part. */
const shareOfLooks = 0.01;

/** A table that changes while it is read is read so often before it counts as unguarded. */
const mostReads = 3;

/** What was read of the table. */
export interface Look {
  readonly state: PlaneState;
  readonly findings: Findings;
}

interface WholeLook extends Look {
  readonly table: TableState | null;
  readonly generation: number | null;
}

/**
 * The table in the kernel, with the count that tells whether somebody else changed anything since it was read: where the
 * kernel's count is not the one that a transaction was made for, it refuses the transaction.
 */
export class PlaneKernel {
  readonly #options: PlaneKernelOptions;
  /** Null: unknown, and what comes is applied to whatever is there. */
  #generation: number | null = null;
  #nextLook = 0;

  constructor(options: PlaneKernelOptions) {
    this.#options = options;
  }

  async look(): Promise<Outcome<Look>> {
    const { now } = this.#options;
    const started = now();
    this.#generation = null;
    const read = await this.#readWhole();
    if (!read.ok) return read;
    const { generation, state, findings } = read.value;
    this.#generation = generation;
    this.#nextLook = now() + (now() - started) / shareOfLooks;
    return succeed({ state, findings });
  }

  /** Reads the table and remembers nothing of it. `table` null: there is none. */
  async peek(): Promise<Outcome<Look & { readonly table: TableState | null }>> {
    return await this.#readWhole();
  }

  /** `generation` null: the table changed while it was read, or there is no count. */
  async #readWhole(): Promise<Outcome<WholeLook>> {
    const { family, port, pause } = this.#options;
    const { family: tableFamily, name } = planeTable(family);
    for (let reads = 1; ; reads += 1) {
      const before = await this.#ask();
      // oxlint-disable-next-line no-await-in-loop -- one reading after the other
      const table = await port.readTable(tableFamily, name);
      if (!table.ok) return table;
      // oxlint-disable-next-line no-await-in-loop -- asked behind the reading
      const after = await this.#ask();
      if (before !== after && reads < mostReads) continue;
      const look = await readPlane(family, table.value, pause);
      return succeed({ ...look, table: table.value, generation: before === after ? after : null });
    }
  }

  /** True where nobody but us can have changed anything since the last look. */
  async isUntouched(): Promise<boolean> {
    const { generations } = this.#options;
    const known = this.#generation;
    if (known === null) return false;
    return await generations.inTurn(async () => (await this.#ask()) === generations.latest(known));
  }

  /** `WP_NFT_STALE`: somebody else changed something, and the table has to be looked at again. */
  async apply(commands: readonly Command[]): Promise<ApplyReport> {
    const { port, generations } = this.#options;
    // Without a count there is nothing to take turns for, and a tool that hangs stops its own family alone.
    return port.generation === undefined
      ? await this.#applyNow(commands)
      : await generations.inTurn(() => this.#applyNow(commands));
  }

  /** Forgets what was known of the count. */
  forget(): void {
    this.#generation = null;
  }

  async #applyNow(commands: readonly Command[]): Promise<ApplyReport> {
    const { family, port, generations, now } = this.#options;
    const transaction = { table: planeTable(family), commands };
    const known = this.#generation;
    if (known === null) return await port.apply(transaction);
    const latest = generations.latest(known);
    const report = await port.apply(transaction, latest);
    if (report.problem === null) {
      this.#generation = generations.committed(latest);
      return report;
    }
    this.#generation = null;
    // Where others change their tables all the time, ours is left to the audit.
    if (report.problem.code === 'WP_NFT_STALE' && now() < this.#nextLook) return await port.apply(transaction);
    return report;
  }

  async #ask(): Promise<number | null> {
    const asked = await this.#options.port.generation?.();
    return asked?.ok === true ? asked.value : null;
  }
}
