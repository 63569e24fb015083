import { Worker } from 'node:worker_threads';
import { closeDescriptors } from '../netlink/mod.ts';
import type { StartThread } from './thread-keeper.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** How long a thread that is to be ended has to do so itself. A busy one must not be taken down while it can still end. */
const lastWordsMs = 5000;

/**
 * Starts a worker thread. Sockets that were opened through the FFI are files of the process and stay when the thread is
 * lost: the kernel would go on giving them questions that nobody reads. So they are closed here, as soon as it ended.
 */
export const startThread: StartThread = (data, handlers) => {
  const worker = new Worker(new URL('driver-worker.ts', import.meta.url), { workerData: data, name: 'dns' });
  let descriptors: readonly number[] = [];
  let reason: string | null = null;
  let hasEnded = false;
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'listening') descriptors = message.descriptors;
    handlers.message(message);
  });
  worker.on('error', (error) => {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  });
  worker.once('exit', (code) => {
    hasEnded = true;
    closeDescriptors(descriptors);
    handlers.ended(reason ?? (code === 0 ? null : `exit code ${code}`));
  });
  return {
    post: (message) => worker.postMessage(message),
    kill() {
      reason = 'it was ended from outside';
      // A socket that is readable while Node takes a thread down has koffi call into what cannot run any more, and that ends
      // the process. So a thread closes its sockets itself; only one that hangs for good has them closed under its hands.
      worker.postMessage({ kind: 'stop' } satisfies ToWorker);
      setTimeout(() => {
        if (hasEnded) return;
        closeDescriptors(descriptors);
        void worker.terminate();
      }, lastWordsMs);
    },
  };
};
