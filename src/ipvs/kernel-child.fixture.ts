import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { enterNamespace } from '../../test/lab/enter-namespace.ts';
import type { Family } from '../model/mod.ts';
import { createIpvsExecPort } from './driver-exec.ts';
import { createIpvsNetlinkPort } from './driver-netlink.ts';
import type { IpvsPort } from './port.ts';
import { runStep } from './steps.fixture.ts';
import type { KernelStep } from './steps.fixture.ts';

/**
 * Runs as a thread, since a netlink socket and a tool are of the namespace of the thread that starts them. Every message
 * is a run: it is answered with the results of its steps, in order, or with what went wrong.
 */
export interface KernelRun {
  /** Name of a network namespace. */
  readonly namespace: string;
  readonly steps: readonly KernelStep[];
}

export type KernelResults = { readonly results: readonly unknown[] } | { readonly problem: string };

type Ports = ReadonlyMap<string, IpvsPort>;

function openPorts(): Ports {
  return new Map(
    (['IPv4', 'IPv6'] satisfies Family[]).flatMap((family) => [
      [`netlink ${family}`, createIpvsNetlinkPort({ family, pause: () => null })] as const,
      [`exec ${family}`, createIpvsExecPort({ family })] as const,
    ]),
  );
}

async function runOne(ports: Ports, step: KernelStep): Promise<unknown> {
  if (step.call === 'tool') return execFileSync('ipvsadm', step.words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  // What /proc/net leads to is of the main thread.
  if (step.call === 'proc') return readFileSync('/proc/thread-self/net/ip_vs', 'utf8');
  const port = ports.get(`${step.driver} ${step.family}`);
  if (port === undefined) throw new TypeError(`no driver ${step.driver}`);
  return await runStep(port, step);
}

async function runAll({ namespace, steps }: KernelRun): Promise<readonly unknown[]> {
  enterNamespace(namespace);
  const ports = openPorts();
  const results: unknown[] = [];
  for (const step of steps) results.push(await runOne(ports, step));
  for (const port of ports.values()) await port.close();
  return results;
}

parentPort?.on('message', (run: KernelRun) => {
  const answer = (results: KernelResults): void => parentPort?.postMessage(results);
  runAll(run).then(
    (results) => answer({ results }),
    (error: Error) => answer({ problem: error.stack ?? error.message }),
  );
});
