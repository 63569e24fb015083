import { dirname } from 'node:path';
import { launcher } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { root } from './pages.ts';

/** How a script ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs a script of the documentation on a node of the lab, from the folder of the project and with its `waypost` on PATH. What
 * the pages name in /etc and /var/lib are the files of `files`, in a mount namespace of its own, and /tmp has nothing but the project,
 * if that is there: the machine has none of it.
 */
export async function runScript(node: Place, script: string, files: string): Promise<Ended> {
  const inTmp = root.startsWith('/tmp/');
  const prepared = [
    'set -e',
    `test -e ${files}/etc/coredns || { cp -a /etc ${files} && cp -a ${files}/coredns ${files}/etc; }`,
    `mount --bind ${files}/etc /etc`,
    `mount --bind ${files}/lib /var/lib`,
    `mkdir -p ${files}/tmp`,
    ...(inTmp ? [`mkdir -p ${files}${root}`, `mount --bind ${root} ${files}${root}`] : []),
    `mount --rbind ${files}/tmp /tmp`,
    `cd ${root}`,
    // The last command gives the exit code, and one that fails before it ends the script.
    `PATH=${dirname(launcher)}:$PATH exec bash -e -c "$0"`,
  ].join('\n');
  // `ip netns exec` makes a mount namespace already, whose mounts reach nobody.
  // A block of many commands may take longer than one command may; the limit is the test's own.
  const running = node.spawn('sh', ['-c', prepared, script]);
  return { code: await running.exited, output: running.output };
}
