import { setImmediate as nextTurn } from 'node:timers/promises';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import type { Shell, ShellResult } from './driver-shell.ts';
import { explainGeneral, firstLine, iptablesProblem } from './errors.ts';
import { explainRestore } from './explain-restore.ts';
import type { RulesetState, TableState } from './operation.ts';
import { completeTables, parseSaveSlices } from './parse.ts';
import type { Batch, BatchFailure, IptablesPort } from './port.ts';
import { renderBatch } from './restore-text.ts';
import type { TableName } from './rule.ts';
import { toolNames } from './tool-names.ts';
import type { ToolNames, Variant } from './tool-names.ts';

export interface ExecOptions {
  readonly family: Family;
  readonly variant: Variant;
  /** Runs the tools; closed together with the port. */
  readonly shell: Shell;
  /** The programs; without it the ones that carry the variant's name. */
  readonly tools?: ToolNames;
  /** Put before every command, such as `ip netns exec <name>`. */
  readonly commandPrefix?: readonly string[];
  /** How long a legacy tool waits for the xtables lock; 5 where not given. */
  readonly lockWaitSeconds?: number;
  /** After which a tool is killed; 120 where not given. */
  readonly timeoutSeconds?: number;
  /** Of `iptables-save`; 256 MiB where not given. */
  readonly maxOutputBytes?: number;
}

type Run = (argv: readonly string[], input: Iterable<string> | null) => Promise<ShellResult>;

/** The kernel's iptables through `iptables-restore` and `iptables-save`. */
export function createExecPort(options: ExecOptions): IptablesPort {
  const { family, shell, commandPrefix = [], timeoutSeconds = 120, maxOutputBytes = 256 * 1024 * 1024 } = options;
  const tools = options.tools ?? toolNames(family, options.variant);
  const run: Run = (argv, input) => shell.run({ argv: [...commandPrefix, ...argv], input, timeoutSeconds, maxOutputBytes });
  const saveTable = (table: TableName): Promise<Outcome<RulesetState>> => readTable(run, tools.save, table);

  return {
    family,

    async save(tables) {
      const merged = new Map<TableName, TableState>();
      for (const table of tables) {
        const read = await saveTable(table);
        if (!read.ok) return read;
        for (const [name, state] of read.value) merged.set(name, state);
      }
      return succeed(completeTables(merged, tables));
    },

    async restore(batch) {
      if (batch.length === 0) return { bytes: 0, failure: null };
      // The nft variant takes the option and ignores it: the kernel serialises its transactions.
      const argv = [tools.restore, '--noflush', '--verbose', '--wait', String(options.lockWaitSeconds ?? 5)];
      const result = await run(argv, renderBatch(batch).chunks());
      return { bytes: result.inputBytes, failure: await explainFailure(tools.restore, result, batch, saveTable) };
    },

    close: () => shell.close(),
  };
}

async function readTable(run: Run, tool: string, table: TableName): Promise<Outcome<RulesetState>> {
  let result = await run([tool, '-t', table], null);
  let problem = explainSave(tool, result);
  // The tool fails where an ipset vanishes while it reads.
  for (let retry = 0; retry < 2 && problem?.code === 'WP_IPTABLES_REFUSED'; retry += 1) {
    result = await run([tool, '-t', table], null);
    problem = explainSave(tool, result);
  }
  if (problem !== null || result.kind !== 'exit') return { ok: false, problem: problem ?? lostHelper(tool, '') };
  const slices = parseSaveSlices(result.stdout);
  for (;;) {
    const step = slices.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}

function explainSave(tool: string, result: ShellResult): Problem | null {
  const unfinished = explainUnfinished(tool, result);
  if (unfinished !== null || result.kind !== 'exit' || result.status === 0) return unfinished;
  const exit = { tool, status: result.status, stderr: result.stderr };
  const said = firstLine(result.stderr) || `status ${result.status}`;
  return explainGeneral(exit) ?? iptablesProblem('WP_IPTABLES_REFUSED', `${tool}: ${said}`);
}

async function explainFailure(
  tool: string,
  result: ShellResult,
  batch: Batch,
  saveTable: (table: TableName) => Promise<Outcome<RulesetState>>,
): Promise<BatchFailure | null> {
  const unfinished = explainUnfinished(tool, result);
  // How far it came is unknown, so nothing counts as done.
  if (unfinished !== null) return { problem: unfinished, section: 0, operation: null };
  if (result.kind !== 'exit' || result.status === 0) return null;
  const failure = explainRestore({ tool, status: result.status, stdout: result.stdout, stderr: result.stderr }, batch);
  const table = batch[failure.section]?.table;
  if (failure.problem.code !== 'WP_IPTABLES_NO_TABLE' || table === undefined) return failure;
  // The legacy restore says the same for a missing table and for a missing capability; save does not.
  const read = await saveTable(table);
  return read.ok ? failure : { ...failure, problem: read.problem };
}

/** A program that did not come to its end by itself; null for one that did. */
function explainUnfinished(tool: string, result: ShellResult): Problem | null {
  switch (result.kind) {
    case 'exit':
      return null;
    case 'timeout':
      return iptablesProblem('WP_IPTABLES_TIMEOUT', `${tool} took too long and was killed`);
    case 'too-big':
      return iptablesProblem('WP_IPTABLES_TOO_BIG', `${tool} printed more than is accepted`);
    default:
      return lostHelper(tool, result.message);
  }
}

function lostHelper(tool: string, message: string): Problem {
  return iptablesProblem('WP_IPTABLES_HELPER', `${tool} could not be run to its end: ${message}`);
}
