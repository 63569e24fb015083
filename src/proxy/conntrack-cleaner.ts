import { isLoopback } from '../model/mod.ts';
import type { Address, Family, Pause, Problem } from '../model/mod.ts';
import type { ConntrackPort } from '../netlink/mod.ts';
import type { AfterSync, AppliedSync } from './after-sync.ts';
import { ConntrackMemory } from './conntrack-memory.ts';
import { planRemovals } from './conntrack-plan.ts';
import { deriveUdpPorts, portOf } from './conntrack-ports.ts';
import type { FrontendKey } from './conntrack-ports.ts';

/** One cleaning pass over the table of a family. */
export interface ConntrackPass {
  readonly family: Family;
  /** Entries deleted. */
  readonly deleted: number;
  readonly durationMs: number;
}

export interface ConntrackCleanerOptions {
  readonly port: ConntrackPort;
  readonly pause: Pause;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** The table could not be read or an entry not be deleted; the frontends concerned are looked at again after the next sync. */
  readonly report: (problem: Problem) => void;
  /** A pass came to its end. */
  readonly passed: (pass: ConntrackPass) => void;
}

export interface ConntrackCleaner extends AfterSync {
  /** Resolves when no pass is running or due. */
  idle(): Promise<void>;
}

/**
 * Deletes UDP flows that a change has left behind (specification 6.1). Notes what changed as part of the sync and
 * cleans in the background, so that the next sync need not wait for the dump; changes that come meanwhile share the
 * next one. Flows of a Service that was deleted while no agent ran cannot be told from others and stay.
 */
export function createConntrackCleaner(options: ConntrackCleanerOptions): ConntrackCleaner {
  const families = new Map<Family, FamilyCleaner>();
  const cleanerOf = (family: Family): FamilyCleaner => {
    const cleaner = families.get(family) ?? new FamilyCleaner(family, options);
    families.set(family, cleaner);
    return cleaner;
  };
  return {
    afterSync: (applied) => cleanerOf(applied.family).note(applied),
    idle: async () => {
      await Promise.all([...families.values()].map((cleaner) => cleaner.idle()));
    },
  };
}

/** Cleans the table of one family from the first sync to the end of the process. */
class FamilyCleaner {
  readonly #family: Family;
  readonly #options: ConntrackCleanerOptions;
  readonly #memory = new ConntrackMemory();
  /** Frontends whose flows are to be looked at. */
  #due = new Set<FrontendKey>();
  #nodePortAddresses: ReadonlySet<Address> = new Set();
  #running: Promise<void> | null = null;

  constructor(family: Family, options: ConntrackCleanerOptions) {
    this.#family = family;
    this.#options = options;
  }

  /** Takes in a sync; resolves when it is noted, which is before any flow is deleted. */
  async note({ services, snapshot, complete, localAddresses }: AppliedSync): Promise<void> {
    this.#nodePortAddresses = new Set(localAddresses);
    const deleted = complete ? [...this.#memory.services()].filter((key) => snapshot.services.get(key) === undefined) : [];
    for (const key of new Set([...services, ...deleted])) {
      const service = snapshot.services.get(key);
      const ports = service === undefined ? [] : deriveUdpPorts(service, snapshot.slices.get(key) ?? [], this.#family);
      for (const frontend of this.#memory.remember(key, ports)) this.#due.add(frontend);
      await this.#options.pause();
    }
    // The settings, node addresses among them, may have changed; and after a start nothing is known of the table.
    if (complete) for (const frontend of this.#memory.frontends()) this.#due.add(frontend);
    if (this.#due.size > 0) this.#running ??= this.#cleanWhileDue();
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #cleanWhileDue(): Promise<void> {
    let confirmed = true;
    while (confirmed && this.#due.size > 0) {
      const examined = this.#due;
      this.#due = new Set();
      confirmed = await this.#cleanSafely(examined);
      if (!confirmed) this.#due = this.#due.union(examined);
    }
    this.#running = null;
  }

  async #cleanSafely(examined: ReadonlySet<FrontendKey>): Promise<boolean> {
    try {
      return await this.#clean(examined);
    } catch (cause) {
      // A bug in cleaning must not end the agent: a stale flow is the lesser harm.
      const message = `cleaning the conntrack table failed unexpectedly: ${String(cause)}`;
      this.#options.report({ code: 'WP_PROXY_CONNTRACK_BUG', message, cause });
      return false;
    }
  }

  /** One pass. False if the frontends have to be looked at again, after the next sync. */
  async #clean(examined: ReadonlySet<FrontendKey>): Promise<boolean> {
    const { port, now, report, passed } = this.#options;
    const started = now();
    const destinationPorts = new Set([...examined].map(portOf));
    const listed = await port.list({ family: this.#family, protocol: 'UDP', destinationPorts });
    if (!listed.ok) {
      report(listed.problem);
      return false;
    }
    // Judged by what is served now, which may be newer than the dump: a back end that came back keeps its flows.
    const stale = planRemovals(listed.value.flows, {
      examined,
      ownersOf: (key) => this.#memory.ownersOf(key),
      acceptsNodePorts: (address) => this.#acceptsNodePorts(address),
    });
    const { removed, problem } = stale.length === 0 ? { removed: 0, problem: null } : await port.remove(stale);
    passed({ family: this.#family, deleted: removed, durationMs: now() - started });
    if (problem !== null) report(problem);
    return problem === null && listed.value.complete;
  }

  #acceptsNodePorts(address: Address): boolean {
    if (this.#nodePortAddresses.has(address)) return true;
    return this.#family === 'IPv4' && isLoopback(address) && this.#nodePortAddresses.has('127.0.0.1' as Address);
  }
}
