import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, runChild } from './run-child.fixture.ts';
import type { ChildResult } from './run-child.fixture.ts';
import { readVersion } from './version.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wpe-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function waypost(...words: readonly string[]): Promise<ChildResult> {
  return runChild(launcher, words);
}

describe('bad input is one clear sentence and exit code 1', () => {
  test.each([
    [
      ['run', '--cluster-cidir=10.244.0.0/16,fd00::/64'],
      "waypost: unknown option '--cluster-cidir'\n(Did you mean --cluster-cidr?)\n",
    ],
    [['run', '--zzzzzz=1'], "waypost: unknown option '--zzzzzz'\n"],
    [['run', '--masquerade-all', 'false'], "waypost: too many arguments for 'run'. Expected 0 arguments but got 1: false.\n"],
    [['run', '--cluster-cidr'], "waypost: option '--cluster-cidr <string>' argument missing\n"],
    [['serivces'], "waypost: unknown command 'serivces'\n(Did you mean services?)\n"],
    [['services', '--errros'], "waypost: unknown option '--errros'\n(Did you mean --errors?)\n"],
    [
      ['services', '-o', 'xml'],
      "waypost: option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, json, yaml.\n",
    ],
    [
      ['run', '--proxy-mode', 'userspace'],
      'waypost: --proxy-mode: mode must be one of iptables, ipvs, nftables, not "userspace"\n',
    ],
    [['run', '--hostname_override'], "waypost: option '--hostname-override <string>' argument missing\n"],
  ])('%j', async (words, sentence) => {
    expect(await waypost(...words)).toEqual({ code: 1, out: '', err: sentence });
  });

  test('[SP-140] all errors of a configuration file, with file and line', async () => {
    const path = join(folder, 'bad.yaml');
    await writeFile(
      path,
      'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\niptables: {masqueradeBit: 99}\nmode: x\nmoode: y\n',
    );
    expect(await waypost('run', '--config', path)).toEqual({
      code: 1,
      out: '',
      err: [
        `waypost: ${path}:5: moode is no known field and has no effect (did you mean mode?)`,
        `waypost: ${path}:4: mode must be one of iptables, ipvs, nftables, not "x"`,
        `waypost: ${path}:3: iptables.masqueradeBit must be from 0 to 31, not 99`,
        '',
      ].join('\n'),
    });
  });

  test('a configuration file that is not there', async () => {
    const { code, err } = await waypost('run', '--config', '/nowhere.yaml');
    expect(code).toBe(1);
    expect(err).toMatch(/^waypost: cannot read the configuration file \/nowhere\.yaml: ENOENT/);
  });

  test('no command at all prints the help page', async () => {
    const { code, err } = await waypost();
    expect(code).toBe(1);
    expect(err).toContain('Usage: waypost [options] [command]');
  });
});

describe('commands', () => {
  test.each([
    [['version'], `waypost ${readVersion()}\n`],
    [['--version'], `${readVersion()}\n`],
    [['run', '--version'], `${readVersion()}\n`],
  ])('%j prints the version', async (words, out) => {
    expect(await waypost(...words)).toEqual({ code: 0, out, err: '' });
  });

  test('help lists every command and every flag of run', async () => {
    const { code, out } = await waypost('--help');
    expect(code).toBe(0);
    for (const command of ['run', 'cleanup', 'services', 'version']) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect((await waypost('run', '--help')).out).toContain('--conntrack-tcp-timeout-close-wait <duration>');
  });

  test('[SP-143] run --write-config-to writes what it would run with', async () => {
    const path = join(folder, 'written.yaml');
    const words = [
      'run',
      '--write_config_to',
      path,
      '--masquerade-all',
      '--iptables-sync-period=1m',
      '-v=2',
      '--oom-score-adj',
      '-5',
    ];
    expect(await waypost(...words)).toEqual({ code: 0, out: '', err: '' });
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/masqueradeAll: true\n[^]*syncPeriod: 1m0s\n[^]*oomScoreAdj: -5\n/);
    expect(text).toContain('verbosity: 2');
    const again = join(folder, 'again.yaml');
    expect(await waypost('run', '--config', path, '--write-config-to', again)).toEqual({ code: 0, out: '', err: '' });
    expect(await readFile(again, 'utf8')).toBe(text);
  });

  test('services writes megabytes into a pipe to the last byte', async () => {
    const row = {
      family: 'IPv4',
      service: 'default/web',
      servicePort: 'default/web:/TCP',
      kind: 'ClusterIP',
      address: '10.96.0.10',
      protocol: 'TCP',
      port: 80,
      backends: 1,
      verdict: 'forward',
      state: 'Done',
      since: 1,
      reason: '',
      code: '',
    };
    const report = { mode: 'iptables', synced: true, rows: Array.from({ length: 10_000 }, () => row) };
    const answer = JSON.stringify(report);
    const server = createServer((_, response) => response.end(answer));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, out } = await waypost('services', '--json', '--url', url);
    server.closeAllConnections();
    server.close();
    expect(code).toBe(0);
    expect(out.length).toBeGreaterThan(2e6);
    expect(JSON.parse(out)).toEqual({ version: 1, ...report });
  });

  test('services says when no agent answers', async () => {
    const { code, err } = await waypost('services', '--url', 'http://127.0.0.1:1');
    expect(code).toBe(1);
    expect(err).toMatch(/^waypost: no agent answers at http:\/\/127\.0\.0\.1:1\/services/);
  });
});

/** Runs the launcher as root without a capability, which needs setpriv (util-linux). */
const withoutNetAdmin = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', launcher];
const canDrop = process.getuid?.() === 0 && spawnSync('setpriv', ['--bounding-set=-net_admin', 'true']).status === 0;
const cannotDrop = canDrop ? '' : ' [skipped: needs root and setpriv]';

test.skipIf(!canDrop).each([['run', '--oom-score-adj=0'], ['cleanup']])(
  `without CAP_NET_ADMIN %s says so${cannotDrop}`,
  async (...words) => {
    const { code, out, err } = await runChild('setpriv', [...withoutNetAdmin, ...words]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('the capability CAP_NET_ADMIN is missing: without it no rule can be read or changed. Run as root');
  },
);

describe('the launcher', () => {
  test('finds its checkout through a chain of links', async () => {
    await symlink(launcher, join(folder, 'first'));
    await symlink('first', join(folder, 'second'));
    expect((await runChild(join(folder, 'second'), ['version'])).out).toBe(`waypost ${readVersion()}\n`);
  });

  test('says what is missing in a checkout without packages', async () => {
    const root = await makeCheckout('bare', false);
    const sentence = `waypost: the packages it needs are not installed: run 'npm ci' in ${root}\n`;
    expect(await runChild(join(root, 'bin/waypost'), ['version'])).toEqual({ code: 1, out: '', err: sentence });
  });

  test('takes the node on PATH if it is new enough, and says so if not', async () => {
    const root = await makeCheckout('unpinned', true);
    const env = { ...process.env, PATH: `${root}/path:${process.env['PATH'] ?? ''}` };
    await writeProgram(join(root, 'path/node'), 'if [ "$1" = -p ]; then echo 20; else echo started; fi');
    const old = await runChild(join(root, 'bin/waypost'), ['version'], { env });
    expect([old.code, old.out]).toEqual([1, '']);
    expect(old.err).toBe(`waypost: needs Node.js 24 or newer: run 'npm ci' in ${root}, which brings it, or put it on PATH\n`);
    await writeProgram(join(root, 'path/node'), 'if [ "$1" = -p ]; then echo 24; else echo "$@"; fi');
    const enough = await runChild(join(root, 'bin/waypost'), ['run', 'a b'], { env });
    expect(enough).toEqual({
      code: 0,
      out: `--max-semi-space-size=2 --disable-warning=ExperimentalWarning ${root}/src/cli/main.ts run a b\n`,
      err: '',
    });
  });
});

describe('signals', () => {
  const child = fileURLToPath(new URL('signal-child.fixture.ts', import.meta.url));

  test.each(['SIGTERM', 'SIGINT'] as const)('%s is told, and a second one ends the process at once', async (signal) => {
    const result = await runChild(process.execPath, [child], { onOutput: (_, process_) => process_.kill(signal) });
    expect(result).toEqual({ code: 1, out: `ready\n${signal}\n`, err: '' });
  });
});

async function makeCheckout(name: string, withPackages: boolean): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'path'));
  if (withPackages) await mkdir(join(root, 'node_modules/commander'), { recursive: true });
  await copyFile(launcher, join(root, 'bin/waypost'));
  return root;
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}
