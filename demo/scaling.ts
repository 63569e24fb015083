import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StatusRow } from '../src/model/mod.ts';
import { pollUntil } from '../test/lab/mod.ts';
import type { Lab, LoadReport, Place, RunningWaypost } from '../test/lab/mod.ts';
import { check, say } from './say.ts';
import { clusterIp, nodePort } from './traffic.ts';

/**
 * Clients connect for so long before a change. The agent syncs at once when it had been quiet, and at most
 * once in `minSyncPeriod` (one second unless configured) otherwise: without this the demo would measure that.
 */
const quietMs = 1200;

/** A client that connects again and again while the back ends change. */
interface Client {
  readonly name: string;
  readonly place: Place;
  readonly load: number;
}

/** What the demo is about: the lab, the agent, and the folder the agent reads. */
export interface Stage {
  readonly lab: Lab;
  readonly agent: RunningWaypost;
  readonly folder: string;
}

/** A connection that stays open through all changes. */
export interface Kept {
  readonly connection: number;
  readonly backend: string;
}

/** Rows of the Service whose back ends come and go. */
export function rowsOfWeb(rows: readonly StatusRow[]): readonly StatusRow[] {
  return rows.filter(({ service }) => service === 'shop/web');
}

export async function keepConnection({ lab }: Stage): Promise<Kept> {
  const opened = await lab.place('client').ask({ op: 'open', ...clusterTarget });
  check(opened.attempt.answer !== null, 'The connection that was to stay open could not be opened.');
  return { connection: opened.connection, backend: opened.attempt.answer.backend };
}

/** The kept connection still answers, from the back end it began with. */
export async function checkKept({ lab }: Stage, kept: Kept): Promise<void> {
  const { answer } = await lab.place('client').ask({ op: 'ping', connection: kept.connection, timeoutMs: 4000 });
  check(answer?.backend === kept.backend, `The connection that was open to ${kept.backend} did not survive the change.`);
  say(`the connection that was open before is still answered by ${kept.backend}`);
}

const clusterTarget = { family: 'IPv4', protocol: 'TCP', destination: clusterIp.IPv4, port: 80, timeoutMs: 4000 } as const;

/**
 * Puts another endpoints file in the folder while clients connect without a pause, waits until the
 * clients and the status rows show it, and tells how long that took.
 */
export async function changeBackends(stage: Stage, change: string, backends: readonly string[]): Promise<void> {
  const clients = await startClients(stage.lab);
  await pause(quietMs);
  const before = await report(clients);
  const renamedAt = await replaceEndpoints(stage.folder, change);
  const shown = await pollUntil('the clients to see the change', () => findChange(clients, before, renamedAt, backends));
  const all = await stage.agent.waitRows(`rows with ${backends.length} back ends`, (now) =>
    rowsOfWeb(now).every((row) => row.backends === backends.length),
  );
  const rows = rowsOfWeb(all);
  const inKernel = Math.max(...rows.map(({ since }) => since)) - renamedAt;
  const reports = await Promise.all(clients.map(({ place, load }) => place.ask({ op: 'stop-load', load })));
  say(`in the kernel ${inKernel} ms after the file was renamed, for all ${rows.length} frontends`);
  for (const [index, client] of clients.entries()) describeClient(client, shown[index], reports[index], backends);
}

async function startClients(lab: Lab): Promise<readonly Client[]> {
  const nodeTarget = { ...clusterTarget, destination: lab.node1.addresses.IPv4, port: nodePort };
  const plans = [
    ['pod through the ClusterIP', lab.place('client'), clusterTarget],
    ['outside through the node port', lab.outside, nodeTarget],
  ] as const;
  return Promise.all(
    plans.map(async ([name, place, target]) => {
      const load = await place.ask({ op: 'start-load', ...target, workers: 2, pauseMs: 1 });
      return { name, place, load };
    }),
  );
}

function report(clients: readonly Client[]): Promise<readonly LoadReport[]> {
  return Promise.all(clients.map(({ place, load }) => place.ask({ op: 'report-load', load })));
}

/** Returns the time of the rename, in milliseconds since 1970. */
async function replaceEndpoints(folder: string, change: string): Promise<number> {
  const temporary = join(folder, '.endpoints.tmp');
  await copyFile(fileURLToPath(new URL(change, import.meta.url)), temporary);
  const at = Date.now();
  await rename(temporary, join(folder, 'endpoints.yaml'));
  return at;
}

/** For each client how long after the rename it met the change first; null while one has not yet. */
async function findChange(
  clients: readonly Client[],
  before: readonly LoadReport[],
  renamedAt: number,
  backends: readonly string[],
): Promise<readonly number[] | null> {
  const reports = await report(clients);
  const times = reports.map((now, index) => {
    if (backends.length === 0) return now.failures.find(({ verdict }) => verdict === 'refused')?.at;
    const fresh = backends.filter((backend) => before[index]?.firstAnswers[backend] === undefined);
    const seen = fresh.flatMap((backend) => now.firstAnswers[backend] ?? []);
    return seen.length === fresh.length ? Math.min(...seen) : undefined;
  });
  const known = times.filter((time) => time !== undefined);
  return known.length === clients.length ? known.map((time) => time - renamedAt) : null;
}

function describeClient(
  client: Client,
  shown: number | undefined,
  counts: LoadReport | undefined,
  backends: readonly string[],
): void {
  if (counts === undefined) throw new TypeError('a report for each client');
  const event = backends.length === 0 ? 'refusal' : 'answer of a new back end';
  const { answered, refused, lost, slowestMs } = counts;
  say(
    `${client.name}: first ${event} after ${shown} ms; ${answered} answered, ${refused} refused, ${lost} lost, slowest ${slowestMs} ms`,
  );
  check(lost === 0, `${client.name}: ${lost} connections were neither answered nor refused during the change.`);
}
