import { succeed } from '../model/mod.ts';
import type { LeaseStore, Outcome, ServiceStatusStore, TableStore } from '../model/mod.ts';
import { openCredentials } from './client-auth.ts';
import { systemClock } from './client-clock.ts';
import type { Clock } from './client-clock.ts';
import { createRateLimit } from './client-limit.ts';
import type { RequestObserver } from './client-seen.ts';
import { createHttpClient } from './driver-http.ts';
import { createLeaseClient } from './lease-client.ts';
import { createServiceStatusClient } from './service-status-client.ts';
import { createTableClient } from './table-client.ts';

export interface AddressStoreOptions {
  /** As for the source of the cluster's state. */
  readonly kubeconfig: string;
  readonly master: string;
  /** Of Services and the table; the Lease is never made to wait, or a busy leader would lose it. 0: no limit. */
  readonly qps: number;
  readonly burst: number;
  readonly userAgent: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the Lease and the table are. */
  readonly namespace: string;
  readonly leaseName: string;
  readonly observeRequest?: RequestObserver;
  readonly clock?: Clock;
}

/** What the allocator of addresses needs of the API server. */
export interface AddressStores {
  readonly lease: LeaseStore;
  readonly table: TableStore;
  readonly services: ServiceStatusStore;
  close(): void;
}

/** Opens nothing before the first request. Fails as the credentials do. */
export function createAddressStores(options: AddressStoreOptions): Outcome<AddressStores> {
  const credentials = openCredentials(options);
  if (!credentials.ok) return credentials;
  const clock = options.clock ?? systemClock;
  const client = createHttpClient(credentials.value, options);
  const limit = createRateLimit(options.qps, options.burst, () => clock.now());
  const access = { client, takeTurn: (signal: AbortSignal) => clock.sleep(limit(), signal) };
  const { namespace, leaseName } = options;
  return succeed({
    lease: createLeaseClient({ ...access, name: 'leases', takeTurn: async () => {} }, namespace, leaseName),
    table: createTableClient({ ...access, name: 'configmaps' }, namespace, `${leaseName}-addresses`),
    services: createServiceStatusClient({ ...access, name: 'services' }),
    close: () => client.close(),
  });
}
