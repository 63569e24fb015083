import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusRow } from '../../src/model/mod.ts';
import { labConfig } from './config.ts';
import type { LabProcess } from './lab-process.ts';
import type { Place } from './place.ts';
import { pollUntil } from './poll.ts';
import { parseRows } from './rows.ts';
import { createTemporaryFolder } from './temporary-folder.ts';
import type { TemporaryFolder } from './temporary-folder.ts';

/** The command `waypost`. A run of all tests sets the variable: then it is what an image holds that is tested. */
export const launcher = process.env['WAYPOST_TEST_LAUNCHER'] ?? fileURLToPath(new URL('../../bin/waypost', import.meta.url));

export interface WaypostOptions {
  /** The folder of manifests it reads. */
  readonly manifests: string;
  /** Fields of a KubeProxyConfiguration, over those that suit a lab. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further options of the command line. */
  readonly flags?: readonly string[];
  /** Kubernetes name of the node. */
  readonly nodeName?: string;
  /** Waits until `/healthz` answers 200, which is after the first complete sync. Default true. */
  readonly waitHealthy?: boolean;
}

/** Starts the real agent in a place, from the launcher that a user starts it with. */
export async function startWaypost(place: Place, options: WaypostOptions): Promise<RunningWaypost> {
  const folder = await createTemporaryFolder('waypost-lab-');
  const config = join(folder.path, 'config.json');
  await writeFile(config, JSON.stringify(labConfig(options.config)));
  const running = new RunningWaypost(
    place,
    place.spawn(launcher, [
      'run',
      '--manifests',
      options.manifests,
      '--hostname-override',
      options.nodeName ?? 'node-1',
      '--config',
      config,
      ...(options.flags ?? []),
    ]),
    folder,
  );
  if (options.waitHealthy !== false) await running.waitHealthy();
  return running;
}

/** A running agent, as its operator sees it: through its ports, its output and signals. */
export class RunningWaypost {
  readonly process: LabProcess;
  readonly #place: Place;

  constructor(place: Place, started: LabProcess, folder: TemporaryFolder) {
    this.#place = place;
    this.process = started;
    void started.exited.then(() => folder[Symbol.asyncDispose]());
  }

  /** Until `/healthz` says 200. Throws with the agent's output if it ends or takes longer than `timeoutMs`. */
  async waitHealthy(timeoutMs = 20_000): Promise<void> {
    await pollUntil(
      '/healthz of the agent to answer 200',
      async () => {
        if (!this.process.running) throw new Error(`the agent ended before it was healthy:\n${this.process.output}`);
        const answer = await this.#get('http://127.0.0.1:10256/healthz');
        return answer?.status === 200 ? answer : null;
      },
      { timeoutMs, explain: () => `The agent said:\n${this.process.output}` },
    );
  }

  /** The rows that `waypost services` prints; null while the agent does not answer. */
  async rows(): Promise<readonly StatusRow[] | null> {
    const answer = await this.#get('http://127.0.0.1:10249/services');
    return answer?.status === 200 ? parseRows(answer.body) : null;
  }

  /** Until the rows are as wanted and none of them is waiting for the kernel. */
  waitRows(awaited: string, wanted: (rows: readonly StatusRow[]) => boolean, timeoutMs = 15_000): Promise<readonly StatusRow[]> {
    let last: readonly StatusRow[] | null = null;
    return pollUntil(
      awaited,
      async () => {
        last = await this.rows();
        return last !== null && wanted(last) && last.every((row) => row.state === 'Done') ? last : null;
      },
      { timeoutMs, everyMs: 10, explain: () => `Last rows: ${JSON.stringify(last)}\nThe agent said:\n${this.process.output}` },
    );
  }

  /** Ends it in order; its rules stay. The value is the exit code. */
  async stop(): Promise<number | null> {
    return this.process.stop();
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  #get(url: string): Promise<{ readonly status: number; readonly body: string } | null> {
    return this.#place.get(url).catch(() => null);
  }
}

/** Writes a manifest as a careful program does: nobody ever reads half of it. */
export async function writeManifest(folder: string, name: string, objects: readonly object[]): Promise<void> {
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 1);
  const temporary = join(folder, `.${name}.tmp`);
  await writeFile(temporary, text);
  await rename(temporary, join(folder, name));
}
