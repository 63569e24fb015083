import { isLoopback, markOfServer, prefixContains, sideKey } from '../model/mod.ts';
import type { Address, Family, Protocol, SideClient, SideDecision, SideEntry, SideSettings, StickyEntry } from '../model/mod.ts';
import type { Route, RoutingRule } from '../netlink/mod.ts';
import { serverKeyText } from './virtual-server.ts';
import type { ServerKey, VirtualServer, Destination } from './virtual-server.ts';

/** What one family of a node holds that decides about packets. */
export interface TracedNode {
  readonly entries: ReadonlyMap<string, SideEntry>;
  readonly settings: SideSettings;
  /** By `serverKeyText`. */
  readonly servers: ReadonlyMap<string, VirtualServer & { readonly destinations: readonly Destination[] }>;
  readonly routes: readonly Route[];
  readonly rules: readonly RoutingRule[];
  /** Addresses of the node's interfaces. */
  readonly localAddresses: ReadonlySet<Address>;
}

/** The first packet of a connection, of a client that nothing is remembered of. */
export interface TracedPacket {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly port: number;
  /** Null: sent by a process of the node. */
  readonly inInterface: string | null;
  /** Link-layer address of who sent it, as in a `PeerEntry`; absent: none that counts. */
  readonly link?: string;
}

export type TracedEnd =
  /** `masquerade`: the back end sees an address of the node. A back end that is another node gets the packet as it came. */
  | { readonly verdict: 'forward'; readonly address: Address; readonly port: number; readonly masquerade: boolean }
  | { readonly verdict: 'reject' | 'drop' }
  /** Delivered to a socket of the node, as it is. */
  | { readonly verdict: 'local' }
  /** Goes on to where it was going. */
  | { readonly verdict: 'leaves' };

const localTable = 255;

/**
 * Every end that a packet can have, worked out from what the kernel holds, without a kernel: side rules by their meaning,
 * IPVS as it looks up servers (specification 1.1 and 2).
 */
export function traceNode(node: TracedNode, sent: TracedPacket): readonly TracedEnd[] {
  const packet = rewrite(node, sent);
  if (packet === null) return [{ verdict: 'reject' }];
  if (packet.inInterface === null && isLoopback(packet.destination) && packet.family === 'IPv4') {
    const ends = traceLoopback(node, packet);
    if (ends !== null) return ends;
  }
  if (packet.inInterface !== null && !isDelivered(node, packet)) return [{ verdict: 'leaves' }];
  const decision = decide(node, packet);
  if (decision === 'drop') return [{ verdict: 'drop' }];
  if (decision === null) return balance(node, packet, null, false);
  switch (decision.verdict) {
    case 'reject':
    case 'drop':
      return [{ verdict: decision.verdict }];
    case 'balance': {
      const { server, masquerade } = decision;
      return balance(node, packet, markOfServer(server, masquerade), masquerade);
    }
    case 'mark':
      return balance(node, packet, decision.mark, isMasqueraded(node, decision.mark));
    case 'sticky':
      return [...new Set(groupOf(node, decision.group).servers)].flatMap((server) =>
        balance(node, packet, markOfServer(server, decision.masquerade), decision.masquerade),
      );
  }
}

/**
 * The packet with the port that it gets before anything tracks it; null if it asks for that port itself, which is no port of
 * clients. Another node that sends a packet on has rewritten it already.
 */
function rewrite(node: TracedNode, packet: TracedPacket): TracedPacket | null {
  const { destination: address, protocol, port } = packet;
  const found = node.entries.get(sideKey({ kind: 'rewrite', address, protocol, port, to: 0, direct: false }));
  if (found?.kind === 'rewrite') return { ...packet, port: found.to };
  const isGiven = node.entries
    .values()
    .some(
      (one) => one.kind === 'rewrite' && one.address === address && one.protocol === protocol && one.to === port && !one.direct,
    );
  return isGiven && classify(node, packet) !== 'peer' ? null : packet;
}

function isMasqueraded({ entries }: TracedNode, mark: number): boolean {
  const lane = entries.get(sideKey({ kind: 'lane', mark, masquerade: false }));
  if (lane?.kind !== 'lane') throw new Error(`a decision names mark ${mark}, which has no lane`);
  return lane.masquerade;
}

/** Whether routing leads the packet to the node itself. */
function isDelivered({ entries, rules, routes, settings, localAddresses }: TracedNode, packet: TracedPacket): boolean {
  const { destination: address, protocol, port } = packet;
  if (localAddresses.has(address)) return true;
  const captured = findPlace(entries, { kind: 'capture', address, protocol, port }) !== null;
  const bit = 2 ** settings.captureBit;
  const marked = rules.filter(({ mark }) => captured && mark !== null && mark.mask === bit && mark.value === bit);
  const tables = new Set([localTable, ...marked.map(({ table }) => table)]);
  return routes.some(
    ({ table, type, destination }) => type === 'local' && tables.has(table) && prefixContains(destination, address),
  );
}

function decide(node: TracedNode, packet: TracedPacket): SideDecision | 'drop' | null {
  const { entries } = node;
  const { destination: address, protocol, port, source } = packet;
  const restricted = findPlace(entries, { kind: 'restricted', address, protocol, port });
  if (restricted !== null) {
    const allowed = [...entries.values()].some(
      (entry) =>
        entry.kind === 'source' &&
        entry.address === address &&
        entry.protocol === protocol &&
        entry.port <= port &&
        port <= (entry.lastPort ?? entry.port) &&
        prefixContains(entry.prefix, source),
    );
    if (!allowed) return 'drop';
  }
  const client = classify(node, packet);
  const found = findDecision(entries, client, address, packet);
  if (found !== null) return found;
  return acceptsNodePorts(node, address) ? findDecision(entries, client, null, packet) : null;
}

function findDecision(
  entries: TracedNode['entries'],
  client: SideClient,
  address: Address | null,
  { protocol, port }: TracedPacket,
): SideDecision | null {
  const entry = findPlace(entries, { kind: 'decision', client, address, protocol, port, decision: { verdict: 'drop' } });
  return entry?.kind === 'decision' ? entry.decision : null;
}

type Placed = Extract<SideEntry, { readonly kind: 'decision' | 'capture' | 'restricted' }>;

/** The entry of that kind for a port: its own, or that of a range with it. */
function findPlace(entries: TracedNode['entries'], about: Placed): SideEntry | null {
  const own = entries.get(sideKey(about));
  if (own !== undefined) return own;
  const hasPort = (entry: SideEntry): boolean =>
    entry.kind === about.kind &&
    (entry.kind !== 'decision' || about.kind !== 'decision' || entry.client === about.client) &&
    entry.address === about.address &&
    entry.protocol === about.protocol &&
    entry.port <= about.port &&
    about.port <= (entry.lastPort ?? entry.port);
  return entries.values().find(hasPort) ?? null;
}

function classify({ settings, entries }: TracedNode, { inInterface, source, link }: TracedPacket): SideClient {
  const { podTraffic, tunnelDevices } = settings;
  if (inInterface === null) return 'node';
  const isKnown = (entry: SideEntry): boolean => entry.kind === 'peer' && entry.link !== null && entry.link === link;
  if (tunnelDevices.includes(inInterface) || (link !== undefined && entries.values().some(isKnown))) return 'peer';
  const isPod =
    (podTraffic.kind === 'source' && prefixContains(podTraffic.prefix, source)) ||
    (podTraffic.kind === 'interface' && inInterface === podTraffic.name) ||
    (podTraffic.kind === 'interface-prefix' && inInterface.startsWith(podTraffic.prefix));
  return isPod ? 'pod' : 'outside';
}

function acceptsNodePorts({ settings, localAddresses, entries }: TracedNode, address: Address): boolean {
  const { nodePorts } = settings;
  if (nodePorts.kind === 'listed') return nodePorts.addresses.includes(address);
  return localAddresses.has(address) && !isLoopback(address) && !isProtected(entries, address);
}

function isProtected(entries: TracedNode['entries'], address: Address): boolean {
  return [...entries.values()].some((entry) => entry.kind === 'protected' && prefixContains(entry.prefix, address));
}

function groupOf({ entries }: TracedNode, group: number): StickyEntry {
  const entry = entries.get(`sticky/${group}`);
  if (entry?.kind !== 'sticky') throw new Error(`a decision names group ${group}, which does not exist`);
  return entry;
}

/** A server of the mark, else one of the address, else nobody. */
function balance(node: TracedNode, packet: TracedPacket, mark: number | null, masquerade: boolean): readonly TracedEnd[] {
  const { family, destination: address, protocol, port, source } = packet;
  const keys: ServerKey[] = [
    ...(mark === null ? [] : [{ kind: 'mark', family, mark } as const]),
    { kind: 'address', protocol, address, port },
  ];
  const server = keys.map((key) => node.servers.get(serverKeyText(key))).find((found) => found !== undefined);
  if (server === undefined) return [endUntaken(node, packet)];
  const usable = server.destinations.filter(({ weight }) => weight > 0);
  if (usable.length === 0) return [{ verdict: 'reject' }];
  const keepsPort = server.key.kind === 'mark' && server.persistence !== null;
  return usable.map((destination) => ({
    verdict: 'forward',
    address: destination.address,
    port: keepsPort || destination.port === 0 ? port : destination.port,
    masquerade: masquerade || (destination.address === source && node.entries.has(sideKey({ kind: 'hairpin', address: source }))),
  }));
}

function endUntaken(node: TracedNode, packet: TracedPacket): TracedEnd {
  if (!isDelivered(node, packet)) return { verdict: 'leaves' };
  return { verdict: isProtected(node.entries, packet.destination) ? 'reject' : 'local' };
}

/** Null where no node port is served on the loopback addresses. */
function traceLoopback({ entries }: TracedNode, { protocol, port }: TracedPacket): readonly TracedEnd[] | null {
  const entry = entries.get(sideKey({ kind: 'loopback', protocol, port, targets: [] }));
  if (entry?.kind !== 'loopback') return null;
  if (entry.targets.length === 0) return [{ verdict: 'reject' }];
  return entry.targets.map((target) => ({ verdict: 'forward', ...target, masquerade: true }));
}
