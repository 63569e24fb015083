import type { Address } from '../model/mod.ts';
import type { Name } from './name.ts';
import { packAddress } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import type { Lease } from './zone-contract.ts';
import { endlessLease } from './zone-lease.ts';
import { findPart, nameOf } from './zone-part.ts';
import { below } from './zone-records.ts';
import type { ZoneStore } from './zone-store.ts';

export interface NameServerOptions {
  /** Where this resolver listens. */
  readonly serverAddresses: readonly Address[];
  /** The Service that this resolver is; null where it is none. */
  readonly selfService: { readonly namespace: string; readonly name: string } | null;
}

export interface NameServer {
  readonly name: Name;
  readonly addresses: readonly RawAddress[];
  readonly lease: Lease;
  readonly because: string;
}

const plain = { wildcards: false, zonal: false, ignoreEmptyService: false };

/** Who the NS record of the apex names, and what `ns.dns` resolves to (specification 3.8). */
export function findNameServer(store: ZoneStore, options: NameServerOptions, domain: Name): NameServer {
  const { selfService: self } = options;
  const service = self === null ? undefined : store.namespace(self.namespace)?.services.get(self.name);
  const part = service === undefined ? null : findPart(service, [], plain, false);
  const name = service === undefined ? null : below([service.name, service.namespace.name, 'svc'], domain);
  const lease = self === null ? endlessLease : store.moment.lease;
  if (service !== undefined && part !== null && name !== null) {
    return { name, addresses: part.addresses, lease, because: nameOf(service) };
  }
  const addresses = options.serverAddresses.map(packAddress);
  return { name: below(['ns', 'dns'], domain) ?? domain, addresses, lease, because: 'the addresses it listens on' };
}
