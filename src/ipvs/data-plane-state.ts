import { indexOfMark, prefixContains, serverOfMark } from '../model/mod.ts';
import type { Address, MarkSpace, Pause, Prefix, ServiceKey } from '../model/mod.ts';
import { eachSlowly } from './data-plane-pace.ts';
import type { Drain } from './drain.ts';
import type { DrainPolicy, ServerWish } from './plan-types.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { Destination, ListedDestination, ListedServer, ServerKey, VirtualServer } from './virtual-server.ts';

/**
 * Whose a virtual server is. Of what kube-proxy left on its dummy interface, or an earlier run without records, we take
 * what is wanted; the rest is the business of the hand-over. Foreign ones are never touched.
 */
export type Owner = 'own' | 'adoptable' | 'foreign';

export interface KernelDestination {
  readonly destination: Destination;
  readonly drain: Drain | null;
}

export interface KernelServer {
  readonly server: VirtualServer;
  readonly owner: Owner;
  readonly destinations: ReadonlyMap<string, KernelDestination>;
  /** How its destinations leave, by the last word about it; null where a restart has forgotten it. */
  readonly policy: DrainPolicy | null;
  /** The Service it is for, or was for last; null where a restart has forgotten it. */
  readonly service: ServiceKey | null;
}

/** What decides whose a server is that was not known before. */
export interface Evidence {
  /** Texts of servers that a record says we made. */
  readonly recorded: ReadonlySet<string>;
  readonly excludeCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  /** Addresses that somebody made local for virtual servers: kube-proxy, or an earlier run that has lost its records. */
  readonly predecessor: ReadonlySet<Address>;
  /** Marks that an earlier run may have given that has lost its records; null where none has. */
  readonly lostMarks: MarkSpace | null;
}

/** The virtual servers as far as they are known: as listed, and moved on by every operation that the kernel accepted. */
export class ServerState {
  #servers = new Map<string, MutableServer>();
  readonly #draining = new Set<string>();

  get(text: string): KernelServer | undefined {
    return this.#servers.get(text);
  }

  texts(): Iterable<string> {
    return this.#servers.keys();
  }

  all(): Iterable<readonly [string, KernelServer]> {
    return this.#servers;
  }

  /** Texts of servers with destinations that are draining. */
  draining(): readonly string[] {
    return [...this.#draining];
  }

  /** A memory of its own that knows the same; the next thing it hears is a whole listing. */
  fork(): ServerState {
    const copy = new ServerState();
    copy.#servers = new Map(this.#servers);
    return copy;
  }

  /** Takes in a whole listing. What was known of a server's owner and drains stays. */
  async replace(listed: readonly ListedServer[], evidence: Evidence, pause: Pause): Promise<void> {
    const before = this.#servers;
    this.#servers = new Map();
    this.#draining.clear();
    await eachSlowly(listed, pause, ({ destinations, ...server }) => {
      const text = serverKeyText(server.key);
      const known = before.get(text);
      const entries = destinations.map((one) => {
        const destination = withoutCounters(one);
        const key = destinationKeyText(destination);
        return [key, { destination, drain: known?.destinations.get(key)?.drain ?? null }] as const;
      });
      this.#servers.set(text, {
        server,
        owner: known?.owner ?? judgeOwner(server.key, evidence),
        destinations: new Map(entries),
        policy: known?.policy ?? null,
        service: known?.service ?? null,
      });
      this.#noteDrains(text);
    });
  }

  setServer(server: VirtualServer): void {
    const text = serverKeyText(server.key);
    const known = this.#servers.get(text);
    this.#servers.set(text, {
      server,
      owner: 'own',
      destinations: known?.destinations ?? new Map<string, KernelDestination>(),
      policy: known?.policy ?? null,
      service: known?.service ?? null,
    });
  }

  deleteServer(text: string): void {
    this.#servers.delete(text);
    this.#draining.delete(text);
  }

  setDestination(text: string, destination: Destination, drain: Drain | null): void {
    this.#servers.get(text)?.destinations.set(destinationKeyText(destination), { destination, drain });
    if (drain !== null) this.#draining.add(text);
    else if (this.#draining.has(text)) this.#noteDrains(text);
  }

  deleteDestination(text: string, key: string): void {
    this.#servers.get(text)?.destinations.delete(key);
    if (this.#draining.has(text)) this.#noteDrains(text);
  }

  /** A server that is wanted is ours, and none of the wanted destinations is leaving. */
  settle(text: string, wish: ServerWish): void {
    const server = this.#servers.get(text);
    if (server === undefined) return;
    server.policy = wish.drain;
    server.service = wish.service;
    server.owner = 'own';
    if (!this.#draining.has(text)) return;
    for (const [key, { destination, drain }] of server.destinations) {
      if (drain !== null && wish.destinations.has(key)) server.destinations.set(key, { destination, drain: null });
    }
    this.#noteDrains(text);
  }

  #noteDrains(text: string): void {
    const destinations = this.#servers.get(text)?.destinations.values() ?? [];
    if ([...destinations].some(({ drain }) => drain !== null)) this.#draining.add(text);
    else this.#draining.delete(text);
  }
}

function withoutCounters(listed: ListedDestination): Destination {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold } = listed;
  return { address, port, forwarding, weight, upperThreshold, lowerThreshold };
}

interface MutableServer {
  readonly server: VirtualServer;
  owner: Owner;
  readonly destinations: Map<string, KernelDestination>;
  policy: DrainPolicy | null;
  service: ServiceKey | null;
}

/**
 * A record comes first: an excluded range protects what others made, and this one we made. Marks of our prefix are ours
 * by agreement (specification 11.10).
 */
function judgeOwner(key: ServerKey, evidence: Evidence): Owner {
  if (evidence.recorded.has(serverKeyText(key))) return 'own';
  if (key.kind === 'mark') {
    if (serverOfMark(key.mark) !== null) return 'own';
    const { lostMarks } = evidence;
    return lostMarks !== null && indexOfMark(lostMarks, key.mark) !== null ? 'adoptable' : 'foreign';
  }
  const { address } = key;
  const inside = (range: Prefix): boolean => prefixContains(range, address);
  if (evidence.excludeCidrs.some(inside)) return 'foreign';
  if (evidence.serviceCidrs.some(inside)) return 'own';
  return evidence.predecessor.has(address) ? 'adoptable' : 'foreign';
}
