import type { PortRange, ServiceKey } from '../model/mod.ts';
import type { Tell } from './notice-board.ts';
import { nameOf, nameOfRange, whyNotKept } from './port-target.ts';
import type { TargetContext } from './port-target.ts';
import { joinBackends } from './published-port.ts';
import type { PublishedPort } from './published-port.ts';

/** Ports that share one mark. */
export interface Group {
  /** `<namespace/name>#all`, `<namespace/name>#TCP/80` or `<namespace/name>#TCP/40000-40100`. */
  readonly name: string;
  readonly ports: readonly PublishedPort[];
  readonly ranges: readonly PortRange[];
  /** Back ends are given without a port: packets have the right one already. */
  readonly keepsPorts: boolean;
  /** How a client meets the same back end again. `hash`: by the place that its address has in a hash scheduler. */
  readonly affinity: 'none' | 'persistence' | 'hash';
}

export interface Grouping {
  readonly groups: readonly Group[];
  /** Ports that no mark can serve as asked. */
  readonly byAddress: readonly PublishedPort[];
}

/** What a Service asks of its marks. */
export interface GroupWish extends TargetContext {
  readonly service: ServiceKey;
  /** Those of the published ports that marks are wanted for. */
  readonly ports: readonly PublishedPort[];
  readonly scope: 'port' | 'service';
  readonly persistent: boolean;
  /** Mode `dsr`: other nodes translate ports, so none is rewritten, and a hash of the client can stand in for persistence. */
  readonly direct: boolean;
}

/**
 * Ports to groups (specification of ingress, 6). Persistence ignores the ports of back ends, and a group of several ports
 * has no one port of them: there packets keep their port, or get the right one before. Where that cannot be, the group is
 * split, and what still cannot be is served by address.
 */
export function groupPorts(wish: GroupWish, tell: Tell): Grouping {
  const { service, ports, ranges, scope, persistent } = wish;
  if (ports.length === 0 && ranges.length === 0) return { groups: [], byAddress: [] };
  const keepsPorts = persistent || ports.length > 1 || ranges.length > 0;
  const affinity = persistent ? 'persistence' : 'none';
  if (scope === 'service') {
    const reason = keepsPorts ? whyNotShared(wish) : null;
    if (reason === null) return { groups: [{ name: `${service}#all`, ports, ranges, keepsPorts, affinity }], byAddress: [] };
    tell('AffinityScopeReduced', `annotation waypost.dev/affinity-scope: each port is on its own, because ${reason}`);
  }
  const single = ports.map((port) => groupAlone(wish, port, tell));
  const groups = single.flatMap((group) => (group === null ? [] : [group]));
  const alone = ranges.map((range): Group => {
    return { name: `${service}#${nameOfRange(range)}`, ports: [], ranges: [range], keepsPorts: true, affinity };
  });
  return { groups: [...groups, ...alone], byAddress: ports.filter((_, at) => single[at] === null) };
}

function whyNotShared(wish: GroupWish): string | null {
  for (const port of wish.ports) {
    const reason = whyNotKept(port, wish);
    if (reason !== null) return reason;
  }
  const lists = wish.ports.map(({ cluster }) => cluster.backends);
  const serves = lists.every((list) => list.length > 0) && lists.length > 1;
  return serves && joinBackends(lists).length === 0 ? 'no back end serves all of them' : null;
}

/** The group of one port, or null where no mark can do it. */
function groupAlone(wish: GroupWish, port: PublishedPort, tell: Tell): Group | null {
  const { service, persistent, direct } = wish;
  const alone = { name: `${service}#${nameOf(port)}`, ports: [port], ranges: [] };
  if (!persistent) return { ...alone, keepsPorts: false, affinity: 'none' };
  const reason = whyNotKept(port, wish);
  if (reason === null) return { ...alone, keepsPorts: true, affinity: 'persistence' };
  const instead = direct
    ? 'a hash of the client picks the back end in place of a memory'
    : 'it is served by address with the session affinity of the Service itself';
  tell('AffinityScopeReduced', `${nameOf(port)}: ${instead}, because ${reason}`);
  return direct ? { ...alone, keepsPorts: false, affinity: 'hash' } : null;
}
