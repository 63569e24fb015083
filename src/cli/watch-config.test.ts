import { appendFile, chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigWatch, judgeFileEvent, strongerChange } from './watch-config.ts';
import type { FileChange } from './watch-config.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wpj-watch-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

let files = 0;

async function makeFile(text = 'mode: iptables\n'): Promise<string> {
  files += 1;
  const path = join(folder, `config-${files}.yaml`);
  await writeFile(path, text);
  return path;
}

async function openWatch(path: string): Promise<ConfigWatch> {
  const opened = await ConfigWatch.open(path);
  if (opened === null) throw new Error(`${path} cannot be watched`);
  return opened;
}

/** What is told of `path` after `act`; `act` must be followed by something that is told for sure. */
async function firstWord(path: string, act: () => Promise<unknown>): Promise<FileChange> {
  await using watch = await openWatch(path);
  await act();
  return await watch.next();
}

describe('[SP-142] the agent is told', () => {
  test('of a write', async () => {
    const path = await makeFile();
    expect(await firstWord(path, () => appendFile(path, '# more\n'))).toBe('updated');
  });

  test('of a write in place of the old text', async () => {
    const path = await makeFile();
    expect(await firstWord(path, () => writeFile(path, 'mode: ipvs\n'))).toBe('updated');
  });

  test('of a rename', async () => {
    const path = await makeFile();
    expect(await firstWord(path, () => rename(path, `${path}.old`))).toBe('renamed');
  });

  test('of a change before it asked, and of one after another', async () => {
    const path = await makeFile();
    await using watch = await openWatch(path);
    await appendFile(path, '# more\n');
    expect(await watch.next()).toBe('updated');
    const coming = watch.next();
    await appendFile(path, '# and more\n');
    expect(await coming).toBe('updated');
  });
});

describe('[SP-142] the agent is not told', () => {
  /** Whether a harmless act is told. A write to another file comes after it: when that is told, all before it was judged. */
  async function isTold(path: string, harmless: () => Promise<unknown>): Promise<boolean> {
    await using watch = await openWatch(path);
    await harmless();
    const other = await makeFile();
    const last = firstWord(other, () => appendFile(other, 'x'));
    return (await Promise.race([watch.next(), last.then(() => null)])) !== null;
  }

  test('of new attributes', async () => {
    const path = await makeFile();
    const told = await isTold(path, async () => {
      await chmod(path, 0o600);
      await utimes(path, new Date(0), new Date(0));
    });
    expect(told).toBe(false);
  });

  test('of a deletion', async () => {
    const path = await makeFile();
    expect(await isTold(path, () => rm(path))).toBe(false);
    const written = await makeFile();
    expect(await isTold(written, () => appendFile(written, 'x'))).toBe(true);
  });
});

describe('[SP-142] the agent is told of another file, which does not end it,', () => {
  test('where it takes the name, and of what becomes of that one', async () => {
    const path = await makeFile();
    const successor = await makeFile('mode: ipvs\n');
    await using watch = await openWatch(path);
    await rename(successor, path);
    expect(await watch.next()).toBe('replaced');
    await appendFile(path, '# more\n');
    expect(await watch.next()).toBe('updated');
  });

  test('after the update of a ConfigMap volume, which swaps a link, again and again', async () => {
    const volume = join(folder, 'volume');
    const write = async (name: string): Promise<void> => {
      await mkdir(join(volume, name), { recursive: true });
      await writeFile(join(volume, name, 'config.conf'), `# ${name}\nmode: iptables\n`);
    };
    await write('..one');
    await symlink('..one', join(volume, '..data'));
    await symlink('..data/config.conf', join(volume, 'config.conf'));
    await using watch = await openWatch(join(volume, 'config.conf'));
    for (const [last, next] of [
      ['..one', '..two'],
      ['..two', '..three'],
    ] as const) {
      await write(next);
      await symlink(next, join(volume, '..data_tmp'));
      await rename(join(volume, '..data_tmp'), join(volume, '..data'));
      await rm(join(volume, last), { recursive: true });
      expect(await watch.next()).toBe('replaced');
    }
  });
});

test.each([
  ['updated', 'renamed', 'renamed'],
  ['updated', 'replaced', 'updated'],
  ['replaced', 'replaced', 'replaced'],
] as const)('of %s and %s what counts is %s', (one, other, stronger) => {
  expect([strongerChange(one, other), strongerChange(other, one)]).toEqual([stronger, stronger]);
});

test('a file that is not there is not watched', async () => {
  expect(await ConfigWatch.open(join(folder, 'none'))).toBeNull();
});

describe('judgeFileEvent', () => {
  const stats = { mtimeNs: 1n, ctimeNs: 1n, atimeNs: 5n, nlink: 1n };
  const before = { text: 'a', stats };

  test.each([
    ['another text', 'change', 'b', {}, 'updated'],
    ['the same text written again', 'change', 'a', { mtimeNs: 9n, ctimeNs: 9n }, 'updated'],
    ['touch', 'change', 'a', { mtimeNs: 9n, ctimeNs: 9n, atimeNs: 9n }, null],
    ['touch with a time', 'change', 'a', { mtimeNs: 3n, ctimeNs: 9n }, null],
    ['chmod', 'change', 'a', { ctimeNs: 9n }, null],
    ['a move', 'rename', 'a', { ctimeNs: 9n }, 'renamed'],
    ['a deletion', 'change', 'a', { ctimeNs: 9n, nlink: 0n }, 'gone'],
    ['a deletion, told as a rename', 'rename', 'a', { nlink: 0n }, 'gone'],
  ] as const)('%s', (_, event, text, changes, verdict) => {
    expect(judgeFileEvent(event, before, { text, stats: { ...stats, ...changes } })).toBe(verdict);
  });
});
