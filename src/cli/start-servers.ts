import { describeSettings } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import { fail, formatEndpoint, succeed } from '../model/mod.ts';
import type { Clock, Outcome, Problem } from '../model/mod.ts';
import { createDebugServer, createHealthServer } from '../observe/mod.ts';
import type { HttpListener, Registry } from '../observe/mod.ts';
import type { ProxyHandle } from './proxy-handle.ts';

export interface ServerOptions {
  readonly config: EffectiveConfig;
  /** The proxy once it runs; the servers come first. */
  readonly proxy: () => ProxyHandle | null;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly report: (problem: Problem) => void;
}

/**
 * Starts the health and the metrics server. A taken address is tried again for ever, or is a `WP_CLI_BIND`
 * failure with `bindAddressHardFail`.
 */
export async function startServers(options: ServerOptions): Promise<Outcome<readonly HttpListener[]>> {
  const { config } = options;
  const servers = [makeHealthServer(options), makeDebugServer(options)].filter((server) => server !== null);
  await Promise.all(servers.map((server) => server.start()));
  const unbound = servers.find(({ bound }) => bound.length === 0);
  if (unbound === undefined || !config.bindAddressHardFail) return succeed(servers);
  await Promise.all(servers.map((server) => server.close()));
  const { name, host, port } = unbound.address;
  return fail('WP_CLI_BIND', `the ${name} address ${formatEndpoint(host, port)} is taken, and bindAddressHardFail is set`);
}

function makeHealthServer({ config, proxy, registry, clock, report }: ServerOptions): HttpListener | null {
  if (config.healthz === null) return null;
  return createHealthServer({
    ...config.healthz,
    view: () => {
      const handle = proxy();
      if (handle === null) return { families: [], nodeEligible: false, synced: false };
      return { families: handle.healthOf(), nodeEligible: handle.nodeEligible(), synced: handle.synced() };
    },
    patience: 2 * config.syncPeriod,
    registry,
    clock,
    report,
  });
}

function makeDebugServer({ config, proxy, registry, clock, startedAt, report }: ServerOptions): HttpListener {
  return createDebugServer({
    ...config.metrics,
    mode: config.mode,
    configuration: describeSettings(config.settings),
    registry,
    status: () => ({ mode: config.mode, synced: proxy()?.synced() ?? false, rows: proxy()?.rows() ?? [] }),
    startedAt,
    clock,
    report,
  });
}
