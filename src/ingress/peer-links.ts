import { findLongest } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import type { Neighbour, NetworkInterface, Route } from '../netlink/mod.ts';

/** Another node, by one of its addresses. */
export interface LinkPeer {
  readonly node: string;
  readonly address: Address;
}

/** What the kernel knows of the surroundings in one family. */
export interface LinkFacts {
  readonly peers: readonly LinkPeer[];
  /** Those of the main table. */
  readonly routes: readonly Pick<Route, 'destination' | 'type' | 'device' | 'gateway'>[];
  readonly neighbours: readonly Neighbour[];
  readonly interfaces: readonly Pick<NetworkInterface, 'index' | 'name' | 'hardware'>[];
  /** What was known before: a kernel forgets neighbours that nothing is sent to. */
  readonly known: ReadonlyMap<Address, string>;
}

export interface LinkPlan {
  /** Link-layer addresses by which packets of peers are told from those of anybody else. */
  readonly links: ReadonlyMap<Address, string>;
  /** Whom the kernel has to be asked about. */
  readonly look: readonly Omit<Neighbour, 'link'>[];
  /** Peers that cannot be told from others, and why. Those that are merely not known yet are not among them. */
  readonly unfit: ReadonlyMap<Address, string>;
}

/**
 * Direct routing hands a packet on as it came: that a peer sent it, and not its client, can only be seen by the link-layer
 * address it came from. So peers have to be on a link of this node, with an address there that nobody shares with them: not
 * another node, and not the router through which clients come (as where a network answers for all its hosts).
 */
export function planLinks(facts: LinkFacts): LinkPlan {
  const { peers, neighbours, interfaces, known } = facts;
  const found = new Map(neighbours.map((one) => [`${one.index} ${one.address}`, one.link]));
  const indices = new Map(interfaces.flatMap(({ name, index, hardware }) => (hardware === null ? [] : [[name, index] as const])));
  const look: Omit<Neighbour, 'link'>[] = [];
  const unfit = new Map<Address, string>();
  const links = new Map<Address, string>();
  const ask = (address: Address, device: string | null): string | null => {
    const index = device === null ? undefined : indices.get(device);
    if (index === undefined) return null;
    look.push({ address, index });
    return found.get(`${index} ${address}`) ?? null;
  };
  const routes = facts.routes.filter(({ type }) => type === 'unicast');
  for (const { address } of peers) {
    const route = findLongest(routes, address);
    if (route === null || route.gateway !== null || !indices.has(route.device ?? '')) {
      unfit.set(address, 'it is on no Ethernet link of this node');
      continue;
    }
    const link = ask(address, route.device) ?? known.get(address) ?? null;
    if (link !== null) links.set(address, link);
  }
  const own = new Set(peers.map(({ address }) => address));
  const routers = new Set(
    facts.routes.flatMap(({ gateway, device }) => {
      const link = gateway === null || own.has(gateway) ? null : ask(gateway, device);
      return link === null ? [] : [link];
    }),
  );
  for (const [address, why] of findShared(peers, links, routers)) {
    links.delete(address);
    unfit.set(address, why);
  }
  return { links, look, unfit };
}

function findShared(
  peers: readonly LinkPeer[],
  links: ReadonlyMap<Address, string>,
  routers: ReadonlySet<string>,
): ReadonlyMap<Address, string> {
  const owners = new Map<string, Set<string>>();
  for (const { node, address } of peers) {
    const link = links.get(address);
    if (link !== undefined) owners.set(link, (owners.get(link) ?? new Set()).add(node));
  }
  const shared = new Map<Address, string>();
  for (const [address, link] of links) {
    if (routers.has(link)) shared.set(address, `a router has its link-layer address ${link} too`);
    else if ((owners.get(link)?.size ?? 0) > 1) shared.set(address, `another node has its link-layer address ${link} too`);
  }
  return shared;
}
