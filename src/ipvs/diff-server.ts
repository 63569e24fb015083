import { isDeepStrictEqual } from 'node:util';
import type { ServiceKey } from '../model/mod.ts';
import type { KernelServer } from './data-plane-state.ts';
import { startDrain } from './drain.ts';
import type { Drain } from './drain.ts';
import { flagsOf } from './plan-servers.ts';
import type { DrainPolicy, ServerWish } from './plan-types.ts';
import type { IpvsOperation } from './port.ts';
import type { Destination, VirtualServer } from './virtual-server.ts';

/** An operation, whom it is for, and the drain that a destination edited by it has then. */
export interface BookedOperation {
  readonly operation: IpvsOperation;
  readonly service: ServiceKey;
  readonly drain: Drain | null;
}

export interface ServerDiff {
  /** What adds or strengthens: to be done before anything is sent there. */
  readonly raise: readonly BookedOperation[];
  /** What weakens or removes: to be done after. */
  readonly lower: readonly BookedOperation[];
}

export interface DiffFacts {
  readonly service: ServiceKey;
  /** What schedules: the wish's scheduler or, where the kernel lacks it, its fall-back. */
  readonly scheduler: string;
  /** For a server that no wish has spoken of since the start. */
  readonly policy: DrainPolicy;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const nothing: ServerDiff = { raise: [], lower: [] };

/**
 * What leads from a server in the kernel to the wish. A server is edited in place and a destination that comes back
 * gets its weight back, so that flows survive (specification 11.3). Servers of others give nothing.
 */
export function diffServer(wish: ServerWish | null, have: KernelServer | undefined, facts: DiffFacts): ServerDiff {
  if (have?.owner === 'foreign') return nothing;
  if (wish === null) return have === undefined || have.owner === 'adoptable' ? nothing : diffUnwanted(have, facts);
  const raise: BookedOperation[] = [];
  const server = buildServer(wish, facts.scheduler);
  const book = bookFor(facts.service);
  if (have === undefined) raise.push(book({ verb: 'add-server', server }));
  else if (!isDeepStrictEqual(have.server, server)) raise.push(book({ verb: 'edit-server', server }));
  const lower: BookedOperation[] = [];
  for (const [key, destination] of wish.destinations) {
    const known = have?.destinations.get(key)?.destination;
    if (known === undefined) raise.push(book({ verb: 'add-destination', key: wish.key, destination }));
    else if (!isDeepStrictEqual(known, destination)) {
      const list = destination.weight < known.weight ? lower : raise;
      list.push(book({ verb: 'edit-destination', key: wish.key, destination }));
    }
  }
  if (have !== undefined) lower.push(...diffLeaving(have, facts, wish));
  return { raise, lower };
}

/** The server goes with its last destination; until then it holds them at weight 0. */
function diffUnwanted(have: KernelServer, facts: DiffFacts): ServerDiff {
  const { milliseconds } = have.policy ?? facts.policy;
  if (milliseconds > 0 && have.destinations.size > 0) return { raise: [], lower: diffLeaving(have, facts, null) };
  return { raise: [], lower: [bookFor(facts.service)({ verb: 'delete-server', key: have.server.key })] };
}

function diffLeaving(have: KernelServer, facts: DiffFacts, wish: ServerWish | null): BookedOperation[] {
  const policy = wish?.drain ?? have.policy ?? facts.policy;
  const book = bookFor(facts.service);
  const { key } = have.server;
  const operations: BookedOperation[] = [];
  for (const [text, { destination, drain }] of have.destinations) {
    if (wish?.destinations.has(text) === true) continue;
    if (policy.milliseconds === 0) operations.push(book({ verb: 'delete-destination', key, destination: keyOf(destination) }));
    else if (drain === null || destination.weight !== 0) {
      operations.push({
        ...book({ verb: 'edit-destination', key, destination: { ...destination, weight: 0 } }),
        drain: drain ?? startDrain(policy, facts.now),
      });
    }
  }
  return operations;
}

function bookFor(service: ServiceKey): (operation: IpvsOperation) => BookedOperation {
  return (operation) => ({ operation, service, drain: null });
}

function keyOf({ address, port }: Destination): Pick<Destination, 'address' | 'port'> {
  return { address, port };
}

function buildServer({ key, schedulerFlags, persistence, onePacket }: ServerWish, scheduler: string): VirtualServer {
  return {
    key,
    scheduler,
    schedulerFlags: flagsOf(scheduler, schedulerFlags),
    persistence,
    onePacket,
    persistenceEngine: null,
  };
}
