import { familyOf, fail, parsePrefix, succeed } from '../model/mod.ts';
import type { Address, Clock, LeaseListener, LeasePort, MemberLease, Outcome, Prefix, Problem } from '../model/mod.ts';
import type { AnnounceKernel } from './announce-kernel.ts';
import { Announcer } from './announcer.ts';
import type { AnnounceNotice } from './announcer.ts';

export const duration = 3000;
export const network = parsePrefix('192.0.2.0/24') as Prefix;

/** Time that is turned by hand, in which only promises that are ready go on by themselves. */
class WorldClock implements Clock {
  #now = 1_000_000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  wait(delay: number): Promise<void> {
    return new Promise((resolve) => void this.after(delay, resolve));
  }

  /** `look` is called after everything that happens. */
  async turn(milliseconds: number, look: () => void = () => {}): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
      look();
    }
    this.#now = end;
  }
}

async function settle(): Promise<void> {
  for (let hop = 0; hop < 60; hop += 1) await Promise.resolve();
}

/** How a node's way to the server is. */
export interface Line {
  writes: boolean;
  /** What a watch does not bring is brought when it works again. */
  watches: boolean;
  /** Milliseconds each way. */
  delay: () => number;
}

/** One node: its agent, its kernel and its line. */
export interface WorldNode {
  readonly name: string;
  readonly line: Line;
  /** Addresses that its kernel answers for. */
  readonly answers: Set<Address>;
  readonly notices: AnnounceNotice[];
  networks: readonly Prefix[];
  refused: ReadonlyMap<Address, Problem>;
  broken: Problem | null;
  /** Milliseconds that its kernel takes to do as it is told. */
  kernelMs: number;
  announcer: Announcer;
  /** The agent ends as by SIGKILL: its timers call nobody that matters. */
  kill(): void;
}

/** A server of Leases, and nodes around it. */
export class World {
  readonly clock = new WorldClock();
  readonly nodes = new Map<string, WorldNode>();
  /** In the order in which they were sent. */
  readonly greetings: { readonly node: string; readonly address: Address }[] = [];
  readonly #leases = new Map<string, MemberLease>();
  readonly #watchers = new Set<(change: Change) => void>();
  #runs = 0;

  /** Adds a node, or begins a new run of the agent on it. */
  async boot(name: string, line: Partial<Line> = {}): Promise<WorldNode> {
    const known = this.nodes.get(name);
    const base = known ?? {
      name,
      line: { writes: true, watches: true, delay: () => 1, ...line },
      answers: new Set<Address>(),
      notices: [],
      networks: [network],
      refused: new Map(),
      broken: null,
      kernelMs: 0,
    };
    this.#runs += 1;
    const state = { alive: true };
    const node = Object.assign(base, {
      kill: () => void (state.alive = false),
      announcer: null as unknown as Announcer,
    }) as WorldNode;
    const clock: Clock = {
      now: () => this.clock.now(),
      after: (delay, callback) =>
        this.clock.after(delay, () => {
          if (state.alive) callback();
        }),
    };
    const leases = this.#portOf(node, state);
    const notice = (told: AnnounceNotice): void => void node.notices.push(told);
    const kernels = [this.#kernelOf(node)];
    node.announcer = new Announcer({
      node: name,
      instance: `run-${this.#runs}`,
      durationMs: duration,
      leases,
      kernels,
      clock,
      notice,
    });
    this.nodes.set(name, node);
    await node.announcer.start();
    return node;
  }

  /** Every node is asked to announce these, wherever they are accepted. */
  want(addresses: readonly Address[], eligible: readonly string[] = [...this.nodes.keys()]): void {
    for (const { announcer } of this.nodes.values()) announcer.set(addresses.map((address) => ({ address, eligible })));
  }

  holdersOf(address: Address): readonly string[] {
    return [...this.nodes.values()].filter(({ answers }) => answers.has(address)).map(({ name }) => name);
  }

  lease(node: string): MemberLease | undefined {
    return this.#leases.get(node);
  }

  #commit(node: string, lease: MemberLease): void {
    this.#leases.set(node, lease);
    for (const tell of this.#watchers) tell({ node, lease });
  }

  #portOf(node: WorldNode, state: { readonly alive: boolean }): LeasePort {
    let tell: (change: Change) => void = () => {};
    const request = async (work: () => void): Promise<Outcome<void>> => {
      await this.clock.wait(node.line.delay());
      if (!node.line.writes || !state.alive) return fail('WP_KUBE_UNREACHABLE', 'the line is cut');
      work();
      await this.clock.wait(node.line.delay());
      return succeed(undefined);
    };
    return {
      start: (listener) => {
        tell = this.#watch(node.line, state, listener);
        this.#watchers.add(tell);
        for (const [name, lease] of this.#leases) listener.seen({ ...lease, node: name });
        listener.listed();
      },
      write: (lease) => request(() => this.#commit(node.name, lease)),
      release: () =>
        request(() => {
          const lease = this.#leases.get(node.name);
          if (lease !== undefined) this.#commit(node.name, { ...lease, holder: '' });
        }),
      close: async () => void this.#watchers.delete(tell),
    };
  }

  /** Changes arrive in order, each at its time or when the line works again. */
  #watch(line: Line, state: { readonly alive: boolean }, listener: LeaseListener): (change: Change) => void {
    const queue: Change[] = [];
    const deliver = (): void => {
      if (!line.watches) {
        this.clock.after(10, deliver);
        return;
      }
      const change = queue.shift();
      if (change !== undefined && state.alive) listener.seen(change.lease);
    };
    let last = 0;
    return (change) => {
      queue.push(change);
      last = Math.max(last, this.clock.now() + line.delay());
      this.clock.after(last - this.clock.now(), deliver);
    };
  }

  #kernelOf(node: WorldNode): AnnounceKernel {
    return {
      family: 'IPv4',
      survey: async () =>
        node.broken === null
          ? succeed({ networks: node.networks, adopts: node.answers.size > 0 })
          : { ok: false, problem: node.broken },
      apply: async (owned, kept) => {
        if (node.broken !== null) return { ok: false, problem: node.broken };
        if (node.kernelMs > 0) await this.clock.wait(node.kernelMs);
        const wanted = owned.filter((address) => familyOf(address) === 'IPv4' && !node.refused.has(address));
        for (const address of node.answers)
          if (!wanted.includes(address) && !kept.includes(address)) node.answers.delete(address);
        for (const address of wanted) node.answers.add(address);
        const places = wanted.map((address) => ({
          address,
          index: 2,
          device: 'eth0',
          hardware: new Uint8Array(6),
          greetFrom: null,
        }));
        const refused = new Map([...node.refused].filter(([address]) => owned.includes(address)));
        return succeed({ networks: node.networks, places, refused, problems: [] });
      },
      greet: ({ address }) => {
        this.greetings.push({ node: node.name, address });
        return succeed(undefined);
      },
      close: () => {},
    };
  }
}

interface Change {
  readonly node: string;
  readonly lease: MemberLease;
}
