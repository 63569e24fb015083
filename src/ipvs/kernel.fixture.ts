import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe } from 'vitest';
import type { KernelResults, KernelRun } from './kernel-child.fixture.ts';
import { netlinkProtocol, NetlinkSocket, openWire, resolveFamily } from '../netlink/mod.ts';
import type { KernelStep } from './steps.fixture.ts';

/** Why tests on the real kernel cannot run here; null if they can. */
const kernelObstacle: string | null = await findObstacle();

/** One for all runs: to start it is most of what a run takes on an emulated processor. */
let child: Worker | null = null;
let count = 0;

/** Runs steps in an empty network namespace, which is gone afterwards. One run at a time. */
export async function runOnKernel(steps: readonly KernelStep[]): Promise<readonly unknown[]> {
  count += 1;
  const name = `wpiv-${process.pid}-${count}`;
  execFileSync('ip', ['netns', 'add', name]);
  try {
    // Without it no address counts as unicast.
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    return await runInChild({ namespace: name, steps });
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

async function runInChild(run: KernelRun): Promise<readonly unknown[]> {
  if (child === null) {
    child = new Worker(new URL('kernel-child.fixture.ts', import.meta.url), { execArgv: [] });
    child.unref();
  }
  child.postMessage(run);
  // Rejects where the thread ends instead.
  const [answer] = (await once(child, 'message')) as [KernelResults];
  if ('problem' in answer) throw new Error(`the thread in the namespace failed: ${answer.problem}`);
  return answer.results;
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
