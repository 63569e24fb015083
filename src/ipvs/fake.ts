import { compareText, succeed } from '../model/mod.ts';
import type { Family, Problem, TrafficCounters } from '../model/mod.ts';
import { ipvsProblem, operationProblem } from './errors.ts';
import type { IpvsCode } from './errors.ts';
import type { IpvsOperation, IpvsPort, IpvsTimeouts } from './port.ts';
import { renderOperation } from './render.ts';
import { validateOperation, validateTimeouts } from './validate.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type {
  Destination,
  DestinationCounters,
  DestinationKey,
  ListedServer,
  ServerKey,
  VirtualServer,
} from './virtual-server.ts';

/** An `IpvsPort` in memory that refuses what the kernel refuses. */
export interface FakeIpvs extends IpvsPort {
  /** As `ipvsadm --save` has it, with thresholds: servers and destinations sorted. Equal states give equal texts. */
  dump(): string;
  /** Sets the counters of a destination that exists; what passed is 0 where not given. */
  setConnections(
    server: ServerKey,
    destination: DestinationKey,
    counters: Omit<DestinationCounters, keyof TrafficCounters> & Partial<TrafficCounters>,
  ): void;
  /** Forgets destinations that were deleted, as the kernel does in time; until then one that comes back has its counters. */
  emptyTrash(): void;
  /** Operations that reached the kernel, refused ones included. */
  readonly operations: readonly IpvsOperation[];
}

export interface FakeOptions {
  /** Schedulers there are; all of Linux 6.1 where not given. */
  readonly schedulers?: readonly string[];
  /** True: a kernel without IPVS. */
  readonly missing?: boolean;
}

const linuxSchedulers = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'mh', 'sed', 'nq', 'fo', 'ovf', 'twos', 'none'];
const idle: DestinationCounters = {
  active: 0,
  inactive: 0,
  persistent: 0,
  connections: 0,
  inPackets: 0,
  outPackets: 0,
  inBytes: 0,
  outBytes: 0,
};

interface Entry {
  server: VirtualServer;
  /** Oldest first; the kernel lists the newest first. */
  readonly destinations: Map<string, { destination: Destination; counters: DestinationCounters }>;
}

/** A kernel without any virtual server. */
export function createFakeIpvs(family: Family, options: FakeOptions = {}): FakeIpvs {
  const kernel = new FakeKernel(options.schedulers ?? linuxSchedulers);
  const operations: IpvsOperation[] = [];
  const missing =
    options.missing === true ? ipvsProblem('WP_IPVS_MISSING', 'the kernel has no IPVS: the module ip_vs cannot be loaded') : null;
  const failed = missing === null ? null : ({ ok: false, problem: missing } as const);
  let timeouts: IpvsTimeouts = { tcp: 900, tcpFin: 120, udp: 300 };

  const applyOne = (operation: IpvsOperation): Problem | null => {
    const problem = validateOperation(family, operation) ?? missing;
    if (problem !== null) return problem;
    operations.push(operation);
    const code = kernel.apply(operation);
    return code === null ? null : operationProblem(code, operation);
  };

  return {
    family,
    operations,
    probe: async (scheduler) => {
      if (failed !== null) return failed;
      if (kernel.schedulers.includes(scheduler)) return succeed({ version: '1.2.1', connectionTableSize: 4096 });
      return {
        ok: false,
        problem: ipvsProblem('WP_IPVS_NO_SCHEDULER', `scheduler ${scheduler}: the kernel has none of this name`),
      };
    },
    list: async () => failed ?? succeed(kernel.list()),
    async counters(key) {
      if (failed !== null) return failed;
      const entry = kernel.servers.get(serverKeyText(key));
      return succeed(entry === undefined ? null : new Map([...entry.destinations].map(([text, one]) => [text, one.counters])));
    },
    async apply(batch) {
      const verdicts = batch.map(applyOne);
      return { verdicts, bytes: 0, messages: batch.length };
    },
    timeouts: async () => failed ?? succeed(timeouts),
    async setTimeouts(wanted) {
      const problem = validateTimeouts(wanted) ?? missing;
      if (problem !== null) return { ok: false, problem };
      timeouts = { tcp: wanted.tcp || timeouts.tcp, tcpFin: wanted.tcpFin || timeouts.tcpFin, udp: wanted.udp || timeouts.udp };
      return succeed(undefined);
    },
    close: async () => undefined,
    dump: () => dumpServers(kernel.list()),
    setConnections(server, destination, counters) {
      const found = kernel.servers.get(serverKeyText(server))?.destinations.get(destinationKeyText(destination));
      if (found === undefined)
        throw new TypeError(`${serverKeyText(server)} has no destination ${destinationKeyText(destination)}`);
      found.counters = { ...idle, ...counters };
    },
    emptyTrash: () => kernel.trash.clear(),
  };
}

/** Servers as sorted lines for `ipvsadm --restore`. */
export function dumpServers(servers: readonly ListedServer[]): string {
  const lines: string[] = [];
  const sorted = servers.toSorted((a, b) => compareText(serverKeyText(a.key), serverKeyText(b.key)));
  for (const { destinations, ...server } of sorted) {
    lines.push(renderOperation({ verb: 'add-server', server }));
    const members = destinations.toSorted((a, b) => compareText(destinationKeyText(a), destinationKeyText(b)));
    for (const destination of members) lines.push(renderOperation({ verb: 'add-destination', key: server.key, destination }));
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The order of checks is that of net/netfilter/ipvs/ip_vs_ctl.c. */
class FakeKernel {
  readonly servers = new Map<string, Entry>();
  /** Connections of deleted destinations, by the keys of both. */
  readonly trash = new Map<string, DestinationCounters>();
  readonly schedulers: readonly string[];

  constructor(schedulers: readonly string[]) {
    this.schedulers = schedulers;
  }

  list(): readonly ListedServer[] {
    return [...this.servers.values()].toReversed().map(({ server, destinations }) => ({
      ...server,
      destinations: [...destinations.values()].toReversed().map(({ destination, counters }) => ({ ...destination, counters })),
    }));
  }

  apply(operation: IpvsOperation): IpvsCode | null {
    if ('server' in operation)
      return operation.verb === 'add-server' ? this.#addServer(operation.server) : this.#editServer(operation.server);
    const entry = this.servers.get(serverKeyText(operation.key));
    if (entry === undefined) return 'WP_IPVS_NO_SERVER';
    if (operation.verb !== 'delete-server') return this.#applyDestination(entry, operation);
    for (const text of entry.destinations.keys()) this.#discard(operation.key, entry, text);
    this.servers.delete(serverKeyText(operation.key));
    return null;
  }

  #addServer(server: VirtualServer): IpvsCode | null {
    if (this.servers.has(serverKeyText(server.key))) return 'WP_IPVS_EXISTS';
    if (!this.#knows(server)) return 'WP_IPVS_NO_SCHEDULER';
    this.servers.set(serverKeyText(server.key), { server: ordered(server), destinations: new Map() });
    return null;
  }

  #editServer(server: VirtualServer): IpvsCode | null {
    const entry = this.servers.get(serverKeyText(server.key));
    if (entry === undefined) return 'WP_IPVS_NO_SERVER';
    if (!this.#knows(server)) return 'WP_IPVS_NO_SCHEDULER';
    entry.server = ordered(server);
    return null;
  }

  #applyDestination(entry: Entry, operation: Extract<IpvsOperation, { readonly destination: DestinationKey }>): IpvsCode | null {
    const { key } = operation;
    const text = destinationKeyText(operation.destination);
    const found = entry.destinations.get(text);
    if (operation.verb === 'add-destination') {
      if (found !== undefined) return 'WP_IPVS_EXISTS';
      const counters = this.trash.get(`${serverKeyText(key)} ${text}`) ?? idle;
      this.trash.delete(`${serverKeyText(key)} ${text}`);
      entry.destinations.set(text, { destination: operation.destination, counters });
      return null;
    }
    if (found === undefined) return 'WP_IPVS_NO_DESTINATION';
    if (operation.verb === 'edit-destination') found.destination = operation.destination;
    else this.#discard(key, entry, text);
    return null;
  }

  #discard(key: ServerKey, entry: Entry, text: string): void {
    const counters = entry.destinations.get(text)?.counters ?? idle;
    this.trash.set(`${serverKeyText(key)} ${text}`, counters);
    entry.destinations.delete(text);
  }

  #knows({ scheduler, persistenceEngine }: VirtualServer): boolean {
    return this.schedulers.includes(scheduler) && (persistenceEngine === null || persistenceEngine === 'sip');
  }
}

/** The kernel keeps flags as bits: their order is always the same, and each is there once. */
function ordered(server: VirtualServer): VirtualServer {
  const schedulerFlags = (['fallback', 'port', 'flag-3'] as const).filter((flag) => server.schedulerFlags.includes(flag));
  return { ...server, schedulerFlags };
}
