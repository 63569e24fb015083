import type { Address } from './address.ts';
import type { Family } from './family.ts';
import type { Outcome } from './outcome.ts';
import type { Protocol } from './port.ts';

/**
 * The vocabulary in which a packet is followed through what a kernel holds. Rooms that know a part of the kernel (rules,
 * maps, virtual servers) offer it as {@link TraceStage}s; whoever knows routing and the order of hooks walks a packet
 * through them. Neither knows the other.
 */

/** Where the kernel calls packet filters, in its own words (`NF_INET_*`). */
export type TraceHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** The first packet of a connection, or a datagram. */
export interface TracedPacket {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
}

/** What connection tracking says of the packet. */
export interface TracedConnection {
  /** `none`: it has not looked yet; rules that ask then are told `invalid`. */
  readonly state: 'none' | 'untracked' | 'new' | 'established';
  /** The packet as tracking saw it first. */
  readonly original: TracedPacket;
  /** Ends that were translated. */
  readonly translated: { readonly destination: boolean; readonly source: boolean };
  /** Ends that no chain of type nat is asked about any more: once for a connection. */
  readonly settled: { readonly destination: boolean; readonly source: boolean };
}

/** A packet on its way, in one of the ways that chance leaves open. */
export interface PacketWorld {
  readonly packet: TracedPacket;
  readonly mark: number;
  /** Empty where the packet did not come from a device, or goes to none. */
  readonly inDevice: string;
  readonly outDevice: string;
  /** Link-layer address of who sent it (`aa:bb:cc:dd:ee:ff`), where that is known. */
  readonly link: string | null;
  readonly connection: TracedConnection;
  /** Its way out is chosen once more when it has passed OUTPUT. */
  readonly reroute: boolean;
  /** A balancer has sent it on: none takes it again. */
  readonly balanced: boolean;
  /** A balancer has sent it on as it came, to this address: another node, or a back end that knows the address. */
  readonly via: Address | null;
  /** What rules remember of the client, by names that the rooms choose; `false`: taken out on the way. */
  readonly memory: ReadonlyMap<string, string | number | boolean>;
  /** 0 to 1; all ways add up to 1. */
  readonly probability: number;
  /** Rules compared so far. */
  readonly evaluated: number;
  readonly path: PathStep | null;
}

/** The steps of a way, last first. */
export interface PathStep {
  readonly step: TraceStep;
  readonly before: PathStep | null;
}

/** Something in the kernel that concerned the packet. */
export interface TraceStep {
  /** Null between hooks: routing. */
  readonly hook: TraceHook | null;
  /** Who decided: `iptables nat KUBE-SERVICES 3`, `nft ip waypost input 4`, `ipvs TCP 10.96.0.1:80`, `routing table 254`. */
  readonly place: string;
  /** The rule, route or server as its own tool prints it. */
  readonly text: string;
  readonly effects: readonly TraceEffect[];
}

/** What a step did. */
export type TraceEffect =
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'mark'; readonly mark: number }
  /** An element of a set or map, as the tool prints it. */
  | { readonly kind: 'found'; readonly set: string; readonly element: string }
  | { readonly kind: 'remember'; readonly set: string }
  | { readonly kind: 'notrack' }
  /** `chance`: of this one among those that the step leaves open, 0 to 1. */
  | { readonly kind: 'chance'; readonly chance: number }
  | { readonly kind: 'destination'; readonly address: Address; readonly port: number }
  | { readonly kind: 'source'; readonly address: Address; readonly port: number | null }
  /** `device` null: to this node itself. */
  | { readonly kind: 'route'; readonly device: string | null; readonly gateway: Address | null }
  | { readonly kind: 'unroutable'; readonly reason: string }
  /** Something that changes nothing of where the packet goes. */
  | { readonly kind: 'other'; readonly words: string }
  /** It is not known what the kernel does here; the walk went on as if the rule did not match. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface StageEnd {
  readonly world: PacketWorld;
  /** `balanced`: sent on by a balancer, which calls OUTPUT once more where the packet leaves the node. */
  readonly verdict: 'accept' | 'drop' | 'reject' | 'balanced';
}

/** What a stage may ask of the node. */
export interface TraceHost {
  readonly family: Family;
  /** The kernel's type of an address (`RTN_*`). */
  addressType(address: Address): 'local' | 'unicast' | 'unreachable';
  /** The address that masquerading gives to what leaves through a device; null where the node has none. */
  masqueradeAddress(destination: Address, outDevice: string): Address | null;
}

/** A part of the kernel that packets pass at a hook. */
export interface TraceStage {
  readonly hook: TraceHook;
  /** Lower ones come first; of equal ones the order is that of the list. */
  readonly priority: number;
  /** Only asked where an end of the connection is still open, and then at the place of translation among the hook's stages. */
  readonly nat: boolean;
  /** At OUTPUT: a new mark makes the kernel choose the way out once more. */
  readonly reroutes: boolean;
  /** Every way through; fails where there are more than can be told apart. */
  walk(world: PacketWorld, host: TraceHost): Outcome<readonly StageEnd[]>;
}

/** What is sent: by a process of the node where `inDevice` is null. */
export interface SentPacket extends Pick<PacketWorld, 'packet' | 'mark' | 'link' | 'memory'> {
  readonly inDevice: string | null;
}

/** A packet that nothing has looked at yet. */
export function startWorld({ packet, inDevice, mark, link, memory }: SentPacket): PacketWorld {
  return {
    packet,
    mark,
    inDevice: inDevice ?? '',
    outDevice: '',
    link,
    connection: {
      state: 'none',
      original: packet,
      translated: { destination: false, source: false },
      settled: { destination: false, source: false },
    },
    reroute: false,
    balanced: false,
    via: null,
    memory,
    probability: 1,
    evaluated: 0,
    path: null,
  };
}

/** The world after another step. */
export function addStep(world: PacketWorld, step: TraceStep): PacketWorld {
  return { ...world, path: { step, before: world.path } };
}

/** The world in which the connection's destination is this one; one that stays the same was not translated. */
export function translateDestination(world: PacketWorld, address: Address, port: number): PacketWorld {
  const { packet, connection } = world;
  const changed = packet.destination !== address || packet.destinationPort !== port;
  const translated = { ...connection.translated, destination: connection.translated.destination || changed };
  return {
    ...world,
    packet: { ...packet, destination: address, destinationPort: port },
    connection: { ...connection, translated },
  };
}

/** The world in which the connection's source is an address of the node; null where the node has none to give. */
export function masquerade(world: PacketWorld, host: TraceHost): PacketWorld | null {
  const { packet, connection, outDevice } = world;
  const source = host.masqueradeAddress(packet.destination, outDevice);
  if (source === null) return null;
  const translated = { ...connection.translated, source: true };
  return { ...world, packet: { ...packet, source }, connection: { ...connection, translated } };
}

/** Why there is none: the kernel drops the packet then (net/netfilter/nf_nat_masquerade.c). */
export function tellNoMasquerade({ outDevice }: PacketWorld, { family }: TraceHost): TraceEffect {
  return { kind: 'other', words: `the node has no ${family} address to masquerade as on ${outDevice}` };
}

/** The steps of a way in their order. */
export function stepsOf(world: Pick<PacketWorld, 'path'>): readonly TraceStep[] {
  const steps: TraceStep[] = [];
  for (let at = world.path; at !== null; at = at.before) steps.push(at.step);
  return steps.toReversed();
}
