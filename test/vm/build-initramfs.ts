import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { moduleName, orderBootModules } from './boot-modules.ts';
import { entryKind, writeNewcArchive } from './newc-archive.ts';
import type { ArchiveEntry } from './newc-archive.ts';
import type { Machine } from './prepare.ts';
import { readTree } from './read-tree.ts';
import { renderAgent, renderInit, renderTypescriptHook } from './render-guest.ts';

const folders = ['bin', 'dev', 'mnt', 'mnt/host', 'mnt/root', 'mnt/rw', 'modules', 'proc', 'sys'];

/** The guest's first file system: busybox, the modules that lead to the host's files, and the tree under test. */
export function buildInitramfs({ kernel, busybox, repository }: Machine): Buffer {
  const bootModules = orderBootModules(readFileSync(join(kernel.modules, 'modules.dep'), 'utf8'));
  const init = renderInit({
    release: kernel.release,
    modules: kernel.modules,
    bootModules,
    repository,
    hostname: `${hostname()}-vm`,
  });
  return writeNewcArchive([
    ...folders.map((path): ArchiveEntry => ({ path, mode: entryKind.folder | 0o755, data: new Uint8Array() })),
    program('bin/busybox', readFileSync(busybox)),
    program('init', Buffer.from(init)),
    program('agent.sh', Buffer.from(renderAgent(repository))),
    program('plain-typescript.mjs', Buffer.from(renderTypescriptHook(repository))),
    ...bootModules.map((path) => program(`modules/${moduleName(path)}.ko`, readModule(join(kernel.modules, path)))),
    ...readTree(repository, 'tree'),
  ]);
}

function program(path: string, data: Uint8Array): ArchiveEntry {
  return { path, mode: entryKind.file | 0o755, data };
}

/** Some distributions compress modules, which busybox does not undo. */
function readModule(path: string): Buffer {
  if (!path.endsWith('.xz')) return readFileSync(path);
  return execFileSync('xz', ['--decompress', '--stdout', path], { maxBuffer: 64 * 1024 * 1024 });
}
