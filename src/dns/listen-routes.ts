import { hostPrefix, prefixContains, succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import type { Route, RoutePort } from '../netlink/mod.ts';

/** Makes the addresses that the resolver listens on local to this node (specification 16.2), for one family. */
export interface ListenRoutes {
  /**
   * Just these addresses, those of the family. `source`: what processes of the node send from when they ask there, which
   * must not be the address of a Service; null while the node's own is unknown. An address that is local by a route of
   * somebody else, as all ClusterIPs are in IPVS mode, is left to that.
   */
  set(addresses: readonly Address[], source: Address | null): Promise<Outcome<void>>;
  /** Removes what is ours, and gives its addresses. */
  clear(): Promise<Outcome<readonly Address[]>>;
}

/** RTPROT_* of these routes: not that of the data plane's, which removes what it does not want. */
const ownProtocol = 88;
const localTable = 255;

export function createListenRoutes(port: RoutePort): ListenRoutes {
  const set = async (addresses: readonly Address[], source: Address | null): Promise<Outcome<void>> => {
    const listed = await port.listRoutes(localTable);
    if (!listed.ok) return listed;
    const { add, remove } = planRoutes(listed.value, addresses, source);
    return add.length + remove.length === 0 ? { ok: true, value: undefined } : await port.changeRoutes(add, remove);
  };
  const clear = async (): Promise<Outcome<readonly Address[]>> => {
    const listed = await port.listRoutes(localTable);
    if (!listed.ok) return listed;
    const { remove } = planRoutes(listed.value, [], null);
    const changed = remove.length === 0 ? succeed(undefined) : await port.changeRoutes([], remove);
    return changed.ok ? succeed(remove.map(({ destination }) => destination.address)) : changed;
  };
  return { set, clear };
}

function planRoutes(
  present: readonly Route[],
  addresses: readonly Address[],
  source: Address | null,
): { readonly add: readonly Route[]; readonly remove: readonly Route[] } {
  const ours = present.filter(({ protocol }) => protocol === ownProtocol);
  const others = present.filter(({ protocol, type }) => protocol !== ownProtocol && type === 'local');
  const isLocal = (address: Address): boolean => others.some(({ destination }) => prefixContains(destination, address));
  const wanted = [...new Set(addresses)].filter((address) => !isLocal(address)).map((address) => buildRoute(address, source));
  return {
    add: wanted.filter((route) => !ours.some((one) => isTo(one, route) && one.source === route.source)),
    remove: ours.filter((one) => !wanted.some((route) => isTo(one, route))),
  };
}

function isTo(one: Route, other: Route): boolean {
  return one.destination.address === other.destination.address && one.destination.length === other.destination.length;
}

function buildRoute(address: Address, source: Address | null): Route {
  return {
    destination: hostPrefix(address),
    table: localTable,
    type: 'local',
    device: 'lo',
    source,
    gateway: null,
    protocol: ownProtocol,
  };
}
