import type { PacketWorld, TraceHost, TracedConnection } from '../model/mod.ts';
import { coversAddress } from './address-text.ts';
import type { ConntrackState, InterfaceMatch, Match, Rule } from './rule.ts';
import { runBpf } from './trace-bpf.ts';
import { packetImage } from './trace-image.ts';

/** The ways a rule's matches can turn out; a world is in one of the two. */
export interface MatchResult {
  readonly matched: readonly PacketWorld[];
  readonly missed: readonly PacketWorld[];
}

/** Compares one world with a rule; a string says what could not be decided. */
export function matchRule(rule: Rule, world: PacketWorld, host: TraceHost): MatchResult | string {
  if (!matchesHeader(rule, world)) return { matched: [], missed: [world] };
  let matched: readonly PacketWorld[] = [world];
  const missed: PacketWorld[] = [];
  for (const match of rule.matches) {
    const still: PacketWorld[] = [];
    for (const one of matched) {
      const result = matchOne(match, one, host);
      if (typeof result === 'string') return result;
      still.push(...result.matched);
      missed.push(...result.missed);
    }
    matched = still;
  }
  return { matched, missed };
}

/** What stands before any `-m`: addresses, devices, protocol. */
export function matchesHeader(rule: Rule, { packet, inDevice, outDevice }: PacketWorld): boolean {
  const { source, destination, protocol } = rule;
  return (
    (source === undefined || coversAddress(source, packet.source) !== source.not) &&
    (destination === undefined || coversAddress(destination, packet.destination) !== destination.not) &&
    (protocol === undefined || (protocol.name.toUpperCase() === packet.protocol) !== protocol.not) &&
    matchesInterface(rule.inInterface, inDevice) &&
    matchesInterface(rule.outInterface, outDevice)
  );
}

function matchesInterface(match: InterfaceMatch | undefined, name: string): boolean {
  if (match === undefined) return true;
  const same = match.name.endsWith('+') ? name.startsWith(match.name.slice(0, -1)) : name === match.name;
  return same !== match.not;
}

function matchOne(match: Match, world: PacketWorld, host: TraceHost): MatchResult | string {
  const { packet, mark } = world;
  switch (match.kind) {
    case 'comment':
      return decide(world, true);
    case 'destination-port': {
      const inside = packet.destinationPort >= match.from && packet.destinationPort <= match.to;
      return decide(world, packet.protocol === match.protocol.toUpperCase() && inside !== match.not);
    }
    case 'conntrack':
      return decide(world, matchesState(match, world.connection) !== match.not);
    case 'address-type': {
      const local = host.addressType(match.side === 'src' ? packet.source : packet.destination) === 'local';
      return decide(world, local !== match.not);
    }
    case 'mark':
      return decide(world, ((mark & match.mask) >>> 0 === match.value) !== match.not);
    case 'random':
      return split(world, match.threshold / 2 ** 31);
    case 'recent':
      return matchRecent(match, world);
    case 'set':
      return decide(world, remembers(world, match.set) !== match.not);
    case 'bpf': {
      const value = runBpf(match.bytecode, packetImage(packet));
      return value === null ? `unknown BPF instruction in ${match.bytecode}` : decide(world, value !== 0);
    }
    default:
      return match satisfies never;
  }
}

const stateWords: Readonly<Record<TracedConnection['state'], ConntrackState>> = {
  none: 'INVALID',
  untracked: 'UNTRACKED',
  new: 'NEW',
  established: 'ESTABLISHED',
};

/** xt_conntrack adds SNAT and DNAT to the state of translated connections. */
function matchesState(match: Match & { kind: 'conntrack' }, { state, translated }: TracedConnection): boolean {
  return (
    match.states.includes(stateWords[state]) ||
    (translated.destination && match.states.includes('DNAT')) ||
    (translated.source && match.states.includes('SNAT'))
  );
}

/** xt_recent: `set` always matches and adds the source. */
function matchRecent(match: Match & { kind: 'recent' }, world: PacketWorld): MatchResult {
  if (match.mode !== 'set') return decide(world, remembers(world, match.list));
  return { matched: [remember(world, match.list)], missed: [] };
}

/** The name under which a world's memory has an ipset, or a list of the `recent` match, that holds the client. */
export function memoryName(set: string): string {
  return `ipset ${set}`;
}

function remembers({ memory }: PacketWorld, set: string): boolean {
  return memory.get(memoryName(set)) === true;
}

/** The world in which the source has been put into a list or set. */
export function remember(world: PacketWorld, set: string): PacketWorld {
  return { ...world, memory: new Map([...world.memory, [memoryName(set), true]]) };
}

function decide(world: PacketWorld, matches: boolean): MatchResult {
  return matches ? { matched: [world], missed: [] } : { matched: [], missed: [world] };
}

function split(world: PacketWorld, chance: number): MatchResult {
  if (chance <= 0 || chance >= 1) return decide(world, chance >= 1);
  return {
    matched: [{ ...world, probability: world.probability * chance }],
    missed: [{ ...world, probability: world.probability * (1 - chance) }],
  };
}
