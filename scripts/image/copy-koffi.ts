import { cp, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The files of koffi that run; the rest are its sources in C, its documentation and its binaries for other libraries. */
const runtimeFiles = ['package.json', 'LICENSE.txt', 'index.js', 'index.cjs', 'src/koffi/index.js', 'src/koffi/index.cjs'];
const staticFiles = ['src/koffi/src/static.js', 'src/koffi/src/static.cjs'];

/**
 * Copies what the package koffi needs at run time, with its binary for the GNU C library of this processor, into the
 * node_modules of a bundle. A native binary cannot be a part of the bundle itself.
 */
export async function copyKoffi(modules: string, target: string): Promise<void> {
  const platform = `@koromix/koffi-linux-${process.arch}`;
  const names = [...runtimeFiles, ...staticFiles].map((file) => join('koffi', file));
  const { main } = JSON.parse(await readFile(join(modules, platform, 'package.json'), 'utf8')) as { main: string };
  names.push(...['package.json', main, `linux_${process.arch}/koffi.node`].map((file) => join(platform, file)));
  for (const name of names) {
    await mkdir(dirname(join(target, name)), { recursive: true });
    await cp(join(modules, name), join(target, name));
  }
}
