import { cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import type { OutputChunk, Plugin } from 'rolldown';

/** Programs of their own: the command line, a thread of the resolver, and the helper that starts programs for checks. */
const entries = ['src/cli/main.ts', 'src/dns/driver-worker.ts', 'src/ingress/driver-probe-helper.ts'] as const;

/** The status page: its folder, what of it is served as it is, and where its script begins. */
const page = { folder: 'src/observe/page', files: ['index.html', 'style.css'], script: 'browser/main' } as const;

/** Native code, which finds its library by its place in `node_modules`. */
const external = ['koffi'];

export interface BundledFile {
  readonly path: string;
  /** Octets. */
  readonly size: number;
}

/**
 * Bundles the agent and everything it needs but `koffi`: `folder`, which is emptied first, gets `bin/waypost`, a link to the
 * Node.js that is pinned here, `package.json` and `lib/agent`. `root` is the repository. A start reads some twenty files then
 * and not some seven hundred. The same sources give the same files. Throws what the bundler says.
 */
export async function buildBundle(root: string, folder: string): Promise<readonly BundledFile[]> {
  rmSync(folder, { recursive: true, force: true });
  const input = Object.fromEntries(entries.map((entry) => [basename(entry, '.ts'), join(root, entry)]));
  await using bundle = await rolldown({
    cwd: root,
    input,
    external,
    platform: 'node',
    plugins: [nameEntries()],
    logLevel: 'warn',
  });
  const dir = join(folder, 'lib', 'agent');
  const { output } = await bundle.write({
    dir,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  const pageFiles = await bundlePage(root, join(dir, 'page'));
  for (const file of ['package.json', 'bin']) cpSync(join(root, file), join(folder, file), { recursive: true });
  const bin = join(folder, 'bin');
  symlinkSync(relative(bin, join(root, 'node_modules', 'node', 'bin', 'node')), join(bin, 'node'));
  const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk');
  return [...chunks.map(({ fileName, code }) => describeFile(join(dir, fileName), code)), ...pageFiles];
}

/** What browsers are served, where the bundle looks for it: in `page` beside itself. Of scripts there is one. */
async function bundlePage(root: string, folder: string): Promise<readonly BundledFile[]> {
  await using bundle = await rolldown({
    cwd: root,
    input: { [page.script]: join(root, page.folder, `${page.script}.ts`) },
    platform: 'browser',
    logLevel: 'warn',
  });
  const { output } = await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].js' });
  for (const file of page.files) cpSync(join(root, page.folder, file), join(folder, file));
  const scripts = output.filter((file): file is OutputChunk => file.type === 'chunk');
  return [
    ...scripts.map(({ fileName, code }) => describeFile(join(folder, fileName), code)),
    ...page.files.map((file) => describeFile(join(folder, file), readFileSync(join(folder, file), 'utf8'))),
  ];
}

function describeFile(path: string, text: string): BundledFile {
  return { path, size: Buffer.byteLength(text) };
}

/** What a program starts by its address beside it has another name in the bundle. */
function nameEntries(): Plugin {
  const renamed = entries.map((entry) => {
    const name = basename(entry, '.ts');
    return [`new URL('${name}.ts', import.meta.url)`, `new URL('${name}.js', import.meta.url)`] as const;
  });
  const handler = (code: string): string => renamed.reduce((text, [from, to]) => text.replaceAll(from, to), code);
  return { name: 'waypost-entries', transform: { order: 'pre', handler } };
}
