import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildBundle } from '../bundle/build-bundle.ts';
import { copyKoffi } from './copy-koffi.ts';

/**
 * Writes the bundle into a folder, with the Node.js and the native package that one in a checkout finds there. What was in the
 * folder is removed. `root` is the repository.
 */
export async function addAgent(root: string, folder: string): Promise<void> {
  await buildBundle(root, folder);
  await copyKoffi(join(root, 'node_modules'), join(folder, 'node_modules'));
  const node = join(folder, 'bin/node');
  await rm(node);
  await cp(join(root, 'node_modules/node/bin/node'), node);
}
