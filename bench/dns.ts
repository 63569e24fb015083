import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { makeQuestions } from './dns-data.ts';
import type { MixName } from './dns-data.ts';
import type { LoadOptions, LoadResult } from './dns-load.ts';
import { measureMemory } from './dns-memory.ts';
import { makeQuestion } from './dns-message.ts';
import { loadWithDnsperf } from './dns-perf.ts';
import { keepOnCore, loadCore, serverCore, startOn, waitForAnswer } from './dns-process.ts';
import type { Started } from './dns-process.ts';
import { loadKinds, printDns, printMemory } from './dns-report.ts';
import type { LoadKind, Measured } from './dns-report.ts';
import { preparePeers } from './dns-servers.ts';
import { findTools } from './dns-tools.ts';

/** Ports of the upstream, and of the servers from the next on. */
const upstreamPort = 5390;
const paceRate = 20_000;
const run = promisify(execFile);

const flags = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '4' },
  only: { type: 'string', default: '' },
  loads: { type: 'string', default: '' },
  json: { type: 'string', default: '' },
} as const;

/**
 * Servers side by side, each with one thread on one core, the load on the other. They take turns, so that what the machine
 * does meanwhile is shared by all. `--rounds`, `--seconds` of each, `--only` for servers and
 * `--loads` for loads whose names have one of these words, `--json` for a file with all that was measured.
 */
export async function runDnsBench(): Promise<void> {
  const { values } = parseArgs({ args: process.argv.slice(3), options: flags });
  if (availableParallelism() < 2) throw new Error('the DNS benchmark needs two cores: one for a server, one for the load');
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  const tools = await findTools((line) => console.error(line));
  const folder = mkdtempSync(join(tmpdir(), 'waypost-bench-dns-'));
  // On every way out, Ctrl-C included.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const started: Started[] = [];
  try {
    const files = writeQuestions(folder);
    started.push(await startUpstream());
    const peers = preparePeers(tools, folder, upstreamPort, upstreamPort).filter(({ title }) => hasWord(title, values.only));
    const running = [];
    for (const peer of peers) {
      const server = startOn(serverCore, peer.command, peer.args, { env: peer.env, ipc: peer.own });
      started.push(server);
      await waitForAnswer(peer.port, makeQuestion(firstQuestion()));
      await keepOnCore(server.pid);
      running.push({ ...peer, pid: server.pid });
    }
    const dnsperf = tools.get('dnsperf') ?? null;
    const kinds = loadKinds.filter((kind) => hasWord(kind, values.loads) && (kind !== 'dnsperf' || dnsperf !== null));
    const measured: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of kinds) {
        for (const { title, port, pid } of running) {
          // The first time a server is asked it learns the names outside, and Waypost's code is compiled.
          const rate = kind === 'paced' ? paceRate : null;
          const options = { port, pid, file: files[kind], seconds, warmSeconds: round === 0 ? 3 : 1, rate };
          const isForeign = kind === 'dnsperf' && dnsperf !== null;
          const result = await (isForeign ? loadWithDnsperf(dnsperf, options) : load(options));
          measured.push({ title, kind, round, result });
        }
      }
      console.error(`round ${round + 1} of ${rounds} is done`);
    }
    await Promise.all(started.splice(1).map((server) => server.stop()));
    console.log(`one addition and multiplication, four cycles: ${measureStep().toFixed(2)} ns on this machine`);
    printDns(measured);
    const memory = await measureMemory({ folder, file: files.mix, upstreamPort, rounds: Math.min(3, rounds), load });
    printMemory(memory);
    if (values.json !== '') writeFileSync(values.json, `${JSON.stringify({ measured, memory }, null, 1)}\n`);
  } finally {
    await Promise.all(started.map((server) => server.stop()));
  }
}

function hasWord(text: string, words: string): boolean {
  return words.split(',').some((word) => text.toLowerCase().includes(word.toLowerCase()));
}

async function startUpstream(): Promise<Started> {
  const script = fileURLToPath(new URL('dns-upstream.ts', import.meta.url));
  const upstream = startOn(loadCore, process.execPath, ['--disable-warning=ExperimentalWarning', script, `${upstreamPort}`]);
  await waitForAnswer(upstreamPort, makeQuestion('outside.example A'));
  return upstream;
}

/** One that every server has a record for. */
function firstQuestion(): string {
  return makeQuestions('hits').find((line) => line.endsWith(' A')) ?? '';
}

/** Nanoseconds: what absolute times of this machine are worth, beside those of another. */
function measureStep(): number {
  const steps = 50_000_000;
  const began = process.cpuUsage();
  let value = 0;
  for (let step = 0; step < steps; step += 1) value = (Math.imul(value, 31) + step) | 0;
  const { user } = process.cpuUsage(began);
  // The value is used, or the loop would be left out.
  return (user * 1000) / (steps + (value & 1));
}

function writeQuestions(folder: string): Readonly<Record<LoadKind, string>> {
  const write = (mix: MixName): string => {
    const path = join(folder, `${mix}.txt`);
    writeFileSync(path, `${makeQuestions(mix).join('\n')}\n`);
    return path;
  };
  const mix = write('mix');
  return { hits: write('hits'), mix, wide: write('wide'), paced: mix, dnsperf: mix };
}

async function load(options: LoadOptions): Promise<LoadResult> {
  const script = fileURLToPath(new URL('dns-load.ts', import.meta.url));
  const args = ['-c', `${loadCore}`, process.execPath, '--disable-warning=ExperimentalWarning', script, JSON.stringify(options)];
  const { stdout, stderr } = await run('taskset', args);
  if (stderr !== '') console.error(stderr);
  return JSON.parse(stdout) as LoadResult;
}
