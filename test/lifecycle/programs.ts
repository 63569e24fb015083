import { spawnSync } from 'node:child_process';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capability } from '../lab/capability.ts';

/** Whether a program can be started here. */
export function hasProgram(name: string, debianPackage: string): Capability {
  if (spawnSync(name, ['--version']).error === undefined) return { ok: true };
  return { ok: false, reason: `the command ${name} (package ${debianPackage}) is missing` };
}

/** Makes a folder for PATH that has every program of this process's PATH but those that `without` matches. */
export async function linkPrograms(folder: string, without: RegExp): Promise<string> {
  const target = join(folder, 'programs');
  await mkdir(target);
  const linked = new Set<string>();
  for (const place of (process.env['PATH'] ?? '').split(':')) {
    const names = await readdir(place).catch(() => []);
    for (const name of names.filter((one) => !linked.has(one) && !without.test(one))) {
      await symlink(join(place, name), join(target, name));
      linked.add(name);
    }
  }
  return target;
}
