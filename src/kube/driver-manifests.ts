import { watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';

/** A watch that runs until it is closed. */
export interface FolderWatch {
  close(): void;
}

/** What happened in a folder: to one entry, to nobody knows which, or the watch is of no use any more. */
export type FolderEvent =
  /** `moved`: put in place, or taken away, as a whole; otherwise it may be half written. */
  | { readonly kind: 'entry'; readonly name: string; readonly moved: boolean }
  | { readonly kind: 'any' }
  | { readonly kind: 'lost' };

/** A folder of files, as far as manifests need one. Expected failures have code `WP_KUBE_MANIFEST_IO`. */
export interface ManifestFolder {
  readonly path: string;
  /** Tells one folder from the next of the same name; fails where there is none. */
  identify(): Promise<Outcome<string>>;
  /** Names of all entries, in no order. */
  list(): Promise<Outcome<readonly string[]>>;
  /** Changes whenever the content may have changed; null where there is no regular file of this name. */
  stamp(name: string): Promise<Outcome<string | null>>;
  read(name: string): Promise<Outcome<string>>;
  watch(onEvent: (event: FolderEvent) => void): Outcome<FolderWatch>;
}

/** More than any list of a cluster needs; keeps a stray link to something endless out of memory. */
const maxFileBytes = 256n * 1024n * 1024n;

/** The folder at `path` of the file system. Links are followed, as mounted ConfigMaps need it. */
export function openManifestFolder(path: string): ManifestFolder {
  return {
    path,
    identify: () =>
      attempt(path, async () => {
        const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
        return `${dev}:${ino}:${birthtimeNs}`;
      }),
    list: () => attempt(path, () => readdir(path)),
    stamp: (name) => attempt(join(path, name), () => readStamp(join(path, name))),
    read: (name) => attempt(join(path, name), () => readFile(join(path, name), 'utf8')),
    watch: (onEvent) => watchFolder(path, onEvent),
  };
}

async function readStamp(path: string): Promise<string | null> {
  try {
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) return null;
    if (found.size > maxFileBytes) throw new Error(`${found.size} bytes are more than the ${maxFileBytes} a manifest may have`);
    return `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null;
    throw cause;
  }
}

function watchFolder(path: string, onEvent: (event: FolderEvent) => void): Outcome<FolderWatch> {
  try {
    const watcher = watch(path, (kind, name) => {
      if (name === null) onEvent({ kind: 'any' });
      // inotify reports the end or the move of the folder itself under its own name.
      else onEvent(name === basename(path) ? { kind: 'lost' } : { kind: 'entry', name, moved: kind === 'rename' });
    });
    watcher.on('error', () => onEvent({ kind: 'lost' }));
    return succeed({ close: () => watcher.close() });
  } catch (cause) {
    return fail('WP_KUBE_MANIFEST_IO', `${path}: changes cannot be watched: ${describe(cause)}`, cause);
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return succeed(await work());
  } catch (cause) {
    return fail('WP_KUBE_MANIFEST_IO', `${path}: ${describe(cause)}`, cause);
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
