import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { moduleName, orderBootModules } from './boot-modules.ts';
import { isStaticProgram } from './elf.ts';
import { findImagePackage, provideKernel } from './kernel-package.ts';
import { createMarkerReader } from './marker-reader.ts';
import { entryKind, writeNewcArchive } from './newc-archive.ts';
import { readTree } from './read-tree.ts';

describe('modules for the boot', () => {
  it('come in the order of their dependencies, and only those that are files', () => {
    const dep = [
      'kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko',
      'kernel/net/9p/9pnet.ko:',
      'kernel/fs/netfs/netfs.ko:',
      'kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko',
      'kernel/sound/soundcore.ko:',
      '',
    ];
    expect(orderBootModules(dep.join('\n')).map(moduleName)).toEqual(['9pnet', '9pnet_virtio', 'netfs', '9p']);
  });
});

describe('the kernel package', () => {
  it('is what the package of the kernel in general depends on', () => {
    expect(findImagePackage('linux-image-amd64\n  Depends: linux-image-6.1.0-50-amd64\n')).toBe('linux-image-6.1.0-50-amd64');
    expect(findImagePackage('linux-image-amd64\n |Depends: linux-image-7.0-amd64\n  Depends: x\n')).toBe('linux-image-7.0-amd64');
    expect(findImagePackage('N: Unable to locate package')).toBeNull();
  });

  it('is not fetched again where there is one, and what a broken run left behind is not taken for one', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'waypost-kernel-'));
    try {
      mkdirSync(join(cache, 'unpacking-abc'));
      mkdirSync(join(cache, '6.1.0-1-amd64'));
      expect(await provideKernel(cache)).toEqual({
        ok: true,
        kernel: {
          release: '6.1.0-1-amd64',
          image: `${cache}/6.1.0-1-amd64/vmlinuz`,
          modules: `${cache}/6.1.0-1-amd64/lib/modules/6.1.0-1-amd64`,
        },
      });
    } finally {
      rmSync(cache, { recursive: true });
    }
  });
});

describe('the first file system', () => {
  it('is an archive in the format of the kernel', () => {
    const archive = writeNewcArchive([{ path: 'a', mode: entryKind.file | 0o644, data: Buffer.from('hello') }]);
    const header =
      '070701' + ['1', '81a4', '0', '0', '1', '0', '5', '0', '0', '0', '0', '2', '0'].map((n) => n.padStart(8, '0')).join('');
    expect(archive.toString('latin1', 0, 120)).toBe(`${header}a\0hello\0\0\0`);
    expect(archive.length % 4).toBe(0);
    expect(archive.toString('latin1', 120)).toContain('TRAILER!!!\0');
  });

  it('has the tree with its links, without packages, and with TypeScript of the same lines and columns without types', () => {
    const folder = mkdtempSync(join(tmpdir(), 'waypost-tree-'));
    try {
      mkdirSync(join(folder, 'src'));
      mkdirSync(join(folder, 'node_modules'));
      writeFileSync(join(folder, 'node_modules/x.ts'), '');
      writeFileSync(join(folder, 'src/a.ts'), 'const a: string = "ä";\n', { mode: 0o640 });
      writeFileSync(join(folder, 'src/broken.ts'), 'const a: = ;');
      symlinkSync('a.ts', join(folder, 'src/link'));
      const text = readTree(folder, 'tree').map(({ path, mode, data }) => [path, mode.toString(8), Buffer.from(data).toString()]);
      expect(text).toEqual([
        ['tree', '40755', ''],
        ['tree/src', '40755', ''],
        ['tree/src/a.ts', '100640', 'const a         = "ä";\n'],
        ['tree/src/broken.ts', '100644', 'const a: = ;'],
        ['tree/src/link', '120777', 'a.ts'],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('needs a busybox without libraries', () => {
    expect(isStaticProgram(readFileSync(process.execPath))).toBe(false);
    expect(isStaticProgram(Buffer.from('#!/bin/sh\n'))).toBe(false);
    const shell = execFileSync('sh', ['-c', 'command -v sh'], { encoding: 'utf8' }).trim();
    const dynamic = readFileSync(shell);
    expect(isStaticProgram(dynamic)).toBe(false);
    // The same program with its interpreter header turned into an unused one (PT_NULL).
    const header = Number(dynamic.readBigUInt64LE(32));
    for (let at = header; at < header + dynamic.readUInt16LE(56) * 56; at += 56) {
      if (dynamic.readUInt32LE(at) === 3) dynamic.writeUInt32LE(0, at);
    }
    expect(isStaticProgram(dynamic)).toBe(true);
  });
});

describe('the end of an output', () => {
  it.each([1, 2, 3, 7, 100])('is found in pieces of %i bytes, and nothing of it is passed on', async (size) => {
    const seen: string[] = [];
    const reader = createMarkerReader('MARK', (chunk) => seen.push(chunk.toString()));
    const stream = Buffer.from('MAMARone MMARtwoMARK');
    for (let at = 0; at < stream.length; at += size) reader.feed(stream.subarray(at, at + size));
    expect((await reader.ended).toString()).toBe('MAMARone MMARtwo');
    expect(seen.join('')).toBe('MAMARone MMARtwo');
  });
});
