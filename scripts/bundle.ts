/** Writes the bundle of the agent into a folder, .cache/bundle if none is named, and says how large its files are. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeBundle } from './bundle/make-bundle.ts';

const folder = resolve(process.argv[2] ?? '.cache/bundle');
await makeBundle(folder);
const entries = await readdir(folder, { recursive: true, withFileTypes: true });
const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
const sizes = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })));
for (const { file, size } of sizes.toSorted((a, b) => b.size - a.size)) {
  console.log(`${`${size}`.padStart(9)} ${file.slice(folder.length + 1)}`);
}
console.log(`${`${sizes.reduce((sum, { size }) => sum + size, 0)}`.padStart(9)} octets in ${folder}`);
