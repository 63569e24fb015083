import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { netlinkProtocol, NetlinkSocket, openWire, resolveFamily } from '../netlink/mod.ts';
import type { KernelStep } from './steps.fixture.ts';

/** Why tests on the real kernel cannot run here; null if they can. */
const kernelObstacle: string | null = await findObstacle();

const childScript = fileURLToPath(new URL('kernel-child.fixture.ts', import.meta.url));

let count = 0;

/** Runs steps in an empty network namespace, which is gone afterwards. */
export async function runOnKernel(steps: readonly KernelStep[]): Promise<readonly unknown[]> {
  count += 1;
  const name = `wpiv-${process.pid}-${count}`;
  execFileSync('ip', ['netns', 'add', name]);
  try {
    // Without it no address counts as unicast.
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    return await runChild(['ip', 'netns', 'exec', name, process.execPath, childScript], steps);
  } finally {
    execFileSync('ip', ['netns', 'del', name]);
  }
}

/**
 * `describe` for tests on the real kernel; where they cannot run, a skipped one whose title and a line on standard error
 * say why.
 */
export function describeOnKernel(title: string, tests: () => void): void {
  if (kernelObstacle === null) {
    describe(title, tests);
    return;
  }
  process.stderr.write(`SKIPPED: ${title}: ${kernelObstacle}\n`);
  describe.skip(`${title} [skipped: ${kernelObstacle}]`, tests);
}

async function runChild([program = '', ...args]: readonly string[], steps: readonly KernelStep[]): Promise<readonly unknown[]> {
  return await new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as unknown[]);
      else reject(new Error(`the child in the namespace failed: ${error.message} ${error.signal ?? ''}\n${stderr}`));
    });
    // A child that ends early leaves its input unread; its end is reported.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(JSON.stringify(steps));
  });
}

async function findObstacle(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'needs root';
  const wire = await openWire(netlinkProtocol.generic);
  if (!wire.ok) return wire.problem.message;
  using socket = new NetlinkSocket({ wire: wire.value, pause: () => null, sleep: async () => undefined });
  if (!(await resolveFamily(socket, 'IPVS')).ok) return 'this kernel has no ip_vs; runs in the virtual machine';
  if (spawnSync('ipvsadm', ['--version']).error !== undefined) return 'ipvsadm is not installed';
  const name = `wpiv-${process.pid}-0`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'network namespaces cannot be made';
  spawnSync('ip', ['netns', 'del', name]);
  return null;
}
