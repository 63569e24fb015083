import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { parseAddress } from '../model/mod.ts';
import { holdLibc } from '../netlink/mod.ts';
import { openBatchUdp } from './driver-udp-batch.ts';
import { openPlainUdp } from './driver-udp-plain.ts';
import { unwrap } from './driver-udp.fixture.ts';
import { question } from './stream.fixture.ts';
import type { UdpSocket } from './udp-socket.ts';

/** Listens as told, in a worker thread for each plan, and asks from the main thread; prints who answered, as JSON. */
export interface Plan {
  readonly kind: 'batch' | 'plain';
  /** Replies are sent later. */
  readonly later: boolean;
  readonly listen: readonly string[];
  /** Asked at one after the other. */
  readonly ask: readonly string[];
  /** Where the questions come from; empty: wherever the route says. */
  readonly from: string;
}

const port = 5300;

async function listen({ kind, later, listen: addresses }: Plan): Promise<void> {
  const open = kind === 'batch' ? openBatchUdp : openPlainUdp;
  for (const text of addresses) {
    const address = parseAddress(text);
    if (address === null) throw new Error(`not an address: ${text}`);
    const answer = (socket: Pick<UdpSocket, 'keepPath' | 'send'>, input: Uint8Array, start: number, length: number): number => {
      const path = socket.keepPath();
      const reply = input.slice(start, start + length);
      if (later) setImmediate(() => socket.send(path, reply));
      else socket.send(path, reply);
      return 0;
    };
    const direct = { answer: later ? answer : echoOnly };
    unwrap(await open({ address, port, reusePort: true, ...direct }));
  }
}

function echoOnly(...all: Parameters<Parameters<typeof openBatchUdp>[0]['answer']>): number {
  const [, input, start, length, , out, outStart] = all;
  out.set(input.subarray(start, start + length), outStart);
  return length;
}

async function ask({ ask: addresses, from }: Plan): Promise<readonly string[]> {
  const sources: string[] = [];
  for (const text of addresses) {
    const client = createSocket(text.includes(':') ? 'udp6' : 'udp4');
    if (from !== '') client.bind(0, from);
    client.send(question(1), port, text);
    const [, { address, port: source }] = (await once(client, 'message')) as [Buffer, { address: string; port: number }];
    sources.push(source === port ? address : `${address} port ${source}`);
    client.close();
  }
  return sources;
}

/** Carries out one plan after the other; those of a worker that was ended leave nothing behind for the next. */
async function carryOut(plans: readonly Plan[]): Promise<readonly (readonly string[])[]> {
  unwrap(await holdLibc());
  const results: (readonly string[])[] = [];
  for (const plan of plans) {
    const worker = new Worker(new URL(import.meta.url), { workerData: plan });
    await once(worker, 'message');
    results.push(await ask(plan));
    const exit = once(worker, 'exit');
    worker.postMessage('exit');
    await exit;
  }
  return results;
}

if (isMainThread) {
  process.stdout.write(JSON.stringify(await carryOut(JSON.parse(process.argv[2] ?? '[]') as readonly Plan[])));
} else {
  parentPort?.once('message', () => process.exit());
  await listen(workerData as Plan);
  parentPort?.postMessage('listening');
}
