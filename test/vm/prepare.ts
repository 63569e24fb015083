import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isStaticProgram } from './elf.ts';
import { provideKernel } from './kernel-package.ts';
import type { Kernel } from './kernel-package.ts';
import { runTool } from './run-tool.ts';

/** All that a guest is started from. */
export interface Machine {
  readonly kernel: Kernel;
  /** A busybox without libraries: the first file system has none. */
  readonly busybox: string;
  /** Survives between runs. */
  readonly cache: string;
  /** The tree that is tested. */
  readonly repository: string;
}

/** Whether there can be a guest, and if not why, in one sentence. */
export type VmCapability = { readonly ok: true; readonly machine: Machine } | { readonly ok: false; readonly reason: string };

/** Commands that the preparation and the guest need, and the Debian package of each. scripts/run.sh installs them. */
const commands = [
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['busybox', 'busybox-static'],
  ['modprobe', 'kmod'],
  ['setpriv', 'util-linux'],
] as const;

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/**
 * Makes ready what a guest needs; the second time it is all there. The kernel is fetched with apt-get and unpacked
 * below node_modules/.cache; nothing is installed. Fails with a reason in words, never by throwing.
 */
export async function prepareVm(): Promise<VmCapability> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { ok: false, reason: `the virtual machine needs Linux on x64, this is ${process.platform} on ${process.arch}` };
  }
  const missing: string[] = [];
  for (const [command, debianPackage] of commands) if ((await findCommand(command)) === null) missing.push(debianPackage);
  if (missing.length > 0) return { ok: false, reason: `the virtual machine needs the Debian packages ${missing.join(', ')}` };
  const busybox = (await findCommand('busybox')) ?? '';
  if (!isStaticProgram(readFileSync(busybox))) {
    return { ok: false, reason: `the virtual machine needs the Debian package busybox-static; ${busybox} needs libraries` };
  }
  const cache = join(repository, 'node_modules/.cache/waypost-vm');
  const provided = await provideKernel(cache);
  if (!provided.ok) return { ok: false, reason: `there is no kernel for the virtual machine: ${provided.reason}` };
  return { ok: true, machine: { kernel: provided.kernel, busybox, cache, repository } };
}

async function findCommand(name: string): Promise<string | null> {
  const found = await runTool('sh', ['-c', 'command -v "$1"', 'sh', name]);
  return found.ok ? found.output.trim() : null;
}
