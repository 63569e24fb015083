import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { entryKind } from './newc-archive.ts';
import type { ArchiveEntry } from './newc-archive.ts';

/** Not part of what is tested, or too large to copy and the same for every run. */
const excluded: ReadonlySet<string> = new Set(['node_modules', '.git', '.cache', 'coverage']);

/**
 * Every file below `folder`, as entries whose paths begin with `prefix`. Types are blanked out of TypeScript, line by
 * line and column by column: the same takes Node.js a second and more in a guest under software emulation.
 */
export function readTree(folder: string, prefix: string): readonly ArchiveEntry[] {
  const self: ArchiveEntry = { path: prefix, mode: entryKind.folder | 0o755, data: new Uint8Array() };
  const inside = readdirSync(folder)
    .filter((name) => !excluded.has(name))
    .flatMap((name) => readEntry(join(folder, name), `${prefix}/${name}`));
  return [self, ...inside];
}

function readEntry(source: string, path: string): readonly ArchiveEntry[] {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return readTree(source, path);
  if (stat?.isSymbolicLink()) return [{ path, mode: entryKind.link | 0o777, data: Buffer.from(readlinkSync(source)) }];
  // What vanished since the listing, and sockets that somebody's editor left, are nothing to test.
  if (!stat?.isFile()) return [];
  return [{ path, mode: entryKind.file | (stat.mode & 0o777), data: readSource(source) }];
}

function readSource(path: string): Buffer {
  const content = readFileSync(path);
  if (!path.endsWith('.ts')) return content;
  try {
    return Buffer.from(stripTypeScriptTypes(content.toString('utf8')));
  } catch {
    // Whoever runs the file in the guest is told what is wrong with it.
    return content;
  }
}
