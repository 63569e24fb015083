import { watch } from 'node:fs';
import type { BigIntStats, FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** What a file was or is: its bytes as text, and its inode's facts. */
export interface FileState {
  readonly text: string;
  readonly stats: Pick<BigIntStats, 'mtimeNs' | 'ctimeNs' | 'atimeNs' | 'nlink'>;
}

/** What the kernel reports (inotify): `change` for a write or new attributes, `rename` for a file moved or gone. */
export type FileEvent = 'change' | 'rename';

/** What became of a file: written, moved away, or another file has its name now. */
export type FileChange = 'updated' | 'renamed' | 'replaced';

const strength: Readonly<Record<FileChange, number>> = { replaced: 0, updated: 1, renamed: 2 };

/** Of two changes the one that says more: a moved file is no more than moved, and one that was written may end the agent. */
export function strongerChange(one: FileChange, other: FileChange): FileChange {
  return strength[one] >= strength[other] ? one : other;
}

/**
 * Whether a file was written or moved, as opposed to given other attributes (specification 9.6); `gone` where it was deleted
 * or another took its name. Writing the same text again counts; `touch` without a time, which sets all three times to the
 * same moment, does not.
 */
export function judgeFileEvent(event: FileEvent, before: FileState, now: FileState): 'updated' | 'renamed' | 'gone' | null {
  if (now.stats.nlink === 0n) return 'gone';
  if (event === 'rename') return 'renamed';
  if (now.text !== before.text) return 'updated';
  const { mtimeNs, ctimeNs, atimeNs } = now.stats;
  const written = mtimeNs !== before.stats.mtimeNs && mtimeNs === ctimeNs && atimeNs !== mtimeNs;
  return written ? 'updated' : null;
}

/** A file that is open and watched. */
interface Watched {
  readonly file: FileHandle;
  readonly watcher: FSWatcher;
  before: FileState;
}

/** Watches the file of `--config` from the moment it was opened, and each that takes its place. */
export class ConfigWatch implements AsyncDisposable {
  readonly path: string;
  #watched: Watched;
  #judging: Promise<void> = Promise.resolve();
  #told: FileChange | null = null;
  #asker: ((change: FileChange) => void) | null = null;

  /** Null where the file cannot be opened or watched; whoever reads it will say why. */
  static async open(path: string): Promise<ConfigWatch | null> {
    const watched = await watchFile(path);
    return watched === null ? null : new ConfigWatch(path, watched);
  }

  private constructor(path: string, watched: Watched) {
    this.path = path;
    this.#watched = watched;
    this.#listen();
  }

  /** Resolves with the next change, or at once with what happened since the last answer. One at a time may wait. */
  next(): Promise<FileChange> {
    const { promise, resolve } = Promise.withResolvers<FileChange>();
    this.#asker = resolve;
    this.#answer();
    return promise;
  }

  #tell(change: FileChange): void {
    this.#told = this.#told === null ? change : strongerChange(this.#told, change);
    this.#answer();
  }

  #answer(): void {
    if (this.#told === null || this.#asker === null) return;
    const [told, asker] = [this.#told, this.#asker];
    this.#told = null;
    this.#asker = null;
    asker(told);
  }

  #listen(): void {
    const watched = this.#watched;
    // A watch that breaks ends the watching, as in the reference; the agent itself is not at stake.
    watched.watcher.on('error', () => {});
    watched.watcher.on('change', (event) => {
      this.#judging = this.#judging.then(() => this.#judge(watched, event as FileEvent));
    });
  }

  async #judge(watched: Watched, event: FileEvent): Promise<void> {
    if (watched !== this.#watched) return;
    try {
      const now = await readState(watched.file);
      const verdict = judgeFileEvent(event, watched.before, now);
      watched.before = now;
      if (verdict === 'gone') await this.#moveOn();
      else if (verdict !== null) this.#tell(verdict);
    } catch {
      // Closed meanwhile.
    }
  }

  /** Goes over to the file that has the name now, as after the update of a ConfigMap volume; there may be none. */
  async #moveOn(): Promise<void> {
    const next = await watchFile(this.path);
    if (next === null) return;
    const last = this.#watched;
    this.#watched = next;
    this.#listen();
    last.watcher.close();
    await last.file.close();
    this.#tell('replaced');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched.watcher.close();
    await this.#judging;
    this.#watched.watcher.close();
    await this.#watched.file.close();
  }
}

async function watchFile(path: string): Promise<Watched | null> {
  let file: FileHandle | null = null;
  let watcher: FSWatcher | null = null;
  try {
    // The open file tells a move from a deletion, which look alike from outside.
    file = await open(path, 'r');
    watcher = watch(path, { persistent: false });
    return { file, watcher, before: await readState(file) };
  } catch {
    watcher?.close();
    await file?.close();
    return null;
  }
}

async function readState(file: FileHandle): Promise<FileState> {
  const stats = await file.stat({ bigint: true });
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Number(stats.size)), 0, Number(stats.size), 0);
  return { text: buffer.toString('utf8', 0, bytesRead), stats };
}
