import { fail, succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import type { NetworkInterface } from './codec-link.ts';
import type { Neighbour, NeighbourPort, ProxyNeighbour } from './neighbour-port.ts';

/** Neighbours and proxy entries in memory that treat changes as the kernel does. */
export interface FakeNeighbours extends NeighbourPort {
  setInterface(link: NetworkInterface): void;
  /** Somebody on the link who answers when he is looked for; known only then. */
  addHost(host: Neighbour): void;
  /** The interface goes down, and its entries go with it. */
  takeDown(index: number): void;
  /** While set, every call meets it. */
  problem: Problem | null;
}

/** Without interfaces. */
export function createFakeNeighbours(family: Family): FakeNeighbours {
  const links = new Map<number, NetworkInterface>();
  const proxies = new Map<string, ProxyNeighbour>();
  const hosts = new Map<string, Neighbour>();
  const known = new Map<string, Neighbour>();
  const keyOf = ({ index, address }: Pick<Neighbour, 'index' | 'address'>): string => `${index} ${address}`;
  const fake: FakeNeighbours = {
    family,
    problem: null,
    setInterface: (link) => void links.set(link.index, link),
    addHost: (host) => void hosts.set(keyOf(host), host),
    listNeighbours: async () => say([...known.values()]),
    async useNeighbours(used) {
      for (const one of used) known.set(keyOf(one), hosts.get(keyOf(one)) ?? { ...one, link: null });
      return say(undefined);
    },
    takeDown(index) {
      const link = links.get(index);
      if (link !== undefined) links.set(index, { ...link, running: false });
      for (const [key, proxy] of proxies) if (proxy.index === index) proxies.delete(key);
    },
    listProxies: async () => say([...proxies.values()]),
    listInterfaces: async () => say([...links.values()]),
    async changeProxies(add, remove) {
      if (fake.problem !== null) return { ok: false, problem: fake.problem };
      const first = add.find(({ index }) => !links.has(index));
      for (const proxy of add) if (links.has(proxy.index)) proxies.set(keyOf(proxy), proxy);
      for (const proxy of remove) proxies.delete(keyOf(proxy));
      return first === undefined
        ? succeed(undefined)
        : fail('WP_NETLINK_REFUSED', `the kernel refused to add ${first.address}: ENODEV`);
    },
    close: () => {},
  };
  const say = <T>(value: T): Outcome<T> => (fake.problem === null ? succeed(value) : { ok: false, problem: fake.problem });
  return fake;
}
