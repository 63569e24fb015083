import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ConnectionCounts } from '../../src/cli/connections.ts';
import { LiveConfig } from '../../src/cli/live-config.ts';
import { startServers } from '../../src/cli/start-servers.ts';
import { makeConfig } from '../../src/config/mod.ts';
import { unknownTraffic } from '../../src/model/mod.ts';
import type { Problem, ServiceKey, StatusRow, TrafficCounters } from '../../src/model/mod.ts';
import { Registry, createLogger, systemClock } from '../../src/observe/mod.ts';
import type { EndpointUse } from '../../src/proxy/mod.ts';
import { watchRows } from '../../src/proxy/row-watch.ts';
import type { RowTable } from '../../src/proxy/row-watch.ts';

/** What an agent that has never programmed a kernel tells of itself. */
export interface StageOptions {
  readonly mode?: 'iptables' | 'ipvs';
  readonly rows: ReadonlyMap<ServiceKey, readonly StatusRow[]>;
  readonly endpoints?: (service: ServiceKey) => readonly EndpointUse[];
  /** Connections of an endpoint, asked for at each look. */
  readonly active?: (service: ServiceKey, endpoint: string) => number;
  /** What has passed an endpoint, asked for at each look; without it the driver is not told. */
  readonly traffic?: (service: ServiceKey) => TrafficCounters;
  /** Prometheus text of the resolver; without it DNS is off. */
  readonly dns?: () => string;
  readonly problems?: readonly Problem[];
}

/** The agent's own servers on loopback, in this process, over data that a test changes by hand. */
export interface Stage {
  readonly origin: string;
  /** Empty: the Service is gone. */
  change(service: ServiceKey, rows: readonly StatusRow[]): void;
  close(): Promise<void>;
}

export async function startStage(options: StageOptions): Promise<Stage> {
  const { mode = 'iptables', endpoints = () => [], dns, problems = [] } = options;
  const table = new StageTable(options.rows);
  const [health, debug] = await Promise.all([freePort(), freePort()]);
  const flags = {
    'proxy-mode': mode,
    'healthz-bind-address': `127.0.0.1:${health}`,
    'metrics-bind-address': `127.0.0.1:${debug}`,
  };
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  const startedAt = systemClock.now() - 93_784_000;
  const count = (state: StatusRow['state']): number => table.all().filter((row) => row.state === state).length;
  const servers = await startServers({
    config: loaded.config,
    live: new LiveConfig(loaded.config),
    nodeName: 'node-1',
    registry: new Registry(),
    logger: createLogger({ format: 'text', verbosity: 0, now: Date.now, write: () => {} }),
    clock: systemClock,
    startedAt,
    report: () => {},
    recent: () =>
      problems.map(({ code, message }, index) => ({
        code,
        message,
        at: systemClock.now() - 60_000 * (index + 1),
        times: index + 1,
      })),
    proxy: () => ({
      rows: () => table.all(),
      watchRows: () => watchRows([table]),
      tally: () => [
        { family: 'IPv4', states: { Pending: count('Pending'), Done: count('Done'), Error: count('Error') }, dirty: 0 },
      ],
      healthOf: () => [{ family: 'IPv4', lastUpdated: startedAt + 93_780_000, pendingSince: null }],
      nodeEligible: () => true,
      synced: () => true,
      explainEndpoints: async (services) => [...services].flatMap(endpoints),
      ...(mode === 'ipvs' ? { connections: async () => countAll(table, options) } : {}),
      ...(dns === undefined ? {} : { dns: readyDns, dnsMetrics: async () => dns() }),
      stop: async () => {},
    }),
  });
  if (!servers.ok) throw new Error(servers.problem.message);
  return {
    origin: `http://127.0.0.1:${debug}`,
    change: (service, rows) => table.put(service, rows),
    close: async () => void (await Promise.all(servers.value.map((server) => server.close()))),
  };
}

const readyDns = {
  ready: true,
  lameDuckMs: 0,
  logQueries: () => {},
  lookup: async () => {
    throw new Error('nobody asks');
  },
};

function countAll(
  table: StageTable,
  { endpoints = () => [], active = () => 0, traffic = () => unknownTraffic }: StageOptions,
): ConnectionCounts {
  const servers = [...table.services()].map((service, index) => ({
    server: `TCP 10.96.${index >> 8}.${index & 0xff}:80`,
    service,
    destinations: endpoints(service).map(({ address, port }) => {
      const endpoint = `${address}:${port}`;
      const counts = { active: active(service, endpoint), inactive: 2, persistent: 0, ...traffic(service) };
      return { endpoint, weight: 1, ...counts, draining: false };
    }),
  }));
  return { families: [{ family: 'IPv4', servers }], problems: [] };
}

class StageTable implements RowTable {
  readonly #rows: Map<ServiceKey, readonly StatusRow[]>;
  readonly #listeners = new Set<(service: ServiceKey) => void>();

  constructor(rows: ReadonlyMap<ServiceKey, readonly StatusRow[]>) {
    this.#rows = new Map(rows);
  }

  listen(listener: (service: ServiceKey) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  services(): Iterable<ServiceKey> {
    return this.#rows.keys();
  }

  rowsOf(service: ServiceKey): readonly StatusRow[] {
    return this.#rows.get(service) ?? [];
  }

  all(): readonly StatusRow[] {
    return [...this.#rows.values()].flat();
  }

  put(service: ServiceKey, rows: readonly StatusRow[]): void {
    if (rows.length === 0) this.#rows.delete(service);
    else this.#rows.set(service, rows);
    for (const listener of this.#listeners) listener(service);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
