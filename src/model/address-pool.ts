import type { Address } from './address.ts';
import type { Prefix } from './prefix.ts';

/** Addresses from `first` to `last`, both included and of one family. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/** Addresses that Services of our class may get. */
export interface AddressPool {
  readonly name: string;
  /**
   * Of a prefix that has room for them the lowest and, for IPv4, the highest address are not given out: they may be the network's
   * and its broadcast address, or the anycast address of its routers (RFC 4291 2.6.1). A range is used as it is.
   */
  readonly addresses: readonly (Prefix | AddressRange)[];
  /** False: only Services that name the pool, or one of its addresses, get an address of it. */
  readonly autoAssign: boolean;
}

/** What a Service asks of the allocator of addresses. */
export interface AddressRequest {
  /** `waypost.dev/addresses`, else `spec.loadBalancerIP`; of one family the first counts. */
  readonly addresses: readonly Address[];
  /** `waypost.dev/sharing-key`: Services with the same key that ask for the same address may have it, as long as no port is of both. */
  readonly sharingKey: string | null;
  /** `waypost.dev/address-pool`. */
  readonly pool: string | null;
}

/** The request of nearly all Services. */
export const noAddressRequest: AddressRequest = { addresses: [], sharingKey: null, pool: null };
