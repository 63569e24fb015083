import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { parseAddress } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { closeDescriptors, openDatagrams } from './driver-datagrams.ts';
import { holdLibc } from './driver-libc.ts';

/** Opens sockets in worker threads that end in the ways threads end; prints what became of each, as JSON. */
const port = Number(process.argv[2] ?? workerData.port);
const ends = ['exit', 'throw', 'close', 'terminate'] as const;

interface Opened {
  readonly code: string;
  readonly descriptor: number | null;
}

async function open(reusePort: boolean): Promise<Opened> {
  const address = parseAddress('127.0.0.1');
  if (address === null) throw new TypeError('no address');
  const opened = await openDatagrams({ address, port, reusePort });
  if (opened.ok && isMainThread) opened.value.close();
  else if (opened.ok) {
    opened.value.watch(() => {});
    parentPort?.once('message', (end) => {
      if (end === 'close') opened.value.close();
      if (end === 'throw') throw new Error('as told');
      if (end === 'exit') process.exit();
    });
  }
  return { code: codeOf(opened), descriptor: opened.ok ? opened.value.descriptor : null };
}

function codeOf(outcome: Outcome<unknown>): string {
  return outcome.ok ? 'ok' : outcome.problem.code;
}

async function start(): Promise<Opened & { readonly worker: Worker }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port } });
  worker.on('error', () => {});
  const [opened] = (await once(worker, 'message')) as [Opened];
  return { worker, ...opened };
}

if (isMainThread) {
  const early = await start();
  await early.worker.terminate();
  const report: unknown[] = [['early', early.code, codeOf(await holdLibc())]];
  for (const end of ends) {
    const { worker, code, descriptor } = await start();
    // A second one on the port shows that the first is open.
    const during = await open(false);
    const exited = new Promise((resolve) => void worker.once('exit', resolve));
    if (end === 'terminate') await worker.terminate();
    else worker.postMessage(end);
    await exited;
    const after = await open(false);
    // Told again and again, it closes nothing else.
    for (const _ of ends) closeDescriptors(descriptor === null ? [] : [descriptor]);
    report.push([end, code, during.code, after.code, (await open(false)).code]);
  }
  process.stdout.write(JSON.stringify(report));
} else {
  parentPort?.postMessage(await open(true));
}
