import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { agentSocket, describeFlags, describeSettings } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import { fail, formatEndpoint, succeed } from '../model/mod.ts';
import type { Clock, Outcome, Problem } from '../model/mod.ts';
import { SocketListener, addBuildMetrics, createDebugServer, createHealthServer } from '../observe/mod.ts';
import type { ConnectionsReport, HttpListener, Logger, Registry } from '../observe/mod.ts';
import { describeBindFailure } from './agent-events.ts';
import { makeDiffPages } from './diff-page.ts';
import { makeDnsDebugPages } from './dns-debug.ts';
import { makeEndpointPages } from './endpoint-page.ts';
import { makeEndpointUsePages } from './endpoint-use-page.ts';
import { makeIngressPages } from './ingress-page.ts';
import type { ProxyHandle, StartProxyOptions } from './proxy-handle.ts';
import type { RecentProblem } from './recent-problems.ts';
import { describeFamilies, makeStatusPages } from './status-page.ts';
import type { NodeStatus } from './status-page.ts';
import { makeUiPages } from './ui-pages.ts';
import { readVersion } from './version.ts';

export interface ServerOptions extends Pick<StartProxyOptions, 'nodeName' | 'event' | 'live'> {
  readonly config: EffectiveConfig;
  /** The proxy once it runs; the servers come first. */
  readonly proxy: () => ProxyHandle | null;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly report: (problem: Problem) => void;
  /** What was reported of late. */
  readonly recent: () => readonly RecentProblem[];
}

/**
 * Starts the health and the metrics server. A taken address is tried again for ever, or is a `WP_CLI_BIND`
 * failure with `bindAddressHardFail`.
 */
export async function startServers(options: ServerOptions): Promise<Outcome<readonly { close(): Promise<void> }[]>> {
  const { config, registry } = options;
  addBuildMetrics(registry, readVersion(), config.gates);
  const debug = makeDebugServer(options);
  const servers = [makeHealthServer(options), debug].filter((server) => server !== null);
  await Promise.all(servers.map((server) => server.start()));
  const unbound = servers.find(({ bound }) => bound.length === 0);
  if (unbound === undefined || !config.bindAddressHardFail) return succeed([...servers, await startSocket(options, debug)]);
  await Promise.all(servers.map((server) => server.close()));
  const { name, host, port } = unbound.address;
  const message = `the ${name} address ${formatEndpoint(host, port)} is taken, and bindAddressHardFail is set`;
  options.event?.(describeBindFailure(options.nodeName, name, message));
  return fail('WP_CLI_BIND', message);
}

/** The pages of the debug server for commands on this node; without the usual folder nobody has asked for it. */
async function startSocket({ config, report, logger }: ServerOptions, { answer }: HttpListener): Promise<SocketListener> {
  const path = config.settings.agentSocket;
  const socket = new SocketListener({ path, answer, report });
  if (path === '') return socket;
  if (path === agentSocket && !existsSync(dirname(path))) logger.debug('no socket for commands', { missing: dirname(path) });
  else await socket.start();
  return socket;
}

function makeHealthServer({ config, live, proxy, registry, clock, report }: ServerOptions): HttpListener | null {
  if (config.healthz === null) return null;
  return createHealthServer({
    ...config.healthz,
    view: () => {
      const handle = proxy();
      if (handle === null) return { families: [], nodeEligible: false, synced: false };
      return { families: handle.healthOf(), nodeEligible: handle.nodeEligible(), synced: handle.synced() };
    },
    patience: () => patienceOf(live.current),
    registry,
    clock,
    report,
  });
}

function makeDebugServer(options: ServerOptions): HttpListener {
  const { config, live, nodeName, proxy, registry, logger, clock, startedAt, report } = options;
  const connections = (): Promise<ConnectionsReport> => countConnections(options);
  const status = (): NodeStatus => describeNode(options);
  return createDebugServer({
    ...config.metrics,
    mode: config.mode,
    version: readVersion(),
    configuration: () => describeSettings(live.current.settings),
    flags: config.gates.ComponentFlagz ? () => describeFlags(live.current) : null,
    statusz: config.gates.ComponentStatusz,
    setVerbosity: config.settings.enableProfiling ? logger.setVerbosity : null,
    registry,
    status: () => ({ mode: config.mode, synced: proxy()?.synced() ?? false, rows: proxy()?.rows() ?? [] }),
    connections,
    pages: new Map([
      ...makeDnsDebugPages(() => proxy()?.dns ?? null),
      ...makeIngressPages(() => proxy()?.ingress?.() ?? null),
      ...makeDiffPages(config.mode, async () => (await proxy()?.compare?.()) ?? null),
      ...makeEndpointPages(() => proxy()?.snapshot?.() ?? null),
      ...makeEndpointUsePages({
        node: nodeName,
        snapshot: () => proxy()?.snapshot?.() ?? null,
        explain: async (services) => (await proxy()?.explainEndpoints?.(services)) ?? [],
      }),
      ...makeStatusPages(status),
      ...makeUiPages({ config, clock, proxy, status, connections, report }),
    ]),
    startedAt,
    clock,
    report,
  });
}

async function countConnections({ config, proxy }: ServerOptions): Promise<ConnectionsReport> {
  const counts = (await proxy()?.connections?.()) ?? { families: [], problems: [] };
  return {
    mode: config.mode,
    families: counts.families,
    problems: counts.problems.map(({ code, message }) => ({ code, message })),
  };
}

/** Milliseconds that a change may wait for the kernel (specification 7.1). */
function patienceOf({ syncPeriod }: EffectiveConfig): number {
  return 2 * syncPeriod;
}

function describeNode({ config, live, nodeName, proxy, clock, startedAt, recent }: ServerOptions): NodeStatus {
  const handle = proxy();
  const now = clock.now();
  const dns = handle?.dns;
  const ingress = handle?.ingress?.();
  return {
    now,
    agent: { version: readVersion(), mode: config.mode, node: nodeName, startedAt },
    synced: handle?.synced() ?? false,
    nodeEligible: handle?.nodeEligible() ?? false,
    families: describeFamilies(handle?.healthOf() ?? [], handle?.tally?.() ?? [], { now, patience: patienceOf(live.current) }),
    healthChecks: handle?.healthChecks?.() ?? [],
    dns: { configured: config.dns !== null, running: dns !== undefined, ready: dns?.ready ?? false },
    ingress: { running: ingress !== undefined, publications: ingress?.publications.length ?? 0 },
    problems: recent(),
  };
}
