import { closeSync, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/** CLONE_NEWNET. */
const networkNamespace = 0x40_00_00_00;

/**
 * Takes the calling thread, and no other of the process, into a network namespace (setns(2)): the sockets that it makes
 * from now on are of that one.
 */
export function enterNamespace(name: string): void {
  const setns = koffi.load(null).func('int setns(int, int)');
  const namespace = openSync(`/run/netns/${name}`, 'r');
  try {
    if (setns(namespace, networkNamespace) === 0) return;
    throw new Error(`cannot enter the namespace ${name}: ${getSystemErrorName(-koffi.errno())}`);
  } finally {
    closeSync(namespace);
  }
}
