import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guard, release } from './lifetime.ts';
import type { Belongings } from './lifetime.ts';

/** Makes a folder of a name of its own that begins with `prefix`; it goes when it is disposed of or this process ends. */
export async function createTemporaryFolder(prefix: string): Promise<TemporaryFolder> {
  return new TemporaryFolder(await mkdtemp(join(tmpdir(), prefix)));
}

class TemporaryFolder {
  readonly path: string;
  readonly #belongings: Belongings;

  constructor(path: string) {
    this.path = path;
    this.#belongings = { namespaces: [], pids: new Set(), folders: [path] };
    guard(this.#belongings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    release(this.#belongings);
  }
}

export type { TemporaryFolder };
