import type { Address } from './address.ts';
import type { NodePortAddresses, PodTraffic } from './data-plane.ts';
import type { Family } from './family.ts';
import type { ClientClass } from './frontend.ts';
import type { Outcome, Problem } from './outcome.ts';
import type { Protocol } from './port.ts';
import type { Prefix } from './prefix.ts';
import type { TunnelProtocol } from './peers.ts';

/**
 * Side rules: what a data plane that balances by other means (IPVS) needs of a packet filter besides: who is refused,
 * whose source is rewritten, which packets the node takes for itself, which virtual server a packet belongs to. They are
 * plain values, so that the room that wants them knows no packet filter and the room that writes them no Services.
 *
 * All packet marks that side rules use live in one range, see {@link markOfServer}.
 */

/** What becomes of a new connection, or of the first datagram, of one class of clients to one destination. */
export type SideDecision =
  /** Answered with ICMP port-unreachable. */
  | { readonly verdict: 'reject' }
  | { readonly verdict: 'drop' }
  /**
   * Left to the balancer under the mark {@link markOfServer}(server, masquerade). Server 0 belongs to no virtual server
   * of a mark: the balancer then goes by address and port.
   */
  | { readonly verdict: 'balance'; readonly server: number; readonly masquerade: boolean }
  /** Left to the balancer under the mark of a server that a {@link StickyEntry} of that group picks for the client. */
  | { readonly verdict: 'sticky'; readonly group: number; readonly masquerade: boolean }
  /** Left to the balancer under exactly this mark, which has a {@link LaneEntry}. */
  | { readonly verdict: 'mark'; readonly mark: number };

/** Besides clients: another node that sends on what its own clients sent to it. */
export type SideClient = ClientClass | 'peer';

/**
 * A decision for a destination; `address` null: every address that accepts node ports. With `lastPort` for the ports from
 * `port` to that one; where a single port has a decision of its own, that one counts. Ranges do not overlap each other.
 */
export interface DecisionEntry {
  readonly kind: 'decision';
  readonly client: SideClient;
  readonly address: Address | null;
  readonly protocol: Protocol;
  readonly port: number;
  readonly lastPort?: number;
  readonly decision: SideDecision;
}

/** A mark that decisions use which is none of {@link markLayout}: what has it when the balancer is done with it. */
export interface LaneEntry {
  readonly kind: 'lane';
  readonly mark: number;
  readonly masquerade: boolean;
}

/**
 * Packets to this port get the port `to` before anything tracks or balances them, and packets from there, when all else is
 * done, get `port` back; connection tracking and the balancer know `to` alone. Who asks for `to` itself is refused, unless
 * that is a port of clients too (`direct`).
 */
export interface RewriteEntry {
  readonly kind: 'rewrite';
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly to: number;
  readonly direct: boolean;
}

/**
 * Connections of TCP from this address announce segments of at most `size` octets, or with null of what their route takes:
 * for addresses whose clients get no word of a smaller path.
 */
export interface ClampEntry {
  readonly kind: 'clamp';
  readonly address: Address;
  readonly size: number | null;
}

/** Another node, which may send packets through a tunnel, or with its link-layer address (`aa:bb:cc:dd:ee:ff`) where given. */
export interface PeerEntry {
  readonly kind: 'peer';
  readonly address: Address;
  readonly link: string | null;
}

/**
 * The node takes packets to this destination for itself although the address is not local: before routing they get the
 * capture bit, and a routing rule that is not part of the side rules leads them to the local host.
 */
export interface CaptureEntry {
  readonly kind: 'capture';
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly lastPort?: number;
}

/** ICMP errors that belong to connections to this captured address are captured too, and echo requests if they are answered. */
export interface CaptureAddressEntry {
  readonly kind: 'capture-address';
  readonly address: Address;
}

/**
 * The address is of Services alone: what is about to be sent on to it, because nothing here took it, ends here. Routes to such an
 * address lead back to where the packet came from, or to a node that answers for it on its network.
 */
export interface ClosedEntry {
  readonly kind: 'closed';
  readonly address: Address;
}

/** Only sources that have a {@link SourceEntry} may start connections to this destination; any other is dropped. */
export interface RestrictedEntry {
  readonly kind: 'restricted';
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly lastPort?: number;
}

export interface SourceEntry {
  readonly kind: 'source';
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly lastPort?: number;
  readonly prefix: Prefix;
}

/** An address of a pod on this node: when a connection of its own is balanced back to it, the source is rewritten. */
export interface HairpinEntry {
  readonly kind: 'hairpin';
  readonly address: Address;
}

/**
 * Addresses of Services that are local to this node: what the balancer did not take of the packets to them is refused,
 * whatever sockets the node has, and they accept no node ports. Prefixes may overlap.
 */
export interface ProtectedEntry {
  readonly kind: 'protected';
  readonly prefix: Prefix;
}

/**
 * Picks a server for a client and remembers it for `timeoutSeconds` after the client's last new connection. All
 * decisions with the group share the memory. A remembered server that is not among `servers` any more is picked anew.
 * The memory survives every change of the entry but its removal.
 */
export interface StickyEntry {
  readonly kind: 'sticky';
  readonly group: number;
  readonly timeoutSeconds: number;
  /** Numbers of servers, each as often as its weight asks for; never empty. */
  readonly servers: readonly number[];
}

/** Connections from the node to this port of 127.0.0.0/8 are translated to one of the targets, and masqueraded. IPv4 only. */
export interface LoopbackEntry {
  readonly kind: 'loopback';
  readonly protocol: Protocol;
  readonly port: number;
  /** Each as often as its weight asks for; empty: refused. */
  readonly targets: readonly { readonly address: Address; readonly port: number }[];
}

/** Something to remember across restarts. No packet sees it. */
export interface RecordEntry {
  readonly kind: 'record';
  /** Up to 100 characters of printable ASCII, no quotes and no backslashes; unique. */
  readonly text: string;
}

export type SideEntry =
  | DecisionEntry
  | CaptureEntry
  | CaptureAddressEntry
  | ClosedEntry
  | RestrictedEntry
  | SourceEntry
  | HairpinEntry
  | ProtectedEntry
  | StickyEntry
  | LoopbackEntry
  | LaneEntry
  | RewriteEntry
  | ClampEntry
  | PeerEntry
  | RecordEntry;

/** What all side rules of a family share. */
export interface SideSettings {
  readonly podTraffic: PodTraffic;
  readonly nodePorts: NodePortAddresses;
  /** Bit 0-31 that asks for masquerade between the balancer and the end of the packet's way. */
  readonly masqueradeBit: number;
  /** Bit 0-31 between the arrival of a captured packet and its delivery. */
  readonly captureBit: number;
  /** Whether ICMP echo requests to addresses of Services are answered by this node or refused. */
  readonly echo: 'answer' | 'refuse';
  /**
   * An address of this node that answers in the place of captured ones, from which the node sends nothing; null: there
   * is none, and they answer no echo request. Of IPv4 only: an IPv6 node answers from any address it takes packets for.
   */
  readonly echoAddress: Address | null;
  /** What becomes of packets to a closed address that are about to be sent on. */
  readonly strays: 'drop' | 'reject';
  /** Devices through which peers send on what their clients sent; packets that come out of them are decided for `peer`. */
  readonly tunnelDevices: readonly string[];
  /** Protocol numbers, and with GUE a UDP port, that only peers may send here. */
  readonly tunnelProtocols: readonly TunnelProtocol[];
}

/** A change of the side rules: one transaction, all or nothing. */
export interface SideChange {
  readonly settings: SideSettings;
  /** Entries to be there, replacing those of the same key ({@link sideKey}). */
  readonly set: readonly SideEntry[];
  /** Keys of entries to go; absent ones are no failure. */
  readonly remove: readonly string[];
}

/** What came of a change. */
export interface SideReport {
  readonly problem: Problem | null;
  /** Elements and rules written or removed. */
  readonly operations: number;
  readonly bytes: number;
}

/** Everything of ours that the packet filter holds. */
export interface SideState {
  /** By {@link sideKey}. */
  readonly entries: ReadonlyMap<string, SideEntry>;
  /** Rules and chains are as `settings` of the last change asked for; false also before the first. */
  readonly intact: boolean;
}

/** The port through which side rules of one family reach a packet filter. Calls are never concurrent. */
export interface SideRules {
  readonly family: Family;
  /** Reads the kernel. What is in our table and is no entry counts as not intact, and the next `apply` removes it. */
  read(): Promise<Outcome<SideState>>;
  apply(change: SideChange): Promise<SideReport>;
  /** Removes everything, needing no earlier `read`. The value says what was removed. */
  cleanup(): Promise<Outcome<readonly string[]>>;
}

/** What makes an entry the same one: everything but what it says. */
export function sideKey(entry: SideEntry): string {
  switch (entry.kind) {
    case 'decision':
      return `decision/${entry.client}/${entry.address ?? '*'}/${entry.protocol}/${portsOf(entry)}`;
    case 'capture':
    case 'restricted':
      return `${entry.kind}/${entry.address}/${entry.protocol}/${portsOf(entry)}`;
    case 'source':
      return `source/${entry.address}/${entry.protocol}/${portsOf(entry)}/${entry.prefix.address}/${entry.prefix.length}`;
    case 'rewrite':
      return `rewrite/${entry.address}/${entry.protocol}/${entry.port}`;
    case 'clamp':
    case 'peer':
      return `${entry.kind}/${entry.address}`;
    case 'lane':
      return `lane/${entry.mark}`;
    case 'capture-address':
    case 'closed':
    case 'hairpin':
      return `${entry.kind}/${entry.address}`;
    case 'protected':
      return `protected/${entry.prefix.address}/${entry.prefix.length}`;
    case 'sticky':
      return `sticky/${entry.group}`;
    case 'loopback':
      return `loopback/${entry.protocol}/${entry.port}`;
    case 'record':
      return `record/${entry.text}`;
  }
}

function portsOf({ port, lastPort = port }: { readonly port: number; readonly lastPort?: number }): string {
  return lastPort === port ? String(port) : `${port}-${lastPort}`;
}

/**
 * The layout of our marks, `0x57` in the upper byte: bit 23 asks for masquerade, bit 22 means a sticky group in place of
 * a server, the rest is the number. They exist only between the packet filter's last look before the balancer and the
 * first one after it, so they meet no routing rule and nobody else's mark.
 */
export const markLayout = {
  prefix: 0x57000000,
  prefixMask: 0xff000000,
  masquerade: 0x00800000,
  sticky: 0x00400000,
  numberMask: 0x003fffff,
  /** Servers and groups have numbers from here to `numberMask`; those below are for verdicts. */
  firstNumber: 16,
} as const;

/** The exact mark of a virtual server, and with server 0 the mark of packets that go by address. Unsigned. */
export function markOfServer(server: number, masquerade: boolean): number {
  return (markLayout.prefix | (masquerade ? markLayout.masquerade : 0) | server) >>> 0;
}

/** The server and its masquerade lane of a mark, or null for a mark that is not one of our servers. */
export function serverOfMark(mark: number): { readonly server: number; readonly masquerade: boolean } | null {
  if ((mark & markLayout.prefixMask) >>> 0 !== markLayout.prefix || (mark & markLayout.sticky) !== 0) return null;
  const server = mark & markLayout.numberMask;
  return server < markLayout.firstNumber ? null : { server, masquerade: (mark & markLayout.masquerade) !== 0 };
}
