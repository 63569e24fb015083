import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/*
 * The bootstrap on machines that are not there: a copy of the script in an empty folder, and a PATH with nothing
 * in it but what a machine with Node.js and npm has, and stand-ins for apt-get, npm and node that note their calls.
 */

let root = '';
let bin = '';

const allTools = [
  'ip',
  'iptables-legacy-restore',
  'iptables-nft-restore',
  'ipset',
  'ipvsadm',
  'nft',
  'conntrack',
  'openssl',
  'sysctl',
  'dig',
  'drill',
  'kdig',
  'dnsperf',
  'ping',
  'mmdebstrap',
  'runc',
  'chromium',
];
const vmTools = ['qemu-system-x86_64', 'busybox', 'setpriv', 'ncat', 'gcc', 'musl-gcc'];
const testTask = '--disable-warning=ExperimentalWarning scripts/test.ts';
const loadedIpvs = '/sys/module/ip_vs';
const sbin = 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\n';

/** Installs the pinned Node, which says what it is asked to run. */
const npmInstalls = `mkdir -p node_modules/node/bin
printf '%s\\n' '#!/bin/sh' 'case $1 in --version) echo v24.0.0 ;; scripts/compare-install.mjs) exit 0 ;; *) echo "RUN $*" ;; esac' > node_modules/node/bin/node
chmod +x node_modules/node/bin/node`;

/** As with npm's install scripts switched off: the package is there, its binary is not. */
const npmBlocked = "mkdir -p node_modules/node && echo '{}' > node_modules/node/package.json";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'waypost-run-'));
  bin = join(root, 'bin');
  mkdirSync(bin);
  mkdirSync(join(root, 'scripts'));
  const script = readFileSync('scripts/run.sh', 'utf8');
  // What reaches past PATH, to where this machine may have the tools, and to its kernel.
  for (const text of [sbin, loadedIpvs]) if (!script.includes(text)) throw new Error(`scripts/run.sh has no ${text} any more`);
  writeFileSync(join(root, 'scripts/run.sh'), script.replace(sbin, '').replace(loadedIpvs, join(root, 'ip_vs')));
  for (const name of ['dirname', 'cat', 'cut', 'paste', 'sort', 'uname', 'mkdir', 'chmod']) {
    symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), join(bin, name));
  }
  // A kernel with ip_vs.
  writeFileSync(join(root, 'ip_vs'), '');
  addCommand('id', 'echo 0');
  addCommand('node', 'case $1 in scripts/compare-install.mjs) echo node_modules is not there ;; esac; exit 1');
  addCommand('npm', npmInstalls);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function addCommand(name: string, body: string): void {
  // Some are links to this machine's own programs; writing to one would overwrite the program.
  rmSync(join(bin, name), { force: true });
  writeFileSync(join(bin, name), `#!/bin/sh\necho "CALL ${name} $*" >> '${root}/calls'\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

function addTools(names: readonly string[]): void {
  for (const name of names) addCommand(name, 'exit 1');
}

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly words: readonly string[];
  readonly calls: string;
}

function run(...args: readonly string[]): Run {
  const { status, stdout, stderr } = spawnSync('/bin/sh', [join(root, 'scripts/run.sh'), ...args], {
    encoding: 'utf8',
    env: { PATH: bin, TMPDIR: root },
  });
  const words = stderr.split('\n').filter((line) => line !== '');
  return { code: status, output: stdout, words, calls: readFileSync(join(root, 'calls'), { encoding: 'utf8', flag: 'a+' }) };
}

describe('bootstrap', () => {
  it('runs the task with the pinned Node and installs nothing where all is there', () => {
    addTools(allTools);
    expect(run('test').words).toEqual(['waypost: installing npm packages with npm ci (node_modules is not there)']);
    rmSync(join(root, 'calls'));
    expect(run('test', 'src/model')).toMatchObject({ code: 0, output: `RUN ${testTask} src/model\n`, words: [] });
    expect(run('bench', 'sync').output).toBe('RUN bench/main.ts sync\n');
    expect(run('demo')).toMatchObject({ output: 'RUN demo/main.ts\n', calls: '' });
  });

  it('installs the packages of missing commands as root and says which and why', () => {
    addTools(allTools.filter((name) => name !== 'conntrack' && name !== 'nft'));
    const made = ['conntrack', 'nft'].map((name) => `echo > ${bin}/${name}; chmod +x ${bin}/${name}`);
    addCommand('apt-get', `case "$*" in *install*) ${made.join('; ')} ;; esac`);
    const { code, words, calls } = run('test');
    expect(code).toBe(0);
    expect(words.slice(0, 3)).toEqual([
      'waypost: installing Debian packages: conntrack nftables',
      'waypost:   nft is missing, needed for the nftables data plane and side rules',
      'waypost:   conntrack is missing, needed for removal of stale UDP flows',
    ]);
    expect(calls).toMatch(/apt-get .* update\n[^]*apt-get .* install -y --no-install-recommends conntrack nftables\n/);
  });

  it('needs no tools for check and format', () => {
    expect(run('check')).toMatchObject({ code: 0, output: 'RUN scripts/test.ts --quick\n' });
    expect(run('format').output).toBe('RUN node_modules/oxfmt/bin/oxfmt\n');
  });
});

describe('bootstrap of the image', () => {
  beforeEach(() => addTools(allTools.filter((name) => name !== 'runc')));

  it('installs what it is made and tried with as root, for the image itself and for its tests', () => {
    addCommand('apt-get', 'exit 0');
    for (const task of ['test', 'image']) {
      const { code, words, calls } = run(task);
      expect({ code, word: words[0] }).toEqual({ code: 0, word: 'waypost: installing Debian packages for the image: runc' });
      expect(calls).toMatch(/ install -y --no-install-recommends runc\n/);
    }
    expect(run('image', 'out').output).toContain('RUN --disable-warning=ExperimentalWarning scripts/image.ts out\n');
  });

  it('goes on without root, and says that there is no image', () => {
    addCommand('id', 'echo 1000');
    const { code, words } = run('test');
    expect(code).toBe(0);
    expect(words.join('')).toContain('the image cannot be made: only root can install what is missing');
  });
});

describe('bootstrap without a browser', () => {
  beforeEach(() => addTools(allTools.filter((name) => name !== 'chromium')));

  it('installs one for the tests, and for them alone', () => {
    addCommand('apt-get', 'exit 0');
    expect(run('bundle').calls).not.toContain('apt-get');
    expect(run('test').calls).toMatch(/ install -y --no-install-recommends chromium\n/);
  });

  it('goes on without where it cannot be installed', () => {
    addCommand('id', 'echo 1000');
    const { code, words } = run('test');
    expect(code).toBe(0);
    expect(words.join('')).toContain('the tests of the status page are skipped: only root can install what is missing');
  });
});

describe('bootstrap with a kernel that has no ip_vs', () => {
  beforeEach(() => {
    rmSync(join(root, 'ip_vs'));
    addTools(allTools);
    addCommand('uname', 'echo x86_64');
  });

  it('installs nothing where the modules are there to be loaded, or the virtual machine is', () => {
    addCommand('modprobe', 'exit 0');
    expect(run('test')).toMatchObject({ code: 0, calls: expect.not.stringContaining('apt-get') });
    addTools([...vmTools, 'modprobe']);
    expect(run('test')).toMatchObject({ code: 0, calls: expect.not.stringContaining('apt-get') });
  });

  it('installs a virtual machine as root', () => {
    addCommand('apt-get', 'exit 0');
    const { code, words, calls } = run('test');
    expect({ code, word: words[0] }).toEqual({
      code: 0,
      word: 'waypost: installing Debian packages for a virtual machine, because this kernel has no ip_vs: busybox-static gcc kmod musl-tools ncat qemu-system-x86 util-linux',
    });
    expect(calls).toMatch(
      / install -y --no-install-recommends busybox-static gcc kmod musl-tools ncat qemu-system-x86 util-linux\n/,
    );
    expect(run('bench').calls.split(' install ')).toHaveLength(2);
  });

  it.each([
    ['without root', { id: 'echo 1000', 'apt-get': 'exit 0' }, 'only root can install a virtual machine'],
    ['without apt-get', {}, 'only root can install a virtual machine'],
    ['where it cannot be installed', { 'apt-get': 'exit 100' }, 'apt-get could not install busybox-static'],
    ['on another processor', { uname: 'echo aarch64', 'apt-get': 'exit 0' }, 'made for x86_64'],
  ])('goes on %s, and says what is skipped', (_, commands, sentence) => {
    for (const [name, body] of Object.entries(commands)) addCommand(name, body);
    const { code, words } = run('test');
    expect(code).toBe(0);
    expect(words.filter((word) => word.includes('the tests of IPVS are skipped')).join('')).toContain(sentence);
  });
});

describe('bootstrap that cannot', () => {
  it('goes on with the tests without root, and says what it will skip', () => {
    addTools(allTools.filter((name) => name !== 'ip'));
    addCommand('id', 'echo 1000');
    const { code, output, words } = run('test');
    expect({ code, output }).toEqual({ code: 0, output: `RUN ${testTask}\n` });
    expect(words[0]).toBe(
      'waypost: going on without the commands: ip. Only root can install them (Debian packages: iproute2); tests that need them are skipped.',
    );
  });

  it.each([
    ['the demo without root', 'demo', { id: 'echo 1000' }, 'this needs root and the commands: ip iptables-legacy-restore'],
    ['no apt-get', 'test', {}, "there is no apt-get here; install these commands with the system's own package manager"],
    [
      'apt-get that fails',
      'test',
      { 'apt-get': 'exit 100' },
      'apt-get could not install bind9-dnsutils conntrack dnsperf iproute2 ipset iptables iputils-ping ipvsadm knot-dnsutils ldnsutils nftables openssl procps',
    ],
    ['packages without the command', 'test', { 'apt-get': 'exit 0' }, 'still missing after the installation of bind9-dnsutils'],
    ['npm ci that fails', 'check', { npm: 'exit 1' }, 'npm ci could not install the packages of package-lock.json'],
    ['no binary for the platform', 'check', { npm: npmBlocked }, "the npm package 'node' gave no Node.js 24 for "],
    ['an unknown task', 'tset', {}, "unknown task 'tset'"],
  ])('ends with one clear sentence: %s', (_, task, commands, sentence) => {
    for (const [name, body] of Object.entries(commands)) addCommand(name, body);
    const { code, output, words } = run(task);
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(words.at(-1)).toContain(`waypost: ${sentence}`);
  });

  it('ends with one clear sentence without npm', () => {
    rmSync(join(bin, 'npm'));
    expect(run('check')).toMatchObject({ code: 1, words: [expect.stringContaining('npm is missing')] });
  });

  it('runs the install script of the pinned Node itself where npm was told not to', () => {
    addCommand('npm', npmBlocked);
    addCommand('node', `case $1 in installArchSpecificPackage.js) cd ../..; ${npmInstalls} ;; *) exit 1 ;; esac`);
    const { code, output, words } = run('check');
    expect({ code, output }).toEqual({ code: 0, output: 'RUN scripts/test.ts --quick\n' });
    expect(words.at(-1)).toContain('installing the pinned Node.js 24');
  });
});
