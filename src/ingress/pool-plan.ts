import { familyOf } from '../model/mod.ts';
import type { Address, AddressPool, Family, PublishNotice } from '../model/mod.ts';
import { ClaimBook } from './pool-claims.ts';
import { PoolShelf } from './pool-shelf.ts';
import { compareAge } from './pool-service.ts';
import type { PoolService } from './pool-service.ts';
import type { Table } from './pool-table.ts';

export interface PoolInput {
  /** In the order in which they are tried. */
  readonly pools: readonly AddressPool[];
  /** By uid: those that want an address and those that have one, of any class. */
  readonly services: ReadonlyMap<string, PoolService>;
  readonly table: Table;
}

export interface PoolPlan {
  /** Which addresses a Service is to have, by uid; of our class only. */
  readonly wishes: ReadonlyMap<string, readonly Address[]>;
  /** What owners should know as long as it is so. */
  readonly notices: readonly PublishNotice[];
}

/**
 * Who is to have which address. A Service keeps what it has, or what was reserved for it, as long as that is what it asks for;
 * of two that have the same, the older keeps it. Who has none gets the lowest that is free: then the addresses in use are the ones an
 * operator expects, and the choice needs no memory. It means that an address that was given back is the next to be given out.
 *
 * A Service that asks for another address keeps the old one until it can have the new one. An address that is in no pool any
 * more stays where it is, and is told of: taking it would cut off clients for a slip in a configuration.
 */
export function planPool(input: PoolInput): PoolPlan {
  const shelf = new PoolShelf(input.pools);
  const ours = [...input.services.values()].filter((service) => service.ours).toSorted(compareAge);
  const rows = claimRows(input);
  const taken = claimAll(input);
  const kept = new ClaimBook();
  const current = new Map<PoolService, Partial<Record<Family, Address>>>();
  for (const service of ours) {
    const found: Partial<Record<Family, Address>> = {};
    for (const family of service.families) {
      const address = chooseKept(hasOf(service, family, input.table, rows), service, kept, shelf);
      if (address === null) continue;
      found[family] = address;
      kept.claim(address, service.key, service);
    }
    current.set(service, found);
  }
  const wishes = new Map<string, readonly Address[]>();
  const notices: PublishNotice[] = [];
  for (const service of ours) {
    const wish: Address[] = [];
    for (const family of service.families) {
      const before = current.get(service)?.[family] ?? null;
      const choice = choose(service, family, before, shelf, taken);
      if (choice.address !== null) wish.push(choice.address);
      if (choice.notice !== null) notices.push(choice.notice);
    }
    wishes.set(service.uid, wish);
  }
  return { wishes, notices };
}

/** What the table holds. */
function claimRows({ services, table }: PoolInput): ClaimBook {
  const book = new ClaimBook();
  for (const [uid, row] of table) {
    for (const address of row.held) book.claim(address, row.key, services.get(uid) ?? null);
  }
  return book;
}

/** All that nobody else may have: what the table holds, and what statuses show, of whatever class. */
function claimAll(input: PoolInput): ClaimBook {
  const book = claimRows(input);
  for (const service of input.services.values()) {
    for (const address of service.status) book.claim(address, service.key, service);
  }
  return book;
}

/** What a Service has of a family. What somebody wrote into its status does not count against the row of another Service. */
function hasOf(service: PoolService, family: Family, table: Table, rows: ClaimBook): readonly Address[] {
  const reserved = table.get(service.uid)?.held ?? [];
  const shown = service.status.filter((address) => reserved.includes(address) || rows.obstacle(address, service) === null);
  return [...shown, ...reserved].filter((address) => familyOf(address) === family);
}

/** What a Service may keep of what it has: what it asks for comes first. */
function chooseKept(has: readonly Address[], service: PoolService, kept: ClaimBook, shelf: PoolShelf): Address | null {
  const free = has.filter((address) => kept.obstacle(address, service) === null);
  return free.find((address) => isAsked(service, address, shelf)) ?? free[0] ?? null;
}

function isAsked({ request }: PoolService, address: Address, shelf: PoolShelf): boolean {
  const asked = request.addresses.find((other) => familyOf(other) === familyOf(address));
  if (asked !== undefined) return asked === address;
  if (request.pool === null) return true;
  const pool = shelf.poolOf(address, null);
  return pool === null || shelf.poolOf(address, request.pool) !== null;
}

interface Choice {
  readonly address: Address | null;
  readonly notice: PublishNotice | null;
}

function choose(service: PoolService, family: Family, before: Address | null, shelf: PoolShelf, taken: ClaimBook): Choice {
  if (before !== null && isAsked(service, before, shelf)) {
    const outside = shelf.poolOf(before, null) === null;
    const message = `${before} is in no pool any more; the Service keeps it until it asks for another`;
    return { address: before, notice: outside ? { service: service.key, reason: 'AddressOutsidePools', message } : null };
  }
  const found = find(service, family, shelf, taken);
  if ('reason' in found) {
    const instead = before === null ? '' : `; the Service keeps ${before}`;
    const notice = { service: service.key, reason: found.reason, message: `${found.message}${instead}` };
    return { address: before, notice };
  }
  taken.claim(found.address, service.key, service);
  return { address: found.address, notice: null };
}

type Found = { readonly address: Address } | Pick<PublishNotice, 'reason' | 'message'>;

function find(service: PoolService, family: Family, shelf: PoolShelf, taken: ClaimBook): Found {
  const { addresses, pool } = service.request;
  if (pool !== null && !shelf.has(pool)) return { reason: 'AddressRefused', message: `there is no address pool "${pool}"` };
  const asked = addresses.find((address) => familyOf(address) === family);
  if (asked !== undefined) return judgeAsked(service, asked, shelf, taken);
  const address = shelf.lowestFree(family, pool, (one) => taken.obstacle(one, service) === null);
  if (address !== null) return { address };
  const where = pool === null ? 'the pools that give addresses to everyone have' : `the address pool "${pool}" has`;
  return { reason: 'AddressesExhausted', message: `${where} no free ${family} address` };
}

function judgeAsked(service: PoolService, asked: Address, shelf: PoolShelf, taken: ClaimBook): Found {
  const { pool } = service.request;
  if (shelf.poolOf(asked, pool) === null) {
    const where = pool === null ? 'in no address pool' : `not in the address pool "${pool}"`;
    return { reason: 'AddressRefused', message: `${asked} is ${where}` };
  }
  const obstacle = taken.obstacle(asked, service);
  return obstacle === null ? { address: asked } : { reason: 'AddressRefused', message: `${asked} is in use by ${obstacle}` };
}
