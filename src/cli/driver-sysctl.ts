import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, release } from 'node:os';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { countCpus } from './plan-sysctls.ts';
import type { MachineFacts, SysctlWish } from './plan-sysctls.ts';

/** Reads what of this machine decides about kernel parameters. */
export async function readMachineFacts(): Promise<MachineFacts> {
  const online = await readText('/sys/devices/system/cpu/online');
  return { cpus: countCpus(online ?? '') || availableParallelism(), kernelRelease: release() };
}

/**
 * Sets kernel parameters in order and gives the names of those that had to be changed. A value that is right
 * is not written, so that a read-only /proc is fine after an init container did it. Ends at the first that
 * cannot be set, with `WP_CLI_SYSCTL`. `root` stands before every path.
 */
export async function ensureSysctls(wishes: readonly SysctlWish[], root = ''): Promise<Outcome<readonly string[]>> {
  const changed: string[] = [];
  for (const wish of wishes) {
    const done = await ensureOne(wish, root);
    if (!done.ok) return done;
    if (done.value) changed.push(wish.name);
  }
  return succeed(changed);
}

async function ensureOne(wish: SysctlWish, root: string): Promise<Outcome<boolean>> {
  const path = root + wish.path;
  const current = (await readText(path)) ?? (await readAfterLoading(wish, path));
  if (current !== null && isRight(wish, Number(current.trim()))) return succeed(false);
  try {
    if (current === null) return explain(wish, 'this kernel does not have it');
    await writeFile(path, String(wish.value), { flag: 'r+' });
    return succeed(true);
  } catch (cause) {
    const found = `it is ${String(current?.trim())}`;
    return explain(wish, `${found}, and writing fails with ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function isRight({ rule, value }: SysctlWish, current: number): boolean {
  return rule === 'at-least' ? current >= value : current === value;
}

function explain({ name, value, advice }: SysctlWish, reason: string, cause?: unknown): Outcome<never> {
  const message = `${name} cannot be set to ${value}: ${reason}${advice === '' ? '' : `; ${advice}`}`;
  return fail('WP_CLI_SYSCTL', message, cause);
}

/** Nothing has been tracked since the machine started: the module comes with the first rule, which comes later. */
async function readAfterLoading({ name }: SysctlWish, path: string): Promise<string | null> {
  if (!name.includes('nf_conntrack') || !path.startsWith('/proc/')) return null;
  await new Promise<void>((resolve) => {
    execFile('modprobe', ['nf_conntrack'], { timeout: 10_000 }, () => resolve());
  });
  return await readText(path);
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
