import { addStep, formatEndpoint, succeed } from '../model/mod.ts';
import type { Family, PacketWorld, StageEnd, TraceEffect, TraceHook, TraceStage, TraceStep } from '../model/mod.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { ListedDestination, ListedServer, ServerKey } from './virtual-server.ts';

/** Where IPVS takes packets of clients (net/netfilter/ipvs/ip_vs_core.c: `NF_IP_PRI_NAT_SRC - 1`, `NF_IP_PRI_NAT_DST + 2`). */
const hooks: readonly (readonly [hook: TraceHook, priority: number])[] = [
  ['input', 99],
  ['output', -98],
];

/** The virtual servers of one family as parts that packets pass. */
export function createServerStages(servers: readonly ListedServer[], family: Family): readonly TraceStage[] {
  const byKey = new Map(servers.map((server) => [serverKeyText(server.key), server]));
  return hooks.map(([hook, priority]) => ({
    hook,
    priority,
    nat: false,
    reroutes: false,
    walk: (world) => succeed(balance(world, hook, findServer(byKey, world, family))),
  }));
}

/** A server of the packet's mark, else one of its destination, as `ip_vs_service_find` looks. */
function findServer(
  byKey: ReadonlyMap<string, ListedServer>,
  { packet, mark }: PacketWorld,
  family: Family,
): ListedServer | null {
  const { protocol, destination: address, destinationPort: port } = packet;
  const keys: readonly ServerKey[] = [
    ...(mark === 0 ? [] : [{ kind: 'mark', family, mark } as const]),
    { kind: 'address', protocol, address, port },
  ];
  for (const key of keys) {
    const found = byKey.get(serverKeyText(key));
    if (found !== undefined) return found;
  }
  return null;
}

/** IPVS takes a packet once, and sends it to destinations that take new connections. */
function balance(world: PacketWorld, hook: TraceHook, server: ListedServer | null): readonly StageEnd[] {
  if (server === null || world.balanced) return [{ world, verdict: 'accept' }];
  const usable = server.destinations.filter(isUsable);
  if (usable.length === 0) {
    const said = server.destinations.length === 0 ? 'has no destination' : 'has no destination that takes new connections';
    const step: TraceStep = {
      hook,
      place: `ipvs ${serverKeyText(server.key)}`,
      text: renderServer(server),
      effects: [
        { kind: 'other', words: `the virtual server ${said}` },
        { kind: 'reject', with: 'port-unreachable' },
      ],
    };
    return [{ world: addStep(world, step), verdict: 'reject' }];
  }
  const shares = sharesOf(server, usable);
  return usable.map((destination, index) => forward(world, hook, server, destination, shares[index] ?? 0));
}

/** Weight 0 takes no new connections, nor does one that is full (`IP_VS_DEST_F_OVERLOAD`). */
function isUsable({ weight, upperThreshold, counters }: ListedDestination): boolean {
  return weight > 0 && (upperThreshold === 0 || counters.active + counters.inactive < upperThreshold);
}

/** Schedulers that do not look at weights but for 0. */
const weightless: ReadonlySet<string> = new Set(['rr', 'lc', 'dh', 'lblc', 'lblcr']);

/** Of many clients' connections in the long run: by weight, or alike. */
function sharesOf({ scheduler }: ListedServer, usable: readonly ListedDestination[]): readonly number[] {
  const weights = usable.map(({ weight }) => (weightless.has(scheduler) ? 1 : weight));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function forward(
  world: PacketWorld,
  hook: TraceHook,
  server: ListedServer,
  destination: ListedDestination,
  share: number,
): StageEnd {
  const { packet } = world;
  const { method } = destination.forwarding;
  const translates = method === 'masquerade';
  // Of a server of a mark with persistence the port stays (ip_vs_sched_persist).
  const keepsPort = destination.port === 0 || (server.key.kind === 'mark' && server.persistence !== null);
  const port = keepsPort ? packet.destinationPort : destination.port;
  const { address } = destination;
  const step: TraceStep = {
    hook,
    place: `ipvs ${serverKeyText(server.key)}`,
    text: `${renderServer(server)} -> ${destinationKeyText(destination)} weight ${destination.weight}`,
    effects: [
      ...(share < 1 ? [{ kind: 'chance', chance: share } as const, ...howChosen(server)] : []),
      translates
        ? { kind: 'destination', address, port }
        : { kind: 'other', words: `sent on to ${formatEndpoint(address, port)} as it came (${method})` },
    ],
  };
  const stepped = { ...addStep(world, step), probability: world.probability * share };
  const after: PacketWorld = translates
    ? { ...stepped, packet: { ...packet, destination: address, destinationPort: port } }
    : { ...stepped, via: address };
  return { world: after, verdict: 'balanced' };
}

/** Schedulers that give a client the same destination again and again: the shares are those of many clients. */
const hashing: ReadonlySet<string> = new Set(['sh', 'mh', 'dh']);

function howChosen({ scheduler, persistence }: ListedServer): readonly TraceEffect[] {
  return [
    ...(hashing.has(scheduler)
      ? [{ kind: 'other', words: `${scheduler} chooses by a hash, for one client always alike` } as const]
      : []),
    ...(persistence === null
      ? []
      : [{ kind: 'other', words: `the client is remembered for ${persistence.timeoutSeconds} s` } as const]),
  ];
}

function renderServer({ key, scheduler, persistence, onePacket }: ListedServer): string {
  return [
    serverKeyText(key),
    scheduler,
    ...(persistence === null ? [] : [`persistent ${persistence.timeoutSeconds}s`]),
    ...(onePacket ? ['ops'] : []),
  ].join(' ');
}
