import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { copyKoffi } from './copy-koffi.ts';
import { linkEntries } from './link-entries.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Starts the bundled agent with the node that is on PATH, with the flags of bin/waypost. */
const launcher = `#!/bin/sh
self=$(readlink -f "$0")
exec node --max-semi-space-size=2 "\${self%/bin/waypost}/main.js" "$@"
`;

/**
 * Writes the agent into a folder: main.js, what it loads, its launcher bin/waypost, and the one native package. It needs
 * nothing else but Node.js. The same sources give the same octets; what was in the folder is removed.
 */
export async function makeBundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'bin'), { recursive: true });
  const packageFile = join(root, 'package.json');
  await using build = await rolldown({
    input: { main: join(root, 'src/cli/main.ts') },
    cwd: root,
    platform: 'node',
    external: ['koffi'],
    plugins: [linkEntries(packageFile)],
    onLog(level, log, handle) {
      // One that is only told would be a surprise on the first node that runs into it.
      if (level === 'warn') throw new Error(`the bundle would not work: ${log.message}`);
      handle(level, log);
    },
  });
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: 'dce-only',
  });
  const { name, version, license, engines } = JSON.parse(await readFile(packageFile, 'utf8')) as Record<string, unknown>;
  await writeFile(
    join(folder, 'package.json'),
    `${JSON.stringify({ name, version, license, type: 'module', engines }, null, 2)}\n`,
  );
  await writeFile(join(folder, 'bin/waypost'), launcher, { mode: 0o755 });
  await copyKoffi(join(root, 'node_modules'), join(folder, 'node_modules'));
}
