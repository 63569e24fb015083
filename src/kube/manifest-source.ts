import { setImmediate as nextTurn } from 'node:timers/promises';
import { openManifestFolder } from './driver-manifests.ts';
import type { FolderEvent, FolderWatch, ManifestFolder } from './driver-manifests.ts';
import { isManifestName, readManifest } from './manifest-file.ts';
import type { ManifestReading } from './manifest-file.ts';
import { ManifestIndex } from './manifest-index.ts';
import type { ManifestReader } from './manifest-object.ts';
import { noDirt } from '../model/mod.ts';
import type { DnsData, IngressData, Problem } from '../model/mod.ts';
import type { Source, SourceHandlers } from './source.ts';
import { createStore } from './store.ts';
import type { Store } from './store.ts';

export interface ManifestOptions {
  /** The folder; files in folders below it are not read. */
  readonly folder: string;
  /** Only the Node of this name is read, unless ingress asks for all. */
  readonly nodeName: string;
  /** What DNS needs of the cluster; null or absent: only what a proxy needs is read. */
  readonly dns?: DnsData | null;
  /** What ingress needs besides; null or absent: nothing. */
  readonly ingress?: IngressData | null;
  /** Milliseconds from the first sign of a change until the files are read; 100 if not given. */
  readonly debounceMs?: number;
  /** Milliseconds between two looks at the whole folder, in case a sign was lost; 15,000 if not given. */
  readonly pollMs?: number;
}

/** A file that was moved into place is whole; this only gathers several that come together. */
const movedDelayMs = 5;

/** A folder that does not exist is looked for this often at least. */
const missingPollMs = 1000;

/**
 * Services, EndpointSlices and the own Node from a folder of manifests (.yaml, .yml, .json), followed as
 * the files change. Problems have codes `WP_KUBE_MANIFEST...` and name the file.
 */
export function createManifestSource(options: ManifestOptions): Source {
  return createFolderSource(openManifestFolder(options.folder), options);
}

/** {@link createManifestSource} on any folder that keeps the contract. */
export function createFolderSource(folder: ManifestFolder, options: Omit<ManifestOptions, 'folder'>): Source {
  const reader = { nodeName: options.nodeName, dns: options.dns ?? null, ingress: options.ingress ?? null };
  return new ManifestSource(folder, reader, options.debounceMs ?? 100, options.pollMs ?? 15_000);
}

/** What is remembered of a file. */
interface FileState {
  /** The content last looked at; null where it could not be read, so that the next look tries again. */
  readonly stamp: string | null;
  /** It looked half written and is to be looked at once more. */
  readonly unsettled: boolean;
  /** Messages told already. */
  readonly told: ReadonlySet<string>;
}

const newFile: FileState = { stamp: null, unsettled: false, told: new Set() };

class ManifestSource implements Source {
  readonly #folder: ManifestFolder;
  readonly #reader: ManifestReader;
  readonly #debounceMs: number;
  readonly #pollMs: number;
  readonly #store: Store;
  readonly #index: ManifestIndex;
  readonly #files = new Map<string, FileState>();
  readonly #pending = { all: true, names: new Set<string>() };
  /** Null before the start and after the end: then nobody is told anything. */
  #handlers: SourceHandlers | null = null;
  #started = false;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #poll: NodeJS.Timeout | null = null;
  #watch: FolderWatch | null = null;
  #folderId: string | null = null;
  #folderProblem: string | null = null;
  #watchProblem: string | null = null;
  #passes = 0;
  #synced = false;

  constructor(folder: ManifestFolder, reader: ManifestReader, debounceMs: number, pollMs: number) {
    this.#folder = folder;
    this.#reader = reader;
    this.#store = createStore(reader.nodeName);
    this.#index = new ManifestIndex(this.#store, reader.dns);
    this.#debounceMs = debounceMs;
    this.#pollMs = pollMs;
  }

  start(handlers: SourceHandlers): void {
    if (this.#started) throw new Error('a source is started once');
    this.#started = true;
    this.#handlers = handlers;
    this.#schedule(0);
  }

  async close(): Promise<void> {
    this.#handlers = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#endPoll();
    this.#endWatch();
    await this.#running;
    this.#endWatch();
  }

  /** One timer, never put off by later signs: a file that is written all the time is still read. */
  #schedule(delayMs: number): void {
    if (this.#timer !== null || this.#running !== null || this.#handlers === null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#running = this.#pass().finally(() => this.#afterPass());
    }, delayMs);
  }

  #afterPass(): void {
    this.#running = null;
    if (this.#handlers === null) return;
    if (this.#pending.all || this.#pending.names.size > 0) this.#schedule(this.#debounceMs);
    const pollMs = this.#folderProblem === null ? this.#pollMs : Math.min(this.#pollMs, missingPollMs);
    this.#poll ??= setTimeout(() => {
      this.#poll = null;
      this.#want(null);
    }, pollMs);
  }

  /** Asks for a look at one file, or at the whole folder. */
  #want(name: string | null, delayMs = this.#debounceMs): void {
    if (name === null) this.#pending.all = true;
    else this.#pending.names.add(name);
    this.#schedule(delayMs);
  }

  #onEvent(event: FolderEvent): void {
    if (event.kind === 'entry') {
      const delayMs = event.moved ? Math.min(movedDelayMs, this.#debounceMs) : this.#debounceMs;
      if (isManifestName(event.name)) this.#want(event.name, delayMs);
      // A mounted ConfigMap changes all its files by turning the link ..data.
      else if (event.name.startsWith('..')) this.#want(null);
      return;
    }
    if (event.kind === 'lost') this.#endWatch();
    this.#want(null);
  }

  async #pass(): Promise<void> {
    const { all, names } = this.#takePending();
    const folder = await this.#followFolder();
    if (folder === 'gone') return;
    const wanted = all || folder === 'new' ? await this.#listFiles() : [...names];
    if (wanted === null) return;
    for (const name of wanted) {
      if (this.#handlers === null) return;
      await this.#look(name);
    }
    this.#commit();
  }

  #takePending(): { all: boolean; names: readonly string[] } {
    const taken = { all: this.#pending.all, names: [...this.#pending.names] };
    this.#pending.all = false;
    this.#pending.names.clear();
    return taken;
  }

  /** Watches the folder that is there now. The watch begins before the files are listed, so nothing falls between. */
  async #followFolder(): Promise<'gone' | 'new' | 'same'> {
    const id = await this.#folder.identify();
    if (this.#handlers === null) return 'gone';
    if (!id.ok) {
      this.#loseFolder(id.problem);
      return 'gone';
    }
    if (this.#watch !== null && id.value === this.#folderId) return 'same';
    this.#endWatch();
    const started = this.#folder.watch((event) => this.#onEvent(event));
    if (started.ok) this.#watch = started.value;
    else if (this.#watchProblem !== started.problem.message) this.#tell(started.problem);
    this.#watchProblem = started.ok ? null : started.problem.message;
    this.#folderId = id.value;
    return 'new';
  }

  /** All files to look at, those that vanished included; null where the folder cannot be read. */
  async #listFiles(): Promise<readonly string[] | null> {
    const listed = await this.#folder.list();
    if (!listed.ok) {
      this.#loseFolder(listed.problem);
      return null;
    }
    this.#folderProblem = null;
    return [...new Set([...listed.value.filter(isManifestName), ...this.#files.keys()])].toSorted();
  }

  /** The last known objects stay: a folder that cannot be read says nothing about the cluster. */
  #loseFolder(problem: Problem): void {
    this.#endWatch();
    this.#endPoll();
    if (this.#folderProblem === problem.message) return;
    this.#folderProblem = problem.message;
    this.#tell({ ...problem, message: `manifest folder ${problem.message}: it is tried again, what was read of it stays` });
  }

  async #look(name: string): Promise<void> {
    const state = this.#files.get(name) ?? newFile;
    const stamp = await this.#folder.stamp(name);
    if (!stamp.ok) this.#remember(name, { stamp: null, unsettled: false }, [stamp.problem]);
    else if (stamp.value === null) await this.#missFile(name, state);
    else if (stamp.value !== state.stamp || state.unsettled) await this.#readFile(name, stamp.value, state);
  }

  /** Editors move a file away before they write it anew: it is gone when it is missed twice, in a folder that is there. */
  async #missFile(name: string, state: FileState): Promise<void> {
    if (!this.#files.has(name)) return;
    if (!state.unsettled || state.stamp !== null) this.#lookAgain(name, null, state);
    else if ((await this.#folder.identify()).ok) this.#forget(name);
  }

  async #readFile(name: string, stamp: string, state: FileState): Promise<void> {
    const text = await this.#folder.read(name);
    if (!text.ok) return this.#remember(name, { stamp: null, unsettled: false }, [text.problem]);
    const last = this.#index.objectsOf(name);
    const reading = await this.#digest(name, text.value);
    if (this.#handlers === null) return undefined;
    // What looks cut off is probably being written: it is believed when it looks the same a little later.
    const cutOff = reading.objects === null || (reading.objects.size === 0 && last !== undefined && last.size > 0);
    if (cutOff && stamp !== state.stamp) return this.#lookAgain(name, stamp, state);
    const conflicts = reading.objects === null ? [] : this.#index.put(name, reading.objects);
    return this.#remember(name, { stamp, unsettled: false }, [...reading.problems, ...conflicts]);
  }

  #lookAgain(name: string, stamp: string | null, state: FileState): void {
    this.#files.set(name, { stamp, unsettled: true, told: state.told });
    this.#pending.names.add(name);
  }

  async #digest(name: string, text: string): Promise<ManifestReading> {
    const steps = readManifest(name, text, this.#reader, this.#index.objectsOf(name));
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await nextTurn();
    }
  }

  #remember(name: string, seen: Omit<FileState, 'told'>, problems: readonly Problem[]): void {
    const told = this.#files.get(name)?.told ?? newFile.told;
    for (const problem of problems) if (!told.has(problem.message)) this.#tell(problem);
    this.#files.set(name, { ...seen, told: new Set(problems.map((problem) => problem.message)) });
  }

  #forget(name: string): void {
    this.#files.delete(name);
    this.#index.drop(name);
  }

  #commit(): void {
    this.#passes += 1;
    // A file that is being written at the start is waited for, but only once.
    const settled = this.#passes > 1 || this.#pending.names.size === 0;
    if (settled && !this.#synced) this.#markListed();
    const commit = this.#store.commit();
    if (commit !== null) this.#handlers?.change(commit.snapshot, commit.dirty);
    if (this.#synced || !settled) return;
    this.#synced = true;
    const { snapshot } = this.#store;
    if (snapshot.version === 0) this.#handlers?.change(snapshot, noDirt);
    this.#handlers?.synced();
  }

  #markListed(): void {
    const { dns, ingress } = this.#reader;
    if (ingress?.nodes === true) this.#store.markListed('nodes');
    if (dns === null) return;
    this.#store.markListed('services');
    this.#store.markListed('namespaces');
    if (dns.pods !== 'none') this.#store.markListed('pods');
  }

  #tell(problem: Problem): void {
    this.#handlers?.problem(problem);
  }

  #endPoll(): void {
    if (this.#poll !== null) clearTimeout(this.#poll);
    this.#poll = null;
  }

  #endWatch(): void {
    this.#watch?.close();
    this.#watch = null;
  }
}
