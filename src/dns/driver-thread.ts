import { Worker } from 'node:worker_threads';
import { closeDescriptors } from '../netlink/mod.ts';
import type { StartThread } from './thread-keeper.ts';
import type { FromWorker } from './worker-messages.ts';

/**
 * Starts a worker thread. Sockets that were opened through the FFI are files of the process and stay when the thread is
 * lost: the kernel would go on giving them questions that nobody reads. So they are closed here, as soon as it ended.
 */
export const startThread: StartThread = (data, handlers) => {
  const worker = new Worker(new URL('driver-worker.ts', import.meta.url), { workerData: data, name: 'dns' });
  let descriptors: readonly number[] = [];
  let reason: string | null = null;
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'listening') descriptors = message.descriptors;
    handlers.message(message);
  });
  worker.on('error', (error) => {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  });
  worker.once('exit', (code) => {
    closeDescriptors(descriptors);
    handlers.ended(reason ?? (code === 0 ? null : `exit code ${code}`));
  });
  return {
    post: (message) => worker.postMessage(message),
    kill: () => void worker.terminate(),
  };
};
