import { succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import type { BookedOperation } from './diff-server.ts';
import type { Remembered } from './records.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';

export const noAddresses: ReadonlySet<Address> = new Set();

/**
 * Removes everything of ours and puts back what was there before. The memory in the packet filter goes last, so that a
 * clean-up that failed half-way can be run again. `taken`: addresses that a kube-proxy in ipvs mode serves by now. It has
 * made virtual servers on them its own, and relies on the kernel parameters that it found set.
 */
export async function cleanUp(
  kernel: Kernel,
  options: IpvsOptions,
  taken: ReadonlySet<Address>,
): Promise<Outcome<readonly string[]>> {
  kernel.forget();
  const read = await kernel.refresh();
  if (!read.ok) return read;
  const removed: string[] = [];
  const steps = [
    () => removeServers(kernel, taken, removed),
    () => removeRoutes(kernel, removed),
    () => restore(taken.size === 0 ? kernel.records() : [], options, removed),
  ];
  for (const step of steps) {
    const done = await step();
    if (!done.ok) return done;
  }
  const side = await options.side.cleanup();
  kernel.forget();
  return side.ok ? succeed([...removed, ...side.value]) : side;
}

async function removeServers(kernel: Kernel, taken: ReadonlySet<Address>, removed: string[]): Promise<Outcome<void>> {
  const operations: BookedOperation[] = [];
  for (const [text, { owner, server }] of kernel.servers.all()) {
    if (owner !== 'own' || (server.key.kind === 'address' && taken.has(server.key.address))) continue;
    operations.push({ operation: { verb: 'delete-server', key: server.key }, service: noService, drain: null });
    removed.push(`virtual server ${text}`);
  }
  if (operations.length === 0) return succeed(undefined);
  const { verdicts } = await kernel.changeServers(operations);
  const problem = verdicts.find((verdict) => verdict !== null);
  return problem === undefined || problem === null ? succeed(undefined) : { ok: false, problem };
}

async function removeRoutes(kernel: Kernel, removed: string[]): Promise<Outcome<void>> {
  const routes = new Map(kernel.routes);
  if (routes.size === 0) return succeed(undefined);
  removed.push(...[...routes.keys()].map((key) => (key.startsWith('rule') ? `routing ${key}` : `route table ${key}`)));
  return kernel.changeRoutes(new Map(), routes);
}

async function restore(
  records: readonly Remembered[],
  { servers, sysctls }: IpvsOptions,
  removed: string[],
): Promise<Outcome<void>> {
  for (const record of records) {
    if (record.kind === 'timeouts') {
      const set = await servers.setTimeouts(record.value);
      if (!set.ok) return set;
      removed.push('idle times of connections');
    }
    if (record.kind !== 'sysctl') continue;
    const written = await sysctls.write(record.name, record.value);
    if (!written.ok) return written;
    removed.push(`${record.name} (again ${record.value})`);
  }
  return succeed(undefined);
}
