import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTemporaryFolder } from '../../test/lab/mod.ts';
import { belongsInImage } from './contents.ts';
import { renderHeader } from './tar.ts';
import { writeArchive } from './write-archive.ts';

describe('an archive', () => {
  test('is the same for the same content, is read by tar, and names what is in it by digest', async () => {
    await using scratch = await createTemporaryFolder('waypost-archive-');
    const deep = `${'a'.repeat(60)}/${'b'.repeat(60)}`;
    const digests: string[] = [];
    for (const name of ['one', 'two']) {
      const root = join(scratch.path, name);
      await mkdir(join(root, deep), { recursive: true });
      await writeFile(join(root, deep, 'file'), 'content\n', { mode: 0o600 });
      await writeFile(join(root, 'program'), '#!/bin/sh\n', { mode: 0o4711 });
      await symlink('program', join(root, 'alias'));
      await utimes(join(root, 'program'), name === 'one' ? 1 : 2, 3);
      const { digest, size } = await writeArchive(root, join(scratch.path, `${name}.tar`), '1.2.3');
      expect(size).toBeGreaterThan(100);
      digests.push(digest);
    }
    expect(digests[1]).toBe(digests[0]);
    const [one, two] = await Promise.all(['one', 'two'].map((name) => readFile(join(scratch.path, `${name}.tar`))));
    expect(two?.equals(one ?? Buffer.alloc(0))).toBe(true);
    const layer = `blobs/${digests[0]?.replace(':', '/')}`;
    const listed = execFileSync('sh', ['-c', `tar -xOf one.tar ${layer} | tar -tvzf -`], { cwd: scratch.path, encoding: 'utf8' });
    expect(listed).toContain(`${deep}/file`);
    expect(listed).toMatch(/^-rwxr-xr-x 0\/0 +10 1970-01-01 00:00 program$/m);
    expect(listed).toMatch(/^lrwxrwxrwx 0\/0 +0 1970-01-01 00:00 alias -> program$/m);
    const index = JSON.parse(execFileSync('tar', ['-xOf', 'one.tar', 'index.json'], { cwd: scratch.path, encoding: 'utf8' }));
    expect(index.manifests[0].annotations['org.opencontainers.image.ref.name']).toBe('1.2.3');
  });

  test('refuses a name that its format has no room for', () => {
    const entry = { kind: 'file', mode: 0o644, size: 0, target: '' } as const;
    expect(() => renderHeader({ ...entry, path: 'x'.repeat(101) })).toThrow('does not fit into an archive');
    expect(() => renderHeader({ ...entry, kind: 'link', path: 'x', target: 'y'.repeat(101) })).toThrow('longer than 100 octets');
  });
});

test('of the packages only what the agent starts, its libraries and licences stay', () => {
  const kept = [
    'usr/sbin/nft',
    'sbin/modprobe',
    'usr/sbin/ip6tables-legacy-restore',
    'lib/x86_64-linux-gnu/libc.so.6',
    'usr/lib/x86_64-linux-gnu/xtables/libxt_bpf.so',
    'usr/share/doc/nftables/copyright',
    'etc/iproute2/rt_protos',
  ];
  const left = [
    'sbin/tc',
    'usr/sbin/xtables-monitor',
    'usr/bin/dpkg',
    'usr/lib/x86_64-linux-gnu/gconv/BIG5.so',
    'usr/lib/x86_64-linux-gnu/libdb-5.3.so',
    'usr/share/man/man8/nft.8.gz',
    'usr/share/doc/nftables/changelog.gz',
    'var/lib/dpkg/status',
  ];
  expect(kept.filter((path) => !belongsInImage(path))).toEqual([]);
  expect(left.filter(belongsInImage)).toEqual([]);
});
