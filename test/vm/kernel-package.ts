import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './run-tool.ts';
import type { ToolEnd } from './run-tool.ts';

/** A kernel that lies ready on the disk. */
export interface Kernel {
  /** As `uname -r` will say it. */
  readonly release: string;
  readonly image: string;
  /** The folder that belongs at `/lib/modules/<release>`. */
  readonly modules: string;
}

export type KernelEnd = { readonly ok: true; readonly kernel: Kernel } | { readonly ok: false; readonly reason: string };

/** Always names the distribution's current kernel by depending on it. */
const metaPackage = 'linux-image-amd64';

/** What of the package is kept: a tenth of it. Sound and graphics are of no use to a guest without either. */
const keptPaths = [
  '*/boot/vmlinuz-*',
  '*/lib/modules/*/modules.*',
  ...['net', 'lib', 'crypto', 'arch', 'fs/9p', 'fs/netfs', 'fs/fscache', 'fs/overlayfs'].map(inKernel),
  ...['drivers/net/*.ko*', 'drivers/virtio', 'drivers/char'].map(inKernel),
];

function inKernel(path: string): string {
  return `*/lib/modules/*/kernel/${path}`;
}

/** The kernel below `cache`; where there is none, the distribution's, fetched and unpacked there. Installs nothing. */
export async function provideKernel(cache: string): Promise<KernelEnd> {
  mkdirSync(cache, { recursive: true });
  const kept = findKernel(cache);
  if (kept !== null) return { ok: true, kernel: kept };
  // Renamed when it is complete: what an interrupted run leaves behind is never taken for a kernel.
  const folder = mkdtempSync(join(cache, 'unpacking-'));
  try {
    const unpacked = await unpackKernel(folder);
    if (!unpacked.ok) return unpacked;
    const release = unpacked.output;
    if (findKernel(cache) === null) renameSync(join(folder, 'kernel'), join(cache, release));
    const kernel = findKernel(cache);
    return kernel === null ? { ok: false, reason: `${cache}/${release} is not a kernel` } : { ok: true, kernel };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Folders that are named like a kernel's release hold one. */
function findKernel(cache: string): Kernel | null {
  const release = readdirSync(cache).findLast((name) => /^\d/.test(name));
  if (release === undefined) return null;
  const folder = join(cache, release);
  return { release, image: join(folder, 'vmlinuz'), modules: join(folder, 'lib/modules', release) };
}

/** Leaves a folder `kernel` in `folder`; the output is the kernel's release. */
async function unpackKernel(folder: string): Promise<ToolEnd> {
  const fetched = await fetchPackage(folder);
  if (!fetched.ok) return fetched;
  const patterns = keptPaths.map((path) => `'${path}'`).join(' ');
  const script = `set -e
    mkdir tree
    dpkg-deb --fsys-tarfile *.deb | tar -x -C tree --wildcards --wildcards-match-slash ${patterns} 2>tar.log || true
    mkdir -p kernel/lib
    # Newer packages have their modules below /usr.
    if [ -d tree/usr/lib/modules ]; then mv tree/usr/lib/modules kernel/lib; else mv tree/lib/modules kernel/lib; fi
    release=$(ls kernel/lib/modules)
    mv "tree/boot/vmlinuz-$release" kernel/vmlinuz
    depmod -b "$PWD/kernel" "$release"
    printf %s "$release"`;
  const unpacked = await runTool('sh', ['-c', script], folder);
  return unpacked.ok ? unpacked : { ok: false, reason: `the kernel package could not be unpacked: ${unpacked.reason}` };
}

/** Leaves one .deb in `folder`. */
async function fetchPackage(folder: string): Promise<ToolEnd> {
  const first = await downloadPackage(folder);
  if (first.ok) return first;
  // The lists of packages may be missing or name a kernel that the archive no longer has.
  await runTool('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3', 'update']);
  return downloadPackage(folder);
}

async function downloadPackage(folder: string): Promise<ToolEnd> {
  const asked = await runTool('apt-cache', ['depends', metaPackage]);
  if (!asked.ok) return asked;
  const name = findImagePackage(asked.output);
  if (name === null) return { ok: false, reason: `the package ${metaPackage} names no kernel` };
  // Its own user of lower rights cannot write into our folder.
  return runTool('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3', 'download', name], folder);
}

/** The concrete package in what `apt-cache depends` printed, or null. */
export function findImagePackage(output: string): string | null {
  return /^\s*\|?Depends: (linux-image-\d\S*)$/m.exec(output)?.[1] ?? null;
}
