import { execFile } from 'node:child_process';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { checkTransaction } from './check-transaction.ts';
import { parseToolError } from './parse-error.ts';
import { parseTable } from './parse-table.ts';
import type { ApplyReport, NftPort, NftProblem, TableState } from './port.ts';
import { makeProblem } from './problem.ts';
import { renderTransaction } from './render.ts';
import type { TableFamily, Transaction } from './transaction.ts';

export interface ExecNftOptions {
  /** The tool, `nft` or a path. */
  readonly program?: string;
  /** Put before the tool: `ip netns exec …`. */
  readonly prefix?: readonly string[];
}

interface ToolResult {
  /** 0 for success; null where it could not be started or was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A table of 100,000 elements lists as some 20 MB. */
const mostOutput = 512 * 1024 * 1024;

/** nf_tables through the tool `nft` (1.0.6 or later), which is started for each call. */
export function createExecNftPort({ program = 'nft', prefix = [] }: ExecNftOptions = {}): NftPort {
  const run = (args: readonly string[], input = ''): Promise<ToolResult> => {
    const [file = program, ...rest] = [...prefix, program, ...args];
    return runTool(file, rest, input);
  };
  return {
    apply: (transaction) => applyTransaction(transaction, (input) => run(['-f', '-'], input)),
    readTable: (family, name) => readTable(family, name, run),
    close: async () => {},
  };
}

async function applyTransaction(transaction: Transaction, run: (input: string) => Promise<ToolResult>): Promise<ApplyReport> {
  const problem = checkTransaction(transaction) ?? refuseOwner(transaction);
  if (problem !== null || transaction.commands.length === 0) return { problem, bytes: 0, messages: 0 };
  const text = renderTransaction(transaction);
  const sent = { bytes: Buffer.byteLength(text), messages: transaction.commands.length };
  const { code, stderr } = await run(text);
  if (code === 0) return { ...sent, problem: null };
  if (code === null) return { ...sent, problem: makeProblem('WP_NFT_TOOL', transaction, null, stderr) };
  const failure = parseToolError(stderr);
  return { ...sent, problem: makeProblem(failure.code, transaction, failure.line, failure.reason) };
}

/** What the tool owns is gone when it ends. */
function refuseOwner(transaction: Transaction): NftProblem | null {
  const at = transaction.commands.findIndex((command) => command.kind === 'add-table' && command.owned === true);
  return at < 0 ? null : makeProblem('WP_NFT_NO_KERNEL', transaction, at, 'the tool ends and cannot own a table');
}

async function readTable(
  family: TableFamily,
  name: string,
  run: (args: readonly string[]) => Promise<ToolResult>,
): Promise<Outcome<TableState | null>> {
  const listed = await run(['-j', '-n', 'list', 'table', family, name]);
  if (listed.code !== 0) return readProblem(family, name, listed);
  const terse = await run(['-t', '-n', 'list', 'table', family, name]);
  if (terse.code !== 0) return readProblem(family, name, terse);
  return parseTable({ family, name }, listed.stdout, terse.stdout);
}

function readProblem(family: TableFamily, name: string, { code, stderr }: ToolResult): Outcome<TableState | null> {
  const failure = parseToolError(stderr);
  if (code !== null && failure.code === 'WP_NFT_MISSING') return succeed(null);
  return fail(code === null ? 'WP_NFT_TOOL' : failure.code, `cannot read table ${family} ${name}: ${failure.reason}`);
}

function runTool(file: string, args: readonly string[], input: string): Promise<ToolResult> {
  return new Promise((resolve) => {
    const options = { encoding: 'utf8', maxBuffer: mostOutput, env: { ...process.env, LC_ALL: 'C' } } as const;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      // A number is an exit code; a text says why there is none, as a signal does.
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr: code === null ? (error?.message ?? '') : stderr });
    });
    // A tool that ends before it has read everything says so by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
