import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { addAgent } from './add-agent.ts';
import { belongsInImage, busyboxApplets, chosenNames, imagePackages, imageSuite } from './contents.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where a runtime mounts something, or the manifests do: a root that is read-only cannot get them later; and our own. */
const folders = [
  'usr/bin',
  'dev',
  'proc',
  'sys',
  'run',
  'tmp',
  'lib/modules',
  'etc/waypost',
  'var/lib/kube-proxy',
  'var/lib/waypost',
];

/** Programs find names of users and hosts by these. */
const smallFiles: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/:/bin/sh\n',
  'etc/group': 'root:x:0:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/**
 * Makes the root file system of the image in a folder: what belongs in it of Debian's packages, Node.js as package-lock.json
 * pins it, the bundle of the agent. Needs root and mmdebstrap; what was in the folder is removed.
 */
export async function makeRoot(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  // Nothing is configured, so nothing is run inside; what packages would set up is done below.
  const listing = '--extract-hook=ls "$1/var/cache/apt/archives" >"$1/packages"';
  await run('mmdebstrap', ['--quiet', '--variant=extract', `--include=${imagePackages.join(',')}`, listing, imageSuite, folder], {
    timeout: 300_000,
  });
  const packages = await listPackages(join(folder, 'packages'));
  await prune(folder, folder);
  await addOwn(folder);
  await mkdir(join(folder, 'usr/share/waypost'));
  await writeFile(join(folder, 'usr/share/waypost/packages'), packages);
}

/** `name version` in a line each, from the names of the archives that apt took: `iptables_1%3a1.8.9-2_amd64.deb`. */
async function listPackages(listing: string): Promise<string> {
  const names = (await readFile(listing, 'utf8')).split('\n').filter((name) => name.endsWith('.deb'));
  return names.map((name) => `${decodeURIComponent(name).split('_').slice(0, 2).join(' ')}\n`).join('');
}

/** Removes what does not belong in the image, and folders that are empty then. */
async function prune(folder: string, top: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await prune(path, top);
    else if (!belongsInImage(relative(top, path))) await rm(path);
  }
  if (folder !== top && (await readdir(folder)).length === 0) await rmdir(folder);
}

async function addOwn(folder: string): Promise<void> {
  for (const point of folders) await mkdir(join(folder, point), { recursive: true });
  for (const [path, text] of Object.entries(smallFiles)) await writeFile(join(folder, path), text);
  await symlink('dash', join(folder, 'bin/sh'));
  for (const name of busyboxApplets) await symlink('busybox', join(folder, 'bin', name));
  await cp(join(root, 'deploy/image/iptables-chooser'), join(folder, 'usr/sbin/iptables-chooser'));
  for (const name of chosenNames) await symlink('iptables-chooser', join(folder, 'usr/sbin', name));
  await addAgent(root, join(folder, 'usr/lib/waypost'));
  await symlink('../lib/waypost/bin/waypost', join(folder, 'usr/bin/waypost'));
}
