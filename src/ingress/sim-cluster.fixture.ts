import { emptySnapshot, noDirt } from '../model/mod.ts';
import type {
  Address,
  AddressPool,
  LeaseTerms,
  LiveService,
  ServiceKey,
  ServiceRecord,
  Stored,
  StoredLease,
  StoredTable,
} from '../model/mod.ts';
import type { AddressPoolAgent } from './pool-agent.ts';
import { createAddressPoolAgent } from './pool-agent.ts';
import { testClass } from './pool-service.fixture.ts';
import { readTable } from './pool-table.ts';
import type { TableRow } from './pool-table.ts';
import { createRandom, SimClock } from './sim-clock.fixture.ts';
import { SimNetwork } from './sim-network.fixture.ts';
import type { Faults } from './sim-network.fixture.ts';

interface StoredService {
  readonly record: ServiceRecord;
  readonly version: string;
}

export interface SimAgent {
  readonly agent: AddressPoolAgent;
  readonly network: SimNetwork;
  readonly see: (key: ServiceKey) => void;
}

/** Milliseconds that a watch may lag behind. */
const watchLag = 500;

/**
 * A cluster's store with agents around it. After each change it is checked that no two Services show one address, and that
 * the table knows of every address that is shown.
 */
export class SimCluster {
  readonly clock = new SimClock();
  readonly random: () => number;
  readonly faults: Faults;
  readonly services = new Map<ServiceKey, StoredService>();
  readonly broken: string[] = [];
  readonly agents: SimAgent[] = [];
  lease: StoredLease | null = null;
  table: StoredTable | null = null;
  writes = 0;
  readonly #pools: readonly AddressPool[];
  readonly #holders = new Map<Address, ServiceKey>();
  #rows: ReadonlyMap<string, TableRow> = new Map();
  #version = 1;
  #created = 0;

  constructor(seed: number, pools: readonly AddressPool[], faults: Faults) {
    this.random = createRandom(seed);
    this.#pools = pools;
    this.faults = faults;
  }

  put(record: ServiceRecord): void {
    const before = this.services.get(record.key);
    const identity = before?.record ?? {
      uid: `uid-${(this.#created += 1)}`,
      createdAt: Math.floor(this.clock.now() / 1000),
      loadBalancer: [],
    };
    const { uid, createdAt, loadBalancer } = identity;
    this.#store({ ...record, uid, createdAt, loadBalancer });
  }

  remove(key: ServiceKey): void {
    for (const { address } of this.services.get(key)?.record.loadBalancer ?? []) this.#holders.delete(address);
    this.services.delete(key);
    this.#announce(key);
  }

  /** A new agent, whose wall clock is wrong by up to a day. */
  join(): SimAgent {
    const network = new SimNetwork(this.clock, this.random, this.faults);
    const clock = this.clock.skewed(Math.floor((this.random() - 0.5) * 86_400_000));
    const agent = createAddressPoolAgent({
      identity: `agent-${(this.#created += 1)}`,
      className: testClass,
      pools: this.#pools,
      clock,
      uptime: () => this.clock.now(),
      random: this.random,
      notice: () => {},
      problem: () => {},
      lease: {
        read: (signal) => network.send(() => found(this.lease), signal),
        create: (terms, signal) => network.send(() => this.#writeLease(terms, null), signal),
        update: (terms, version, signal) => network.send(() => this.#writeLease(terms, version), signal),
      },
      table: {
        read: (signal) => network.send(() => found(this.table), signal),
        create: (signal) => network.send(() => this.#createTable(), signal),
        update: (changes, version, signal) => network.send(() => this.#writeTable(changes, version), signal),
      },
      services: {
        read: (key, signal) => network.send(() => this.#readService(key), signal),
        write: (key, version, addresses, signal) => network.send(() => this.#writeService(key, version, addresses), signal),
      },
    });
    const joined = { agent, network, see: this.#follow(agent, network) };
    this.agents.push(joined);
    return joined;
  }

  /** As `kill -9`: what it sent is still on its way. */
  kill(victim: SimAgent): void {
    victim.network.alive = false;
    this.agents.splice(this.agents.indexOf(victim), 1);
    const ends = victim.agent.close();
    ends.catch(() => {});
  }

  /** Rows of the table by uid. */
  get rows(): ReadonlyMap<string, TableRow> {
    return this.#rows;
  }

  /** Tells one agent of changes, each in its order and some time later. */
  #follow(agent: AddressPoolAgent, network: SimNetwork): (key: ServiceKey) => void {
    const known = new Map<string, ServiceRecord>();
    for (const [key, { record }] of this.services) known.set(key, record);
    const snapshot = { ...emptySnapshot, services: known };
    agent.update(snapshot, null);
    let last = 0;
    return (key) => {
      const record = this.services.get(key)?.record;
      last = Math.max(last, this.clock.now() + this.random() * watchLag);
      this.clock.after(last - this.clock.now(), () => {
        if (!network.alive) return;
        if (record === undefined) known.delete(key);
        else known.set(key, record);
        agent.update(snapshot, { ...noDirt, services: new Set([key]) });
      });
    };
  }

  #store(record: ServiceRecord): void {
    this.services.set(record.key, { record, version: this.#next() });
    this.#announce(record.key);
  }

  #announce(key: ServiceKey): void {
    for (const { see } of this.agents) see(key);
  }

  #readService(key: ServiceKey): Stored<LiveService> {
    const stored = this.services.get(key);
    if (stored === undefined) return { kind: 'missing' };
    const { uid, type, loadBalancerClass, loadBalancer } = stored.record;
    const addresses = loadBalancer.map(({ address }) => address);
    return { kind: 'done', value: { uid, version: stored.version, type, loadBalancerClass, deleting: false, addresses } };
  }

  #writeService(key: ServiceKey, version: string, addresses: readonly Address[]): Stored<LiveService> {
    const stored = this.services.get(key);
    if (stored === undefined) return { kind: 'missing' };
    if (stored.version !== version) return { kind: 'conflict' };
    const { record } = stored;
    for (const { address } of record.loadBalancer) this.#holders.delete(address);
    for (const address of addresses) {
      const holder = this.#holders.get(address);
      if (holder !== undefined) this.broken.push(`${address} is of ${holder} and of ${key}`);
      if (this.#rows.get(record.uid)?.held.includes(address) !== true) this.broken.push(`${address} of ${key} is in no row`);
      this.#holders.set(address, key);
    }
    this.writes += 1;
    this.#store({ ...record, loadBalancer: addresses.map((address) => ({ address, ipMode: 'VIP' })) });
    return this.#readService(key);
  }

  #writeLease(terms: LeaseTerms, version: string | null): Stored<StoredLease> {
    if ((this.lease?.version ?? null) !== version) return { kind: 'conflict' };
    this.lease = { terms, version: this.#next() };
    return found(this.lease);
  }

  #createTable(): Stored<StoredTable> {
    if (this.table !== null) return { kind: 'conflict' };
    this.table = { rows: new Map(), version: this.#next() };
    return found(this.table);
  }

  #writeTable(changes: ReadonlyMap<string, string | null>, version: string): Stored<string> {
    if (this.table === null) return { kind: 'missing' };
    if (this.table.version !== version) return { kind: 'conflict' };
    const rows = new Map(this.table.rows);
    for (const [uid, text] of changes) {
      if (text === null) rows.delete(uid);
      else rows.set(uid, text);
    }
    this.table = { rows, version: this.#next() };
    this.#rows = readTable(this.table);
    return { kind: 'done', value: this.table.version };
  }

  #next(): string {
    this.#version += 1;
    return `v${this.#version}`;
  }
}

function found<T>(value: T | null): Stored<T> {
  return value === null ? { kind: 'missing' } : { kind: 'done', value };
}
