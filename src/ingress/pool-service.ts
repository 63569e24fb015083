import { families, noAddressRequest } from '../model/mod.ts';
import type { Address, AddressRequest, Family, PortRange, ServiceKey, ServiceRecord } from '../model/mod.ts';

/** A Service as the allocator sees it. */
export interface PoolService {
  readonly key: ServiceKey;
  readonly uid: string;
  readonly createdAt: number;
  /** Of type LoadBalancer and of our class: it is to have addresses. */
  readonly ours: boolean;
  /** Of which it is to have one address each. */
  readonly families: readonly Family[];
  /** The addresses of its status. */
  readonly status: readonly Address[];
  readonly ports: readonly PortRange[];
  readonly request: AddressRequest;
}

/** Null for a Service that neither wants nor has an address. One without uid cannot be told from its successor of the same name. */
export function describePoolService(record: ServiceRecord, className: string): PoolService | null {
  const { key, uid, createdAt, clusterIps, loadBalancer } = record;
  const ours = isOurs(record, className);
  if (uid === '' || (!ours && loadBalancer.length === 0)) return null;
  return {
    key,
    uid,
    createdAt,
    ours,
    families: families.filter((family) => clusterIps[family] !== undefined),
    status: [...new Set(loadBalancer.map((ingress) => ingress.address))],
    ports: [
      ...record.ports.map(({ protocol, port }) => ({ protocol, first: port, last: port })),
      ...(record.publishing?.portRanges ?? []),
    ],
    request: record.addressRequest ?? noAddressRequest,
  };
}

/** True for what the allocator of this class has to serve. */
export function isOurs(
  service: { readonly type: string; readonly loadBalancerClass: string | null },
  className: string,
): boolean {
  return service.type === 'LoadBalancer' && service.loadBalancerClass === className;
}

/** Older first; of the same second by uid, so that every agent decides alike. */
export function compareAge(a: PoolService, b: PoolService): number {
  return a.createdAt - b.createdAt || (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0);
}

/** True if both may have this address at once: they asked for it, with the same key, and no port is of both. */
export function maySharePool(a: PoolService, b: PoolService, address: Address): boolean {
  const { sharingKey } = a.request;
  if (sharingKey === null || sharingKey !== b.request.sharingKey) return false;
  if (!a.request.addresses.includes(address) || !b.request.addresses.includes(address)) return false;
  return !a.ports.some((one) =>
    b.ports.some((other) => one.protocol === other.protocol && one.first <= other.last && other.first <= one.last),
  );
}
