import { watch } from 'node:fs';
import type { BigIntStats, FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Problem } from '../model/mod.ts';

/** What a file was or is: its bytes as text, and its inode's facts. */
export interface FileState {
  readonly text: string;
  readonly stats: Pick<BigIntStats, 'mtimeNs' | 'ctimeNs' | 'atimeNs' | 'nlink'>;
}

/** What the kernel reports (inotify): `change` for a write or new attributes, `rename` for a file moved or gone. */
export type FileEvent = 'change' | 'rename';

/**
 * Whether a file was written or moved, as opposed to deleted, replaced or given other attributes
 * (specification 9.6). Writing the same text again counts; `touch` without a time, which sets all three
 * times to the same moment, does not.
 */
export function judgeFileEvent(event: FileEvent, before: FileState, now: FileState): 'updated' | 'renamed' | null {
  // Deleted, or another file took its name: the restart of a Pod is what brings the new one (ConfigMap volumes).
  if (now.stats.nlink === 0n) return null;
  if (event === 'rename') return 'renamed';
  if (now.text !== before.text) return 'updated';
  const { mtimeNs, ctimeNs, atimeNs } = now.stats;
  const written = mtimeNs !== before.stats.mtimeNs && mtimeNs === ctimeNs && atimeNs !== mtimeNs;
  return written ? 'updated' : null;
}

/** Watches the file of `--config` from the moment it was opened. */
export class ConfigWatch implements AsyncDisposable {
  /** Resolves when the file was written or renamed; never otherwise. */
  readonly changed: Promise<Problem>;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #watcher: FSWatcher;
  readonly #tell: (problem: Problem) => void;
  #before: FileState;
  #judging: Promise<void> = Promise.resolve();

  /** Null where the file cannot be opened or watched; whoever reads it will say why. */
  static async open(path: string): Promise<ConfigWatch | null> {
    let file: FileHandle | null = null;
    let watcher: FSWatcher | null = null;
    try {
      // The open file tells a move from a deletion, which look alike from outside.
      file = await open(path, 'r');
      watcher = watch(path, { persistent: false });
      return new ConfigWatch(path, file, watcher, await readState(file));
    } catch {
      watcher?.close();
      await file?.close();
      return null;
    }
  }

  private constructor(path: string, file: FileHandle, watcher: FSWatcher, before: FileState) {
    const { promise, resolve } = Promise.withResolvers<Problem>();
    this.changed = promise;
    this.#tell = resolve;
    this.#path = path;
    this.#file = file;
    this.#before = before;
    this.#watcher = watcher;
    // A watch that breaks ends the watching, as in the reference; the agent itself is not at stake.
    watcher.on('error', () => {});
    watcher.on('change', (event) => {
      this.#judging = this.#judging.then(() => this.#judge(event as FileEvent));
    });
  }

  async #judge(event: FileEvent): Promise<void> {
    try {
      const now = await readState(this.#file);
      const verdict = judgeFileEvent(event, this.#before, now);
      this.#before = now;
      if (verdict === null) return;
      const message = `the configuration file ${this.#path} was ${verdict}: ending, so that a restart takes the new configuration`;
      this.#tell({ code: 'WP_CLI_CONFIG_CHANGED', message });
    } catch {
      // Closed meanwhile.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher.close();
    await this.#judging;
    await this.#file.close();
  }
}

async function readState(file: FileHandle): Promise<FileState> {
  const stats = await file.stat({ bigint: true });
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Number(stats.size)), 0, Number(stats.size), 0);
  return { text: buffer.toString('utf8', 0, bytesRead), stats };
}
