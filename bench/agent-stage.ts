import { once } from 'node:events';
import { readlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from '../test/api-server/api-server.ts';
import type { AgentProcess } from './agent-process.ts';
import { endpointsEach, makeNode, makeService, makeSlice } from './cluster.ts';

/** Environment variable: the network namespace of whoever made this one for a benchmark. */
export const outsideVariable = 'WAYPOST_BENCH_OUTSIDE';

export function ownNamespace(): string {
  return readlinkSync('/proc/self/ns/net');
}

/** Throws but in a network namespace that a benchmark made: nothing is programmed in the machine's own. */
export function assertOwnNamespace(): void {
  const outside = process.env[outsideVariable];
  if (outside === undefined || outside === ownNamespace())
    throw new Error('this runs only in a network namespace that the benchmark made');
}

/** A Node, and Services of ten endpoints each. */
export function fillServer(server: ApiServer, services: number): void {
  server.put('nodes', makeNode('node-1', '10.0.0.1') as never);
  for (let index = 0; index < services; index += 1) {
    server.put('services', makeService(index) as never);
    server.put('endpointslices', makeSlice(index, endpointsEach) as never);
  }
}

/**
 * Reads what an agent reads first, as another node did before: a server that encodes its objects for the first time, by code
 * that was not compiled yet, is not what is measured.
 */
export async function warmUp(url: string): Promise<void> {
  for (const path of ['/api/v1/services', '/apis/discovery.k8s.io/v1/endpointslices']) {
    const query = 'watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const request = get(`${url}${path}?${query}`);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let end = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      end = `${end}${chunk.subarray(-400).toString('latin1')}`.slice(-400);
      if (end.includes('initial-events-end')) break;
    }
    request.destroy();
  }
}

/** Writes the agent's files to a folder; gives its command line. */
export function writeArguments(
  folder: string,
  url: string,
  { mode, dns }: { readonly mode: string; readonly dns: boolean },
): readonly string[] {
  const kubeconfig = join(folder, 'kubeconfig');
  const config = join(folder, 'config.json');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'bench',
      clusters: [{ name: 'bench', cluster: { server: url } }],
      users: [{ name: 'bench', user: {} }],
      contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    }),
  );
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode,
      clusterCIDR: '10.128.0.0/10',
      clientConnection: { kubeconfig },
      // Both belong to the machine's own namespace.
      conntrack: { maxPerCore: 0 },
      oomScoreAdj: 0,
    }),
  );
  const resolver = dns ? ['--dns'] : [];
  return ['run', '--config', config, '--hostname-override', 'node-1', '--service-cidrs', '10.96.0.0/16', ...resolver];
}

/** Until its first sync is complete. */
export async function untilHealthy(agent: AgentProcess): Promise<void> {
  while ((await statusOf('http://127.0.0.1:10256/healthz')) !== 200) {
    if (!agent.running) throw new Error(`the agent ended:\n${agent.output}`);
    await sleep(25);
  }
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    get(url, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', () => resolve(0));
  });
}
