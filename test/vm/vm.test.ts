import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { isRunning } from '../lab/driver-netns.ts';
import { pollUntil } from '../lab/mod.ts';
import { prepareVm, startVm } from './mod.ts';
import type { CommandEnd, Vm } from './mod.ts';
import { bootVm } from './vm.ts';

const capability = await prepareVm();
const machine = capability.ok ? capability.machine : null;

function shell(vm: Vm, script: string, options: Parameters<Vm['run']>[2] = {}): Promise<CommandEnd> {
  return vm.run('sh', ['-c', script], options);
}

describeWhere(capability, 'the virtual machine', () => {
  let vm: Vm;

  beforeAll(async () => {
    if (machine === null) throw new Error('there is no machine');
    vm = await startVm(machine);
  });

  afterAll(() => vm?.close());

  it('runs the kernel of the package, which has ip_vs', async () => {
    expect(vm.release).toBe(machine?.kernel.release);
    const { code, stdout } = await shell(vm, 'uname -r; modprobe ip_vs && cat /proc/net/ip_vs');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(`^${vm.release}\nIP Virtual Server version`) });
  });

  it('gives exit codes, both outputs, input, environment and folder as they are', async () => {
    const script = 'printf "%s|" "$0" "$1"; pwd; echo "$WORD"; cat; echo problem >&2; exit 7';
    const seen: string[] = [];
    const end = await vm.run('sh', ['-c', script, "it's", '$HOME "x"'], {
      env: { WORD: "a 'quoted' word" },
      input: 'line\n',
      cwd: '/usr/bin',
      onStdout: (chunk) => seen.push(chunk.toString()),
    });
    const stdout = `it's|$HOME "x"|/usr/bin\na 'quoted' word\nline\n`;
    expect(end).toEqual({ code: 7, stdout, stderr: 'problem\n' });
    expect(seen.join('')).toBe(stdout);
    expect(await vm.run('no-such-command')).toMatchObject({ code: 127 });
    expect(await vm.run('sh', ['-c', 'kill -9 $$'])).toMatchObject({ code: 137 });
  });

  it('passes megabytes in both directions', async () => {
    const bytes = 8_000_000;
    const { code, stdout } = await vm.run('head', ['-c', String(bytes), '/dev/zero']);
    expect({ code, length: stdout.length }).toEqual({ code: 0, length: bytes });
    expect(await vm.run('wc', ['-c'], { input: 'x'.repeat(100_000) })).toMatchObject({ stdout: '100000\n' });
  });

  it('ends a command whose time is over, with all that it started, and goes on', async () => {
    const script = 'echo begun; setsid sleep 1234 & sleep 1234';
    expect(await shell(vm, script, { timeout: 1 })).toMatchObject({ code: null, stdout: 'begun\n' });
    expect(await shell(vm, 'setsid sleep 1234 & exit 3')).toMatchObject({ code: 3 });
    expect(await shell(vm, 'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "^sleep 1234"')).toMatchObject({ stdout: '0\n' });
  });

  it('sees the tree under test, and forgets what is written to it', async () => {
    const root = machine?.repository ?? '';
    const file = `${root}/node_modules/.written-by-guest`;
    const end = await shell(vm, 'pwd; cat package.json; echo x >"$FILE"; touch src/written-by-guest', { env: { FILE: file } });
    expect(end).toEqual({ code: 0, stdout: `${root}\n${readFileSync(`${root}/package.json`, 'utf8')}`, stderr: '' });
    expect(existsSync(file) || existsSync(`${root}/src/written-by-guest`)).toBe(false);
  });

  it('runs the pinned Node.js on the TypeScript of the tree, with the time of the host', async () => {
    const script = "import { families } from './src/model/mod.ts'; console.log(process.version, families.length, Date.now());";
    const { stdout, stderr } = await vm.run('node', ['--input-type=module', '-e', script]);
    const [version, count, time] = stdout.trim().split(' ');
    expect({ version, count, stderr }).toEqual({ version: process.version, count: '2', stderr: '' });
    expect(Math.abs(Number(time) - Date.now())).toBeLessThan(60_000);
  });

  it('is gone when it is closed, and says so to who still asks', async () => {
    const waiting = vm.run('sleep', ['50']);
    await Promise.all([expect(waiting).rejects.toThrow(/the virtual machine ended/), vm.close()]);
    expect(isRunning(vm.pid ?? 0)).toBe(false);
    await expect(vm.run('true')).rejects.toThrow(/the virtual machine ended/);
  });
});

/** Starts a guest and stays. */
const owner = `
const { prepareVm, startVm } = await import('${import.meta.dirname}/mod.ts');
const { machine } = await prepareVm();
await startVm(machine);
setInterval(() => {}, 1000);
`;

describeWhere(capability, 'the owner of a virtual machine', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('takes it along, ended by %s', async (signal) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', owner], { stdio: 'ignore' });
    const qemu = await pollUntil('qemu', async () => findQemu(child.pid ?? 0));
    child.kill(signal);
    await pollUntil('the end of qemu', async () => (isRunning(qemu) ? null : true));
    expect(isRunning(qemu)).toBe(false);
  });
});

/** The qemu among a process's children, or null while there is none. */
function findQemu(parent: number): number | null {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean);
  const qemu = children.find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('qemu');
    } catch {
      return false;
    }
  });
  return qemu === undefined ? null : Number(qemu);
}

describeWhere(capability, 'a virtual machine that cannot boot', () => {
  it('is reported with what qemu said', async () => {
    if (machine === null) throw new Error('there is no machine');
    const broken = { ...machine, kernel: { ...machine.kernel, image: '/dev/null' } };
    const options = { acceleration: 'tcg', processors: 1, memoryMib: 256, bootLimitMs: 60_000 } as const;
    await expect(bootVm(broken, options)).rejects.toThrow(/the virtual machine did not start \(tcg\): [^]*qemu/);
  });
});
