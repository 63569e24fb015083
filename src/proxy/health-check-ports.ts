import type { Family, NodePortAddresses, Outcome, Problem, ServiceKey, ServiceRecord, Snapshot } from '../model/mod.ts';
import type { AfterSync, AppliedSync } from './after-sync.ts';
import { healthCheckPortOf } from './health-check-port.ts';
import { countLocalEndpoints } from './local-endpoints.ts';

/** What is to be listened on for one Service in one family. */
export interface HealthCheckTarget {
  readonly namespace: string;
  readonly name: string;
  readonly family: Family;
  /** Addresses to bind, each of this family alone; the wildcard where all are meant. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Ready endpoints on this node, asked for each answer. */
  readonly localEndpoints: () => number;
}

/** Listens on all addresses of a target, or on none and says why. */
export type OpenHealthCheck = (target: HealthCheckTarget) => Promise<Outcome<{ close(): Promise<void> }>>;

export interface HealthCheckOptions {
  readonly nodeName: string;
  readonly open: OpenHealthCheck;
  /** Something that whoever owns the Service should hear of. `reason` is that of the Event. */
  readonly warn: (service: ServiceRecord, reason: string, problem: Problem) => void;
}

/** A port on which load balancers ask for a Service, as the node has it. */
export interface HealthCheckRow {
  readonly service: ServiceKey;
  readonly family: Family;
  readonly port: number;
  /** False: it is taken, and tried again with each sync. */
  readonly listening: boolean;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

/** Where a Service is answered for, or is to be as soon as its port is free. */
interface Entry {
  readonly port: number;
  readonly hosts: string;
  localEndpoints: number;
  listener: { close(): Promise<void> } | null;
}

/**
 * Keeps the health check node ports of all families (specification 7.3): what load balancers ask to learn which
 * nodes have endpoints of a Service with `externalTrafficPolicy: Local`. Ports and counts move only with what the
 * kernel confirmed.
 */
export class HealthCheckPorts implements AfterSync {
  readonly #options: HealthCheckOptions;
  readonly #families: ReadonlyMap<Family, Map<ServiceKey, Entry>> = new Map([
    ['IPv4', new Map()],
    ['IPv6', new Map()],
  ]);
  #closed = false;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
  }

  async afterSync({ family, services, snapshot, settings }: AppliedSync): Promise<void> {
    const entries = this.#families.get(family);
    if (entries === undefined || this.#closed) return;
    const hosts = hostsOf(settings.nodePorts, family);
    const joined = hosts.join(' ');
    const due = new Set(services);
    for (const [key, entry] of entries) if (entry.listener === null || entry.hosts !== joined) due.add(key);
    // Closing comes first: a port may move from one Service to another within one sync.
    for (const key of due) {
      const entry = entries.get(key);
      if (entry === undefined || (entry.port === portIn(snapshot, key, family) && entry.hosts === joined)) continue;
      entries.delete(key);
      await entry.listener?.close();
    }
    for (const key of due) await this.#serve(key, entries, family, hosts, snapshot);
  }

  rows(): readonly HealthCheckRow[] {
    return [...this.#families].flatMap(([family, entries]) =>
      [...entries].map(([service, { port, listener, localEndpoints }]) => ({
        service,
        family,
        port,
        listening: listener !== null,
        localEndpoints,
      })),
    );
  }

  /** Ends all listening, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    const entries = [...this.#families.values()].flatMap((family) => [...family.values()]);
    await Promise.all(entries.map((entry) => entry.listener?.close()));
  }

  async #serve(
    key: ServiceKey,
    entries: Map<ServiceKey, Entry>,
    family: Family,
    hosts: readonly string[],
    snapshot: Snapshot,
  ): Promise<void> {
    const service = snapshot.services.get(key);
    const port = portIn(snapshot, key, family);
    if (service === undefined || port === 0) return;
    const { nodeName, open, warn } = this.#options;
    const entry: Entry = entries.get(key) ?? { port, hosts: hosts.join(' '), localEndpoints: 0, listener: null };
    entries.set(key, entry);
    entry.localEndpoints = countLocalEndpoints(service, snapshot.slices.get(key) ?? [], { family, nodeName });
    if (entry.listener !== null) return;
    const { namespace, name } = service;
    const opened = await open({ namespace, name, family, hosts, port, localEndpoints: () => entry.localEndpoints });
    if (opened.ok && !this.#closed) entry.listener = opened.value;
    else if (opened.ok) await opened.value.close();
    else warn(service, 'FailedToStartServiceHealthcheck', opened.problem);
  }
}

/** The port that a Service is to be answered for on in a family; 0 where it is not proxied there or has none. */
function portIn(snapshot: Snapshot, key: ServiceKey, family: Family): number {
  const service = snapshot.services.get(key);
  if (service === undefined || service.headless || service.clusterIps[family] === undefined) return 0;
  return healthCheckPortOf(service);
}

function hostsOf(nodePorts: NodePortAddresses, family: Family): readonly string[] {
  if (nodePorts.kind === 'listed') return nodePorts.addresses;
  return family === 'IPv4' ? ['0.0.0.0'] : ['::'];
}
