import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Capability } from './capability.ts';
import { runIn } from './driver-netns.ts';
import type { LabProcess } from './lab-process.ts';
import { patient } from './patience.ts';
import type { Place } from './place.ts';
import { pollUntil } from './poll.ts';
import type { Target } from './resident/protocol.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

/**
 * Load of hundreds of connections a second on an emulated processor too, where the residents make some dozens and leave
 * nothing of it to the agent. Hence C; without libraries, since to load those takes longer than all else there.
 */
const compiler = 'musl-gcc';
const sources = fileURLToPath(new URL('load', import.meta.url));

/** Most connections of one client at a time. */
const mostAtOnce = 32;

type Reason = 'refused' | 'reset' | 'timeout' | 'other';

export interface SteadyReport {
  readonly attempts: number;
  readonly answered: number;
  /** From the first connection to the end of the last one. */
  readonly milliseconds: number;
  /** Answered or not after more than a second. */
  readonly slow: number;
  /** Milliseconds. */
  readonly slowest: number;
  /** Those of which the client sent a segment again, so that one of its own or an answer was lost or late. */
  readonly sentAgain: number;
  readonly failed: Readonly<Record<Reason, number>>;
  readonly byBackend: Readonly<Record<string, number>>;
  /** The first fifty attempts that were not answered, in words. */
  readonly failures: readonly string[];
}

/** How far a load is. */
export interface Progress {
  readonly answered: number;
  readonly milliseconds: number;
}

export interface SteadyLoad {
  /** A tenth of a second old at most. */
  progress(): Progress;
  /** Lets connections under way come to their end, then reports. */
  stop(): Promise<SteadyReport>;
}

/** The programs of the load, built. */
export interface LoadTools extends AsyncDisposable {
  /** Answers TCP connections to a port with the name of the place, and nothing more. */
  serve(place: Place, port: number): Promise<void>;
  /** Makes `rate` connections a second to a target that is served so, and makes up for what it falls behind. */
  start(place: Place, target: Omit<Target, 'protocol'>, rate: number): SteadyLoad;
}

/** Whether the programs can be built here. */
export async function canBuildLoad(): Promise<Capability> {
  const built = await runIn(null, compiler, ['-dumpversion']).catch(() => null);
  return built?.code === 0
    ? { ok: true }
    : { ok: false, reason: `the command ${compiler} (packages gcc and musl-tools) is missing` };
}

/** Builds the programs. Throws with the compiler's own words. */
export async function buildLoadTools(): Promise<LoadTools> {
  const folder = await createTemporaryFolder('waypost-load-');
  const build = async (name: string): Promise<string> => {
    const program = join(folder.path, name);
    const options = ['-O1', '-static', '-Wall', '-Wextra', '-Werror', '-o', program];
    const { code, stderr } = await runIn(null, compiler, [...options, join(sources, `${name}.c`)]);
    if (code !== 0) throw new Error(`${name}.c could not be built: ${stderr}`);
    return program;
  };
  const [client, server] = await Promise.all([build('client'), build('server')]);
  return {
    serve: async (place, port) => {
      const started = place.spawn(server, [place.name, String(port)]);
      const listening = async (): Promise<true | null> => (started.output.includes('listening') ? true : null);
      await pollUntil(`${place.name} to listen`, listening, { explain: () => started.output });
    },
    start: (place, { destination, port, timeoutMs }, rate) => {
      const started = place.spawn(client, [destination, port, rate, mostAtOnce, patient(timeoutMs)].map(String));
      return { progress: () => readProgress(started), stop: () => stopLoad(started) };
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function readProgress(client: LabProcess): Progress {
  if (!client.running) throw new Error(`a client of the load ended: ${client.output}`);
  const [, answered = 0, milliseconds = 0] = /(\d+) (\d+)\n[^\n]*$/.exec(client.output.slice(-200)) ?? [];
  return { answered: Number(answered), milliseconds: Number(milliseconds) };
}

async function stopLoad(client: LabProcess): Promise<SteadyReport> {
  client.signal('SIGTERM');
  await client.exited;
  const report = await pollUntil('the report of the load', async () => /^\{.*\}$/m.exec(client.output)?.[0] ?? null, {
    explain: () => client.output,
  });
  return JSON.parse(report) as SteadyReport;
}
