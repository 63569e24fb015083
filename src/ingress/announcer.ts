import { familyOf } from '../model/mod.ts';
import type { Address, Clock, LeasePort, MemberLease, Outcome, Prefix, Problem } from '../model/mod.ts';
import type { AnnounceWish } from './announce-election.ts';
import type { AnnounceKernel } from './announce-kernel.ts';
import { createKernelKeeper } from './announce-keeper.ts';
import type { KernelKeeper } from './announce-keeper.ts';
import { createMemberBook, judgeMembers, noteConfirmed, noteGone, noteLease, noteSent } from './announce-members.ts';
import type { MemberVerdict } from './announce-members.ts';
import { createRenewal } from './announce-renewal.ts';
import type { Renewal } from './announce-renewal.ts';
import { dutiesOf, electAll, handOver, handOverMs, mergeWishes } from './announce-table.ts';
import type { AnnounceRow } from './announce-table.ts';

export interface AnnouncerOptions {
  readonly node: string;
  /** Tells this run of the agent from all others. */
  readonly instance: string;
  /** So long after its last renewal a node counts as dead; whole seconds. */
  readonly durationMs: number;
  readonly leases: LeasePort;
  /** One for each family that is announced. */
  readonly kernels: readonly AnnounceKernel[];
  /** Must not jump when the machine's time is set. */
  readonly clock: Clock;
  readonly notice: (notice: AnnounceNotice) => void;
}

export type AnnounceNotice =
  | { readonly kind: 'owner'; readonly address: Address; readonly owner: string | null; readonly before: string | null }
  /** The same again is told again only after it was well in between. */
  | { readonly kind: 'problem'; readonly problem: Problem };

/** Renewals in the time of a Lease. */
const renewalsPerLease = 3;

/**
 * Answers on the network for addresses of Services, on one node for each (specification of ingress, 9). Until it has heard of
 * all Leases and of what is wanted, it leaves the kernel as it finds it, so that a restart moves nothing.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #book;
  readonly #renewal: Renewal;
  readonly #keepers: readonly KernelKeeper[];
  #wishes: ReadonlyMap<Address, AnnounceWish> | null = null;
  #rows: ReadonlyMap<Address, AnnounceRow> = new Map();
  #leaving: ReadonlyMap<Address, number> = new Map();
  #networks: ReadonlyMap<AnnounceKernel, readonly Prefix[]> = new Map();
  #adopts = false;
  #listed = false;
  #joining = false;
  #lastMark = 0;
  #cancel: () => void = () => {};
  #cancelJoin: () => void = () => {};
  #leaseTroubles: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(options: AnnouncerOptions) {
    const { clock, durationMs, kernels, node } = options;
    this.#options = options;
    this.#book = createMemberBook(node, durationMs);
    this.#renewal = createRenewal({
      clock,
      intervalMs: durationMs / renewalsPerLease,
      write: (sentAt) => this.#write(sentAt),
      done: (outcome, sentAt) => this.#noteWritten(outcome, sentAt),
    });
    this.#keepers = kernels.map((kernel) =>
      createKernelKeeper({
        kernel,
        clock,
        surveyed: (networks) => this.#noteNetworks(kernel, networks),
        applied: (refused) => this.#noteRefused(kernel, refused),
        problem: (problem) => options.notice({ kind: 'problem', problem }),
      }),
    );
  }

  /** Reads the kernel, then begins to watch the Leases. */
  async start(): Promise<void> {
    for (const keeper of this.#keepers) this.#adopts = (await keeper.start()) || this.#adopts;
    if (this.#closed) return;
    this.#options.leases.start({
      seen: (lease) => {
        noteLease(this.#book, lease, this.#now(), !this.#listed);
        this.#evaluate();
      },
      gone: (node) => {
        noteGone(this.#book, node);
        this.#evaluate();
      },
      listed: () => this.#join(),
      problem: (problem) => this.#noteTrouble(problem),
    });
  }

  /** The addresses that are to be announced, all of them. Takes effect in the background. */
  set(wanted: readonly AnnounceWish[]): void {
    this.#wishes = mergeWishes(wanted);
    this.#evaluate();
  }

  /** Something about interfaces or their addresses has changed. */
  recheck(): void {
    for (const keeper of this.#keepers) keeper.recheck();
  }

  /** By address. */
  rows(): readonly AnnounceRow[] {
    return [...this.#rows.values()].toSorted((a, b) => (a.address < b.address ? -1 : 1));
  }

  /**
   * `release`: the others take over at once, and the kernel is silent afterwards. `keep`: the kernel goes on answering for
   * another run of the agent, which has to be there before the Lease is up. Where the Lease cannot be released the kernel goes on too.
   */
  async close(how: 'release' | 'keep'): Promise<void> {
    this.#closed = true;
    this.#cancel();
    this.#cancelJoin();
    // A greeting that is repeated after that of the heir would lead clients back.
    for (const keeper of this.#keepers) keeper.hush();
    await this.#renewal.stop();
    const silent = how === 'release' && (await this.#release());
    if (silent) await new Promise<void>((resolve) => void this.#options.clock.after(handOverMs, resolve));
    for (const keeper of this.#keepers) await keeper.close(silent);
    await this.#options.leases.close();
  }

  async #release(): Promise<boolean> {
    if (this.#book.confirmedAt === null) return false;
    const released = await this.#options.leases.release();
    if (!released.ok) this.#noteTrouble(released.problem);
    return released.ok;
  }

  #now(): number {
    return this.#options.clock.now();
  }

  /**
   * A new member waits until it knows of all others whether they live: they hand over to it at once. One that was here a
   * moment ago hurries, so that nobody notices; so does one that is alone.
   */
  #join(): void {
    if (this.#listed) return;
    this.#listed = true;
    const { node, durationMs, clock } = this.#options;
    const others = [...this.#book.members.values()].filter(({ lease }) => lease.node !== node && lease.holder !== '');
    const start = (): void => {
      this.#joining = true;
      this.#renewal.start();
    };
    if (this.#adopts || others.length === 0) start();
    else this.#cancelJoin = clock.after(Math.max(durationMs, ...others.map(({ lease }) => lease.durationMs)), start);
  }

  #allNetworks(): readonly Prefix[] {
    return [...this.#networks.values()].flat();
  }

  #lease(renewedAt: number): MemberLease {
    const { node, instance, durationMs } = this.#options;
    return { node, holder: instance, renewedAt, durationMs, networks: this.#allNetworks() };
  }

  #write(sentAt: number): Promise<Outcome<void>> {
    this.#lastMark = Math.max(this.#lastMark + 1, Math.floor(sentAt));
    noteSent(this.#book, this.#lastMark, sentAt);
    return this.#options.leases.write(this.#lease(this.#lastMark));
  }

  #noteWritten(outcome: Outcome<void>, sentAt: number): void {
    if (outcome.ok) {
      noteConfirmed(this.#book, sentAt);
      this.#leaseTroubles = new Set();
    } else this.#noteTrouble(outcome.problem);
    this.#evaluate();
  }

  #noteTrouble(problem: Problem): void {
    if (this.#leaseTroubles.has(problem.message)) return;
    this.#leaseTroubles = new Set([...this.#leaseTroubles, problem.message]);
    this.#options.notice({ kind: 'problem', problem });
  }

  #noteNetworks(kernel: AnnounceKernel, networks: readonly Prefix[]): void {
    const before = JSON.stringify(this.#networks.get(kernel) ?? []);
    this.#networks = new Map([...this.#networks, [kernel, networks]]);
    if (before === JSON.stringify(networks) || !this.#joining) return;
    // Who has lost the interface of its addresses must not own them any longer.
    this.#renewal.again();
    this.#evaluate();
  }

  #noteRefused(kernel: AnnounceKernel, refused: ReadonlyMap<Address, Problem>): void {
    this.#rows = new Map(
      [...this.#rows].map(([address, row]) => {
        const problem = familyOf(address) === kernel.family ? (refused.get(address) ?? null) : row.problem;
        if (problem !== null && problem.message !== row.problem?.message) this.#options.notice({ kind: 'problem', problem });
        return [address, { ...row, problem }];
      }),
    );
  }

  #evaluate(): void {
    if (this.#closed || !this.#listed) return;
    const now = this.#now();
    const { members, proofAfter, nextAt } = judgeMembers(this.#book, this.#allNetworks(), now);
    if (proofAfter !== null && this.#joining) this.#renewal.prove(proofAfter);
    if (this.#wishes !== null && this.#book.confirmedAt !== null) this.#elect(this.#wishes, members, now);
    this.#cancel();
    const times = [...(nextAt === null ? [] : [nextAt]), ...this.#leaving.values()];
    if (times.length === 0) return;
    this.#cancel = this.#options.clock.after(Math.max(0, Math.min(...times) - now), () => this.#evaluate());
  }

  #elect(wishes: ReadonlyMap<Address, AnnounceWish>, members: readonly MemberVerdict[], now: number): void {
    const { node } = this.#options;
    const before = this.#rows;
    this.#rows = electAll(wishes, members, before, now);
    for (const { address, owner } of this.#rows.values()) {
      const previous = before.get(address)?.owner ?? null;
      if (owner !== previous) this.#options.notice({ kind: 'owner', address, owner, before: previous });
    }
    // Who steps down is silent before others take over.
    const lives = members.some((member) => member.node === node && member.state === 'live');
    this.#leaving = lives ? handOver(this.#leaving, before, this.#rows, node, now) : new Map();
    const { owned, kept } = dutiesOf(this.#rows, node);
    for (const keeper of this.#keepers) {
      const ofFamily = (address: Address): boolean => familyOf(address) === keeper.family;
      keeper.want(owned.filter(ofFamily), [...kept, ...this.#leaving.keys()].filter(ofFamily));
    }
  }
}
