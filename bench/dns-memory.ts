import { once } from 'node:events';
import type { LoadOptions, LoadResult } from './dns-load.ts';
import { readMemory, serverCore, startOn } from './dns-process.ts';
import { prepareWaypost } from './dns-servers.ts';
import type { WaypostOptions } from './dns-waypost.ts';

export interface MemoryOptions {
  readonly folder: string;
  readonly file: string;
  readonly upstreamPort: number;
  readonly rounds: number;
  readonly load: (options: LoadOptions) => Promise<LoadResult>;
}

/** Octets of one process: when it was ready, and later, after the load where it answers. */
export interface MemoryResult {
  readonly dns: boolean;
  readonly readyBytes: number;
  readonly laterBytes: number;
  /** Of the latter the part that no other process shares. */
  readonly ownBytes: number;
}

const port = 5389;
const loadSeconds = 5;

/** The same process with and without DNS, in turns, the same cluster in its store; garbage of the main thread is collected. */
export async function measureMemory(options: MemoryOptions): Promise<readonly MemoryResult[]> {
  const results: MemoryResult[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    for (const udp of [null, 'batch'] as const) results.push(await measureOne(options, udp));
  }
  return results;
}

async function measureOne(options: MemoryOptions, udp: WaypostOptions['udp']): Promise<MemoryResult> {
  const { folder, file, upstreamPort, load } = options;
  const peer = prepareWaypost({ folder, port, upstreamPort }, udp, 'Waypost');
  const process = startOn(serverCore, peer.command, peer.args, { ipc: true });
  const tidy = async (): Promise<void> => {
    process.child.send('tidy');
    await once(process.child, 'message');
  };
  try {
    await once(process.child, 'message');
    await tidy();
    const ready = readMemory(process.pid);
    if (udp !== null) await load({ port, file, pid: process.pid, warmSeconds: 0, seconds: loadSeconds, rate: null });
    await tidy();
    const later = readMemory(process.pid);
    return { dns: udp !== null, readyBytes: ready.resident, laterBytes: later.resident, ownBytes: later.own };
  } finally {
    await process.stop();
  }
}
