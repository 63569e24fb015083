import { moduleName } from './boot-modules.ts';
import { quoteWord } from './shell-text.ts';

export interface GuestLayout {
  /** Release of the guest's kernel, as `uname -r` says it. */
  readonly release: string;
  /** Where the host keeps the kernel's modules. */
  readonly modules: string;
  /** Module files in the first file system, dependencies first. */
  readonly bootModules: readonly string[];
  /** The tree under test: copied from the host at boot, and seen under the same path. */
  readonly repository: string;
  readonly hostname: string;
}

/**
 * The guest's first program. The host's file system comes over 9p, read-only; an overlay in memory takes what is
 * written. The tree under test is a copy of its own, so that an edit meanwhile is not seen half.
 */
export function renderInit(layout: GuestLayout): string {
  const upper = `/mnt/rw/upper${layout.repository}`;
  return `#!/bin/busybox sh
/bin/busybox --install -s /bin
set -e
trap 'echo "waypost-vm: the guest could not start"; poweroff -f' EXIT
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
${layout.bootModules.map((path) => `insmod /modules/${moduleName(path)}.ko`).join('\n')}
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose host /mnt/host
mount -t tmpfs -o size=75% rw /mnt/rw
mkdir -p ${quoteWord(upper)} /mnt/rw/work /mnt/rw/tmp /mnt/rw/run
cp -a /tree/. ${quoteWord(upper)}
mount -t overlay -o lowerdir=/mnt/host,upperdir=/mnt/rw/upper,workdir=/mnt/rw/work overlay /mnt/root
cd /mnt/root
mkdir -p lib/modules/${layout.release}
mount --bind ${quoteWord(`/mnt/host${layout.modules}`)} lib/modules/${layout.release}
# A checkout below /tmp or /run would be hidden by what is mounted there.
mkdir -p /mnt/rw/tree
mount --bind ${quoteWord(`.${layout.repository}`)} /mnt/rw/tree
mount --bind /mnt/rw/tmp tmp
mount --bind /mnt/rw/run run
chmod 1777 tmp
if [ ! -e ${quoteWord(`.${layout.repository}/package.json`)} ]; then
  mkdir -p ${quoteWord(`.${layout.repository}`)}
  mount --bind /mnt/rw/tree ${quoteWord(`.${layout.repository}`)}
fi
mount --move /proc proc
mount --move /sys sys
mount --move /dev dev
mkdir -p dev/pts dev/shm run/waypost-vm
mount -t devpts -o mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs shm dev/shm
hostname ${quoteWord(layout.hostname)}
ifconfig lo up
cp /agent.sh /plain-typescript.mjs run/waypost-vm
trap - EXIT
exec switch_root /mnt/root /bin/sh /run/waypost-vm/agent.sh
`;
}

/**
 * The guest's first process after that: it runs one command after the other. A request is a line "id seconds marker
 * script", the script in base64; the answer is a line "id code", where the code is a dash for a command that was
 * ended because its time was over. Nothing that a command started outlives it. The end of the requests is the end
 * of the guest.
 */
export function renderAgent(repository: string): string {
  return `#!/bin/sh
work=/run/waypost-vm
PATH=${quoteWord(`${repository}/node_modules/node/bin`)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
NODE_OPTIONS="--import=$work/plain-typescript.mjs"
# With it Node.js crashes in one of ten starts on two emulated processors.
NODE_DISABLE_COMPILE_CACHE=1
export PATH HOME TERM NODE_OPTIONS NODE_DISABLE_COMPILE_CACHE
ulimit -n 65536
command -v modprobe >/proc/sys/kernel/modprobe
exec 3<>"$(echo /dev/vport*p1)" 5>"$(echo /dev/vport*p2)" 6>"$(echo /dev/vport*p3)"
echo ready "$(uname -r)" >&3
while read -r id seconds marker script <&3; do
  echo "$script" | base64 -d >$work/command
  rm -f $work/code
  timeout -k 5 "$seconds" sh -c "sh $work/command; echo \\$? >$work/code" </dev/null >&5 2>&6 3>&- 5>&- 6>&-
  kill -9 -1 2>/dev/null
  printf %s "$marker" >&5
  printf %s "$marker" >&6
  echo "$id $(cat $work/code 2>/dev/null || echo -)" >&3
done
echo o >/proc/sysrq-trigger
`;
}

/** Loaded by every Node.js of the guest: the files of the tree under test have no types left to be stripped. */
export function renderTypescriptHook(repository: string): string {
  return `import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
const tree = pathToFileURL(${JSON.stringify(`${repository}/`)}).href;
registerHooks({
  load: (url, context, next) =>
    url.startsWith(tree) && url.endsWith('.ts')
      ? { format: 'module', source: readFileSync(fileURLToPath(url)), shortCircuit: true }
      : next(url, context),
});
`;
}
