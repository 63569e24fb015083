import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Family } from '../model/mod.ts';
import { createIpvsExecPort } from './driver-exec.ts';
import { createIpvsNetlinkPort } from './driver-netlink.ts';
import { runStep } from './steps.fixture.ts';
import type { KernelStep } from './steps.fixture.ts';

/**
 * Runs inside a network namespace, since a netlink socket is of the namespace of its process. Reads one JSON array of steps
 * from standard input and writes the results, in order, as one JSON array.
 */
const ports = new Map(
  (['IPv4', 'IPv6'] satisfies Family[]).flatMap((family) => [
    [`netlink ${family}`, createIpvsNetlinkPort({ family, pause: () => null })] as const,
    [`exec ${family}`, createIpvsExecPort({ family })] as const,
  ]),
);

async function runOne(step: KernelStep): Promise<unknown> {
  if (step.call === 'tool') return execFileSync('ipvsadm', step.words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  if (step.call === 'proc') return readFileSync('/proc/net/ip_vs', 'utf8');
  const port = ports.get(`${step.driver} ${step.family}`);
  if (port === undefined) throw new TypeError(`no driver ${step.driver}`);
  return await runStep(port, step);
}

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const results: unknown[] = [];
for (const step of JSON.parse(Buffer.concat(chunks).toString()) as KernelStep[]) results.push(await runOne(step));
for (const port of ports.values()) await port.close();
process.stdout.write(JSON.stringify(results));
