import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { fail, noDirt, succeed } from '../model/mod.ts';
import type { Dirty, Problem, Snapshot } from '../model/mod.ts';
import { openManifestFolder } from './driver-manifests.ts';
import type { FolderEvent, ManifestFolder } from './driver-manifests.ts';
import { createFolderSource, createManifestSource } from './manifest-source.ts';
import type { Source } from './source.ts';

/** Everything a source told, in order. */
class Recorder {
  readonly changes: { readonly snapshot: Snapshot; readonly dirty: Dirty }[] = [];
  readonly problems: Problem[] = [];
  readonly log: string[] = [];

  change(snapshot: Snapshot, dirty: Dirty): void {
    this.changes.push({ snapshot, dirty });
    this.log.push('change');
  }

  synced(): void {
    this.log.push('synced');
  }

  problem(problem: Problem): void {
    this.problems.push(problem);
    this.log.push('problem');
  }

  get services(): string {
    const services = [...(this.changes.at(-1)?.snapshot.services ?? [])];
    return services
      .map(([key, record]) => `${key}:${record.ports[0]?.port}`)
      .toSorted()
      .join(' ');
  }

  get messages(): readonly string[] {
    return this.problems.map((problem) => problem.message);
  }
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** Looks again and again until it is so; fails after ten seconds. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`never came: ${what}`);
    await delay(2);
  }
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waypost-manifests-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function begin(source: Source): Recorder {
  const recorder = new Recorder();
  source.start(recorder);
  cleanups.push(() => source.close());
  return recorder;
}

/** A poll so slow that only the watch can explain what the tests see. */
function follow(folder: string, pollMs = 60_000): Recorder {
  return begin(createManifestSource({ folder, nodeName: 'n1', debounceMs: 10, pollMs }));
}

function service(name: string, port: number): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {clusterIP: 10.96.0.1, ports: [{port: ${port}}]}\n`;
}

describe('createManifestSource', () => {
  it('reads the folder, then says synced once, and calls nobody inside start', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a.yaml'), `${service('web', 1)}---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\n`);
    await writeFile(join(folder, 'b.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [] }));
    await writeFile(join(folder, '.hidden.yaml'), service('hidden', 2));
    await writeFile(join(folder, 'notes.txt'), service('notes', 2));
    await mkdir(join(folder, 'deeper.yaml'));
    const recorder = follow(folder);
    expect(recorder.log).toEqual([]);
    await until('synced', () => recorder.log.includes('synced'));
    expect(recorder.log).toEqual(['change', 'synced']);
    expect(recorder.services).toBe('default/web:1');
    expect(recorder.changes[0]).toMatchObject({ snapshot: { node: { name: 'n1' } }, dirty: { node: true } });
  });

  it('gives an empty snapshot before synced for an empty folder', async () => {
    const recorder = follow(await makeFolder());
    await until('synced', () => recorder.log.includes('synced'));
    expect(recorder.log).toEqual(['change', 'synced']);
    expect(recorder.changes[0]?.snapshot.services.size).toBe(0);
  });

  it('follows new, changed, replaced and deleted files, and dirties only their Services', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a.yaml'), service('a', 1));
    const recorder = follow(folder);
    await until('the first', () => recorder.services === 'default/a:1');
    await writeFile(join(folder, 'b.yaml'), service('b', 2));
    await until('a new file', () => recorder.services === 'default/a:1 default/b:2');
    await writeFile(join(folder, 'b.yaml'), service('b', 3));
    await until('a changed file', () => recorder.services === 'default/a:1 default/b:3');
    expect(recorder.changes.at(-1)?.dirty).toEqual({ ...noDirt, services: new Set(['default/b']) });
    await writeFile(join(folder, '.b.tmp'), service('b', 4));
    await rename(join(folder, '.b.tmp'), join(folder, 'b.yaml'));
    await until('a replaced file', () => recorder.services === 'default/a:1 default/b:4');
    await unlink(join(folder, 'a.yaml'));
    await until('a deleted file', () => recorder.services === 'default/b:4');
    expect(recorder.messages).toEqual([]);
    expect(recorder.log.filter((entry) => entry === 'synced')).toHaveLength(1);
  });

  it('keeps the last good version of a file that does not parse, says where, and goes on when it is mended', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a.yaml'), service('a', 1));
    await writeFile(join(folder, 'b.yaml'), service('b', 1));
    const recorder = follow(folder);
    await until('the first', () => recorder.services === 'default/a:1 default/b:1');
    await writeFile(join(folder, 'a.yaml'), `${service('a', 2)}---\nkind: Service\nkind: Service\n`);
    await until('the problem', () => recorder.problems.length > 0);
    expect(recorder.messages).toEqual(['a.yaml: document 2, line 7: Map keys must be unique']);
    await writeFile(join(folder, 'b.yaml'), service('b', 2));
    await until('the neighbour', () => recorder.services === 'default/a:1 default/b:2');
    await writeFile(join(folder, 'a.yaml'), service('a', 3));
    await until('the mended file', () => recorder.services === 'default/a:3 default/b:2');
    expect(recorder.problems).toHaveLength(1);
  });

  it('says synced although a file does not parse', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a.yaml'), 'kind: {');
    await writeFile(join(folder, 'b.yaml'), service('b', 1));
    const recorder = follow(folder);
    await until('synced', () => recorder.log.includes('synced'));
    expect(recorder.log).toEqual(['change', 'problem', 'synced']);
    expect(recorder.services).toBe('default/b:1');
  });

  it('waits for a folder that does not exist, and keeps what it read of one that vanishes', async () => {
    const parent = await makeFolder();
    const folder = join(parent, 'later');
    const recorder = follow(folder, 20);
    await until('the problem', () => recorder.problems.length > 0);
    expect(recorder.messages[0]).toContain(`manifest folder ${folder}: ENOENT`);
    await mkdir(folder);
    await writeFile(join(folder, 'a.yaml'), service('a', 1));
    await until('the folder', () => recorder.services === 'default/a:1' && recorder.log.includes('synced'));

    await rename(folder, join(parent, 'away'));
    await until('the loss', () => recorder.problems.length === 2);
    expect(recorder.services).toBe('default/a:1');
    await mkdir(folder);
    await writeFile(join(folder, 'b.yaml'), service('b', 2));
    await until('the new folder', () => recorder.services === 'default/b:2');
    await writeFile(join(folder, 'b.yaml'), service('b', 3));
    await until('a change in the new folder', () => recorder.services === 'default/b:3');
    expect(recorder.problems).toHaveLength(2);
  });

  it('follows a mounted ConfigMap, which turns one link', async () => {
    const folder = await makeFolder();
    for (const version of [1, 2]) {
      await mkdir(join(folder, `..v${version}`));
      await writeFile(join(folder, `..v${version}`, 'a.yaml'), service('a', version));
    }
    await symlink('..v1', join(folder, '..data'));
    await symlink('..data/a.yaml', join(folder, 'a.yaml'));
    const recorder = follow(folder);
    await until('the first version', () => recorder.services === 'default/a:1');
    await symlink('..v2', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    await until('the second version', () => recorder.services === 'default/a:2');
    expect(recorder.changes).toHaveLength(2);
  });

  it('calls no handler after close', async () => {
    const folder = await makeFolder();
    const source = createManifestSource({ folder, nodeName: 'n1', debounceMs: 1 });
    const recorder = begin(source);
    await until('synced', () => recorder.log.includes('synced'));
    await writeFile(join(folder, 'a.yaml'), service('a', 1));
    await source.close();
    const told = recorder.log.length;
    // Another source on the same folder sees the file; the closed one had as much time.
    const other = follow(folder);
    await until('the other source', () => other.services === 'default/a:1');
    expect(recorder.log).toHaveLength(told);
  });
});

/** A folder in memory that loses signs, fails and cuts files as it is told, and counts what it is asked. */
class ScriptedFolder implements ManifestFolder {
  readonly path = '/scripted';
  readonly files = new Map<string, string>();
  readonly reads: string[] = [];
  readonly stamps: string[] = [];
  watchable = true;
  readable = true;
  #version = 0;
  readonly #versions = new Map<string, number>();
  #onEvent: ((event: FolderEvent) => void) | null = null;

  /** Changes a file; `quietly` is a change whose sign is lost. */
  write(name: string, text: string | null, quietly = false): void {
    this.#version += 1;
    this.#versions.set(name, this.#version);
    if (text === null) this.files.delete(name);
    else this.files.set(name, text);
    if (!quietly) this.#onEvent?.({ kind: 'entry', name, moved: false });
  }

  async identify() {
    return succeed('1');
  }

  async list() {
    return succeed([...this.files.keys()]);
  }

  async stamp(name: string) {
    this.stamps.push(name);
    return succeed(this.files.has(name) ? String(this.#versions.get(name)) : null);
  }

  async read(name: string) {
    this.reads.push(name);
    return this.readable ? succeed(this.files.get(name) ?? '') : fail('WP_KUBE_MANIFEST_IO', `${name}: EACCES`);
  }

  watch(onEvent: (event: FolderEvent) => void) {
    if (!this.watchable) return fail('WP_KUBE_MANIFEST_IO', 'ENOSPC');
    this.#onEvent = onEvent;
    return succeed({ close: () => void (this.#onEvent = null) });
  }
}

function followScripted(folder: ManifestFolder, pollMs = 60_000): Recorder {
  return begin(createFolderSource(folder, { nodeName: 'n1', debounceMs: 1, pollMs }));
}

describe('createFolderSource', () => {
  it('finds by polling what the watch did not tell, and reads only what changed', async () => {
    const folder = new ScriptedFolder();
    for (const name of ['a', 'b', 'c']) folder.write(`${name}.yaml`, service(name, 1));
    const recorder = followScripted(folder, 5);
    await until('synced', () => recorder.log.includes('synced'));
    folder.write('b.yaml', service('b', 2), true);
    await until('the change', () => recorder.services.includes('default/b:2'));
    folder.write('c.yaml', null, true);
    await until('the deletion', () => !recorder.services.includes('default/c'));
    expect(folder.reads).toEqual(['a.yaml', 'b.yaml', 'c.yaml', 'b.yaml']);
  });

  it('looks only at the file that the watch names', async () => {
    const folder = new ScriptedFolder();
    for (let index = 0; index < 50; index += 1) folder.write(`s${index}.yaml`, service(`s${index}`, 1));
    const recorder = followScripted(folder);
    await until('synced', () => recorder.log.includes('synced'));
    folder.stamps.length = 0;
    folder.write('s7.yaml', service('s7', 2));
    await until('the change', () => recorder.services.includes('default/s7:2'));
    expect(new Set(folder.stamps)).toEqual(new Set(['s7.yaml']));
  });

  it('says once that the folder cannot be watched, and polls', async () => {
    const folder = new ScriptedFolder();
    folder.watchable = false;
    const recorder = followScripted(folder, 5);
    await until('synced', () => recorder.log.includes('synced'));
    folder.write('a.yaml', service('a', 1));
    await until('the file', () => recorder.services === 'default/a:1');
    expect(recorder.messages).toEqual(['ENOSPC']);
  });

  it('believes an empty or a missing file only when it looks the same again', async () => {
    for (const cut of ['', '# nothing\n', null]) {
      const folder = new ScriptedFolder();
      folder.write('a.yaml', service('a', 1));
      const recorder = followScripted(folder);
      await until('synced', () => recorder.log.includes('synced'));
      // The moment between an editor's truncation and its writing, made as long as one look takes.
      let looks = 0;
      const stamp = folder.stamp.bind(folder);
      folder.stamp = async (name) => {
        const found = await stamp(name);
        looks += 1;
        if (looks === 2) folder.write('a.yaml', service('a', 2));
        return looks === 2 ? stamp(name) : found;
      };
      folder.write('a.yaml', cut);
      await until('the new text', () => recorder.services === 'default/a:2');
      expect(recorder.changes.map((change) => change.snapshot.services.size)).toEqual([1, 1]);
      expect(recorder.messages).toEqual([]);
      folder.stamp = stamp;
      folder.write('a.yaml', cut);
      await until('the end of it', () => recorder.services === '');
    }
  });

  it('does not mention a half-written file that is whole at the second look', async () => {
    const folder = new ScriptedFolder();
    folder.write('a.yaml', service('a', 1));
    const recorder = followScripted(folder);
    await until('synced', () => recorder.log.includes('synced'));
    const read = folder.read.bind(folder);
    folder.read = async (name) => {
      const found = await read(name);
      folder.read = read;
      folder.write('a.yaml', service('a', 2));
      return found;
    };
    folder.write('a.yaml', service('a', 2).slice(0, -5));
    await until('the whole file', () => recorder.services === 'default/a:2');
    expect(recorder.messages).toEqual([]);
  });

  it('keeps the objects of a file it may no longer read, says so once, and tries again', async () => {
    const folder = new ScriptedFolder();
    folder.write('a.yaml', service('a', 1));
    const recorder = followScripted(folder, 2);
    await until('synced', () => recorder.log.includes('synced'));
    folder.readable = false;
    folder.write('a.yaml', service('a', 2));
    const reads = folder.reads.length;
    await until('several attempts', () => folder.reads.length > reads + 3);
    expect(recorder.messages).toEqual(['a.yaml: EACCES']);
    expect(recorder.services).toBe('default/a:1');
    folder.readable = true;
    await until('the file', () => recorder.services === 'default/a:2');
  });

  it('names both files of an object that is in two', async () => {
    const folder = new ScriptedFolder();
    folder.write('b.yaml', service('a', 2));
    folder.write('a.yaml', service('a', 1));
    const recorder = followScripted(folder);
    await until('synced', () => recorder.log.includes('synced'));
    expect(recorder.messages).toEqual(['Service default/a is in a.yaml and in b.yaml: a.yaml counts']);
    expect(recorder.services).toBe('default/a:1');
    folder.write('a.yaml', null);
    await until('the other file', () => recorder.services === 'default/a:2');
  });
});

describe('openManifestFolder', () => {
  it('refuses to read what is no regular file', async () => {
    const path = await makeFolder();
    await mkdir(join(path, 'folder.yaml'));
    await symlink('nowhere', join(path, 'dangling.yaml'));
    await symlink('loop.yaml', join(path, 'loop.yaml'));
    const folder = openManifestFolder(path);
    expect(await folder.stamp('folder.yaml')).toEqual(succeed(null));
    expect(await folder.stamp('dangling.yaml')).toEqual(succeed(null));
    expect(await folder.stamp('missing.yaml')).toEqual(succeed(null));
    expect(await folder.stamp('loop.yaml')).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_MANIFEST_IO' } });
  });

  it('stamps a file anew for every kind of change', async () => {
    const path = await makeFolder();
    const folder = openManifestFolder(path);
    const file = join(path, 'a.yaml');
    await writeFile(file, 'one');
    const first = await folder.stamp('a.yaml');
    expect(await folder.stamp('a.yaml')).toEqual(first);
    await writeFile(file, 'longer');
    const second = await folder.stamp('a.yaml');
    expect(second).not.toEqual(first);
    await writeFile(join(path, 'b.yaml'), 'longer');
    await rename(join(path, 'b.yaml'), file);
    expect(await folder.stamp('a.yaml')).not.toEqual(second);
  });
});
