import { fileURLToPath } from 'node:url';
import type { LabProcess } from './lab-process.ts';
import { patient } from './patience.ts';
import type { Place } from './place.ts';
import { pollUntil } from './poll.ts';
import type { Target } from './resident/protocol.ts';

/**
 * Load of hundreds of connections a second on an emulated processor too, where the residents make some dozens and leave
 * nothing of it to the agent. Hence Perl, which every Debian has (perl-base): it needs a twentieth of the instructions.
 */
const loadScript = fileURLToPath(new URL('load/load.pl', import.meta.url));
const serveScript = fileURLToPath(new URL('load/serve.pl', import.meta.url));

/** Most connections of one client at a time: where the machine cannot keep up they become fewer, and are not all lost. */
const mostAtOnce = 8;

export interface SteadyReport {
  readonly attempts: number;
  readonly answered: number;
  /** Answered or not after more than a second: the first segment was sent again. */
  readonly slow: number;
  readonly seconds: number;
  readonly byBackend: Readonly<Record<string, number>>;
  /** The first fifty attempts that were not answered, in words. */
  readonly failures: readonly string[];
}

interface SteadyLoad {
  /** Until so many more connections were answered. */
  more(count: number): Promise<void>;
  /** Lets connections under way come to their end, then reports. */
  stop(): Promise<SteadyReport>;
}

/** Answers TCP connections to a port with the name of the place, and nothing more. */
export async function serveLoad(place: Place, port: number): Promise<void> {
  const server = spawnNice(place, [serveScript, place.name, String(port)]);
  await pollUntil(`${place.name} to listen`, async () => (server.output.includes('listening') ? true : null), {
    explain: () => server.output,
  });
}

/** Makes `rate` connections a second, one after the other, to a target served by {@link serveLoad}. */
export function startSteadyLoad(
  place: Place,
  { family, destination, port, timeoutMs }: Omit<Target, 'protocol'>,
  rate: number,
): SteadyLoad {
  const limit = Math.ceil(patient(timeoutMs) / 1000);
  const client = spawnNice(place, [loadScript, family, destination, port, rate, mostAtOnce, limit].map(String));
  return { more: (count) => awaitMore(client, count), stop: () => stopLoad(client) };
}

/** Where processors are short the load becomes less, and not the agent slower. */
function spawnNice(place: Place, args: readonly string[]): LabProcess {
  return place.spawn('nice', ['-n', '10', 'perl', ...args]);
}

async function awaitMore(client: LabProcess, count: number): Promise<void> {
  const answered = (): number => Number(/(\d+)\n[^\n]*$/.exec(client.output)?.[1] ?? 0);
  const wanted = answered() + count;
  const options = { timeoutMs: 30_000, explain: () => client.output };
  await pollUntil(`${wanted} answers to the load`, async () => (answered() >= wanted ? true : null), options);
}

async function stopLoad(client: LabProcess): Promise<SteadyReport> {
  client.signal('SIGTERM');
  await client.exited;
  const report = await pollUntil('the report of the load', async () => /^\{.*\}$/m.exec(client.output)?.[0] ?? null, {
    explain: () => client.output,
  });
  return JSON.parse(report) as SteadyReport;
}
