/**
 * Makes the image: `node scripts/image.ts [FOLDER]` writes the root file system and waypost.oci.tar into a folder, .cache/image
 * if none is named, and says how large it is. Needs root and the Debian package mmdebstrap.
 */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeRoot } from './image/make-root.ts';
import { writeArchive } from './image/write-archive.ts';

const mostOctets = 75_000_000;
const folder = resolve(process.argv[2] ?? '.cache/image');
const root = join(folder, 'root');
await makeRoot(root);
const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const { digest, size } = await writeArchive(root, join(folder, 'waypost.oci.tar'), version);

const entries = await readdir(root, { recursive: true, withFileTypes: true });
const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
const files = await Promise.all(paths.map(async (path) => ({ path, octets: (await stat(path)).size })));
for (const { path, octets } of files.toSorted((a, b) => b.octets - a.octets).slice(0, 12)) {
  console.log(`${`${octets}`.padStart(10)} ${path.slice(root.length)}`);
}
console.log(`${`${files.reduce((sum, { octets }) => sum + octets, 0)}`.padStart(10)} octets in ${files.length} files`);
console.log(`${`${size}`.padStart(10)} octets compressed, ${digest}: ${join(folder, 'waypost.oci.tar')}`);
if (size > mostOctets) {
  console.log(`The image is larger than ${mostOctets} octets.`);
  process.exitCode = 1;
}
