import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readlink, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { renderHeader, renderPadding, tarEnd } from './tar.ts';
import type { TarEntry } from './tar.ts';

/** A blob and what it was before compression. Digests are `sha256:<hex>`. */
export interface Layer {
  readonly digest: string;
  readonly diffId: string;
  /** Octets, compressed. */
  readonly size: number;
}

/** Writes a folder as a compressed layer of an image. The same content gives the same octets. */
export async function writeLayer(folder: string, file: string): Promise<Layer> {
  const plain = new Digest();
  const packed = new Digest();
  await pipeline(archiveOf(folder), plain, createGzip({ level: 6 }), packed, createWriteStream(file));
  return { digest: packed.digest(), diffId: plain.digest(), size: packed.size };
}

/** Counts and hashes what flows through. */
class Digest extends Transform {
  size = 0;
  readonly #hash = createHash('sha256');

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: null, data: Buffer) => void): void {
    this.#hash.update(chunk);
    this.size += chunk.length;
    done(null, chunk);
  }

  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}

async function* archiveOf(folder: string): AsyncGenerator<Buffer> {
  for await (const entry of listEntries(folder, '')) {
    yield renderHeader(entry);
    if (entry.kind !== 'file') continue;
    yield* createReadStream(join(folder, entry.path));
    yield renderPadding(entry.size);
  }
  yield tarEnd;
}

/** Everything below, a folder before what is in it, in the order of the octets of the names. */
async function* listEntries(folder: string, path: string): AsyncGenerator<TarEntry> {
  for (const name of (await readdir(join(folder, path))).toSorted()) {
    const entry = await describe(folder, path === '' ? name : `${path}/${name}`);
    yield entry;
    if (entry.kind === 'folder') yield* listEntries(folder, entry.path);
  }
}

async function describe(folder: string, path: string): Promise<TarEntry> {
  const found = await lstat(join(folder, path));
  // Nobody else is to write there, and no program to gain rights by being started: set-id bits are dropped.
  if (found.isSymbolicLink()) return { path, kind: 'link', mode: 0o777, size: 0, target: await readlink(join(folder, path)) };
  if (found.isDirectory()) return { path, kind: 'folder', mode: path === 'tmp' ? 0o1777 : 0o755, size: 0, target: '' };
  if (!found.isFile()) throw new Error(`${path} is neither a file, a folder nor a symbolic link`);
  return { path, kind: 'file', mode: (found.mode & 0o111) === 0 ? 0o644 : 0o755, size: found.size, target: '' };
}
