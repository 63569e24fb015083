import type { Server } from 'node:http';
import { fail, formatEndpoint, succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { closeServers, serveHttp } from './http-serve.ts';
import type { Reply } from './http-serve.ts';

export interface HealthCheckServerOptions {
  readonly namespace: string;
  readonly name: string;
  readonly family: Family;
  /** Addresses of the family; its wildcard stands for all of them and for none of the other family. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Ready endpoints on this node, asked for each answer. */
  readonly localEndpoints: () => number;
  /** Whether the data plane is healthy, asked for each answer. */
  readonly healthy: () => boolean;
  readonly report: (problem: Problem) => void;
}

/**
 * Serves the health check node port of one Service in one family (specification 7.3). Fails with
 * `WP_OBSERVE_HEALTH_CHECK_PORT`, listening nowhere, where one of the addresses cannot be bound.
 */
export async function openHealthCheckServer(options: HealthCheckServerOptions): Promise<Outcome<{ close(): Promise<void> }>> {
  const { namespace, name, family, hosts, port, localEndpoints, healthy, report } = options;
  const answer = (): Reply => answerHealthCheck({ namespace, name }, localEndpoints(), healthy());
  const servers: Server[] = [];
  for (const host of hosts) {
    const server = await serveHttp({ at: { host, port, ipv6Only: family === 'IPv6' }, answer, report });
    if (server instanceof Error) {
      await closeServers(servers);
      const message = `the health check node port ${formatEndpoint(host, port)} of Service ${namespace}/${name} cannot be bound (${server.message}); trying again at the next sync`;
      return fail('WP_OBSERVE_HEALTH_CHECK_PORT', message, server);
    }
    servers.push(server);
  }
  return succeed({ close: () => closeServers(servers) });
}

/** The answer to a load balancer. The weight is told even where the data plane is ill, so that it is known afterwards. */
export function answerHealthCheck(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  localEndpoints: number,
  serviceProxyHealthy: boolean,
): Reply {
  // Key order and indentation are part of the contract.
  const body = JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, null, '\t');
  const headers = {
    'Content-Type': 'application/json',
    'X-Content-Type-Options': 'nosniff',
    'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
  };
  return { status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, headers, body };
}
