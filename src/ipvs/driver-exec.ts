import { spawn } from 'node:child_process';
import { succeed, unknownTraffic } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { ipvsProblem, unsureProblem } from './errors.ts';
import { parseBanner, parseListing, parseTimeouts } from './parse-list.ts';
import type { ListedNumbers } from './parse-list.ts';
import { parseSave } from './parse-save.ts';
import type { IpvsOperation, IpvsPort, IpvsReport } from './port.ts';
import { probeScheduler } from './probe-scheduler.ts';
import { joinListing } from './join-listing.ts';
import { renderServerKey } from './render.ts';
import { explainStart, readScriptResult, writeScript } from './restore-script.ts';
import { serverFamily, validateOperation, validateTimeouts } from './validate.ts';
import { serverKeyText } from './virtual-server.ts';
import type { DestinationCounters, ListedServer, ServerKey } from './virtual-server.ts';

/** What a program said, and how it ended. */
export interface ToolResult {
  /** As `$?`, where 126 and 127 mean that it did not start; null where it was ended before its end. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with this standard input. */
export type RunTool = (argv: readonly string[], input: string) => Promise<ToolResult>;

export interface ExecPortOptions {
  readonly family: Family;
  /** Runs the tool; without it each run is a child of this process. Must hand over at least 64 KiB of standard error. */
  readonly run?: RunTool;
  /** Put before every command, such as `ip netns exec <name>`. */
  readonly commandPrefix?: readonly string[];
  /** After which a tool is killed; 120 where not given. */
  readonly timeoutSeconds?: number;
}

/** Operations in one run of the tool: what it says of them stays below 64 KiB. */
const batchSize = 400;

/** The kernel's virtual servers through `ipvsadm`. */
export function createIpvsExecPort(options: ExecPortOptions): IpvsPort {
  const { family, commandPrefix = [], timeoutSeconds = 120 } = options;
  const runTool = options.run ?? ((argv, input) => runChild(argv, input, timeoutSeconds * 1000));
  const run: RunTool = (words, input) => runTool([...commandPrefix, 'ipvsadm', ...words], input);
  const apply = (operations: readonly IpvsOperation[]): Promise<IpvsReport> => applyAll(run, family, operations);

  return {
    family,
    apply,
    list: () => readList(run, family),
    counters: (key) => readCounters(run, key),

    async probe(scheduler) {
      const text = await readOutput(run, ['-L', '-n']);
      const banner = text.ok ? parseBanner(text.value) : text;
      if (!banner.ok) return banner;
      const problem = await probeScheduler({ family, scheduler, marks: () => readMarks(run, family), apply });
      return problem === null ? banner : { ok: false, problem };
    },

    async timeouts() {
      const text = await readOutput(run, ['-L', '--timeout']);
      return text.ok ? parseTimeouts(text.value) : text;
    },

    async setTimeouts(timeouts) {
      const problem = validateTimeouts(timeouts);
      if (problem !== null) return { ok: false, problem };
      const set = await readOutput(run, ['--set', String(timeouts.tcp), String(timeouts.tcpFin), String(timeouts.udp)]);
      return set.ok ? succeed(undefined) : set;
    },

    close: async () => undefined,
  };
}

/** What the tool prints; a problem where it fails. */
async function readOutput(run: RunTool, words: readonly string[]): Promise<Outcome<string>> {
  const result = await run(words, '');
  const problem = explainTool(result) ?? explainEnd(words, result);
  return problem === null ? succeed(result.stdout) : { ok: false, problem };
}

/** The servers of both families, as lines. */
async function readSaved(run: RunTool): Promise<Outcome<readonly IpvsOperation[]>> {
  const text = await readOutput(run, ['-S', '-n']);
  return text.ok ? parseSave(text.value) : text;
}

async function readList(run: RunTool, family: Family): Promise<Outcome<readonly ListedServer[]>> {
  const saved = await readSaved(run);
  if (!saved.ok) return saved;
  const listings: ListedNumbers[] = [];
  for (const columns of ['--thresholds', '--persistent-conn']) {
    const text = await readOutput(run, ['-L', '-n', '--exact', columns]);
    const listing = text.ok ? parseListing(text.value) : text;
    if (!listing.ok) return listing;
    listings.push(listing.value);
  }
  const [thresholds = new Map(), connections = new Map()] = listings;
  const servers = joinListing(saved.value, thresholds, connections);
  return succeed(servers.filter(({ key }) => serverFamily(key) === family));
}

async function readMarks(run: RunTool, family: Family): Promise<Outcome<ReadonlySet<number>>> {
  const saved = await readSaved(run);
  if (!saved.ok) return saved;
  const keys = saved.value.map((operation) => ('server' in operation ? operation.server.key : operation.key));
  return succeed(new Set(keys.flatMap((key) => (key.kind === 'mark' && key.family === family ? [key.mark] : []))));
}

async function readCounters(run: RunTool, key: ServerKey): Promise<Outcome<ReadonlyMap<string, DestinationCounters> | null>> {
  const words = ['-L', '-n', '--exact', '--persistent-conn', ...renderServerKey(key).split(' ')];
  const result = await run(words, '');
  if (result.status !== null && result.status !== 0 && /^No such service/m.test(result.stderr)) return succeed(null);
  const problem = explainTool(result) ?? explainEnd(words, result);
  if (problem !== null) return { ok: false, problem };
  const listing = parseListing(result.stdout);
  if (!listing.ok) return listing;
  const rows = [...(listing.value.get(serverKeyText(key)) ?? [])];
  return succeed(
    new Map(rows.map(([text, [, persistent, active, inactive]]) => [text, { active, inactive, persistent, ...unknownTraffic }])),
  );
}

async function applyAll(run: RunTool, family: Family, operations: readonly IpvsOperation[]): Promise<IpvsReport> {
  const verdicts: (Problem | null)[] = operations.map((operation) => validateOperation(family, operation));
  let places = verdicts.flatMap((verdict, place) => (verdict === null ? [place] : []));
  let bytes = 0;
  let messages = 0;
  while (places.length > 0) {
    const batch = places.slice(0, batchSize);
    const todo = batch.map((place) => operations[place] as IpvsOperation);
    const script = writeScript(todo);
    bytes += script.length;
    messages += todo.length;
    const result = await run(['-R'], script);
    const problem = explainTool(result);
    if (problem !== null) {
      // Nothing was done if the tool did not start; else how far it came is unknown.
      for (const place of places)
        verdicts[place] = result.status === null ? unsureProblem(operations[place] as IpvsOperation) : problem;
      return { verdicts, bytes, messages };
    }
    const { verdicts: read } = readScriptResult(todo, result.stderr);
    for (const [index, verdict] of read.entries()) verdicts[batch[index] as number] = verdict;
    if (read.length === 0) {
      // It ended without a word, after its first line or before.
      verdicts[batch[0] as number] = unsureProblem(todo[0] as IpvsOperation);
    }
    places = places.slice(Math.max(1, read.length));
  }
  return { verdicts, bytes, messages };
}

/** Why the tool did not do its work at all. */
function explainTool({ status, stderr }: ToolResult): Problem | null {
  if (status === null) return ipvsProblem('WP_IPVS_UNSURE', 'ipvsadm took too long or was ended');
  if (status === 126 || status === 127) return ipvsProblem('WP_IPVS_TOOL', `ipvsadm cannot be run: ${stderr.trim()}`);
  return explainStart(stderr);
}

function explainEnd(words: readonly string[], { status, stderr }: ToolResult): Problem | null {
  if (status === 0) return null;
  return ipvsProblem('WP_IPVS_REFUSED', `ipvsadm ${words.join(' ')}: ${stderr.trim() || `status ${status}`}`);
}

function runChild([program = '', ...args]: readonly string[], input: string, timeout: number): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' });
    const outputs = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const texts = (): { stdout: string; stderr: string } => ({
      stdout: Buffer.concat(outputs.stdout).toString(),
      stderr: Buffer.concat(outputs.stderr).toString(),
    });
    child.stdout.on('data', (chunk: Buffer) => outputs.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => outputs.stderr.push(chunk));
    child.on('error', (error) => resolve({ status: 127, stdout: '', stderr: error.message }));
    child.on('close', (status) => resolve({ status, ...texts() }));
    // A program that ends early leaves its input unread; its status and words tell why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
