import type { Outcome } from '../model/mod.ts';
import type { AddressStoreOptions, AddressStores } from './address-stores.ts';

/** The stores of the allocator on an API server. Loaded on demand, for the reason of `openClusterSource`. */
export async function openAddressStores(options: AddressStoreOptions): Promise<Outcome<AddressStores>> {
  const { createAddressStores } = await import('./address-stores.ts');
  return createAddressStores(options);
}
