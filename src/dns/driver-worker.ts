import { randomInt } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { WorkerProgram } from './worker-program.ts';
import { openHosts } from './driver-hosts.ts';
import { openTcp } from './driver-tcp.ts';
import { openUdp } from './driver-udp.ts';
import { openUpstreams } from './driver-upstream.ts';
import { createForwarder } from './forward.ts';
import { seedHash } from './read-query.ts';
import type { ToWorker, WorkerData } from './worker-messages.ts';
import { steadyClock } from './driver-clock.ts';

/** The first file of a DNS worker thread: gives the program its sockets, its clock and the way to the main thread. */
if (parentPort === null) throw new Error('this file runs as a worker thread');
const port = parentPort;
seedHash(randomInt(2 ** 32));
const program = new WorkerProgram(workerData as WorkerData, {
  clock: steadyClock,
  now: () => performance.now(),
  random: (below) => Math.floor(Math.random() * below),
  openUdp,
  openTcp,
  openForwarder: (rule, observer) => createForwarder(rule, openUpstreams(rule, steadyClock, observer)),
  openHosts,
  heapUsed: () => process.memoryUsage().heapUsed,
  tell: (message) => port.postMessage(message),
  end: () => port.close(),
});
port.on('message', (message: ToWorker) => program.take(message));
program.start();
