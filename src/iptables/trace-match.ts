import { isLoopback } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { coversAddress } from './address-text.ts';
import type { InterfaceMatch, Match, Rule } from './rule.ts';
import { runBpf } from './trace-bpf.ts';
import { packetImage } from './trace-packet.ts';
import type { TraceEnvironment, World } from './trace-packet.ts';

/** The ways a rule's matches can turn out; a world is in one of the two. */
export interface MatchResult {
  readonly matched: readonly World[];
  readonly missed: readonly World[];
}

/** Compares one world with a rule; a string says what could not be decided. */
export function matchRule(rule: Rule, world: World, env: TraceEnvironment): MatchResult | string {
  if (!matchesHeader(rule, world)) return { matched: [], missed: [world] };
  let matched: readonly World[] = [world];
  const missed: World[] = [];
  for (const match of rule.matches) {
    const still: World[] = [];
    for (const one of matched) {
      const result = matchOne(match, one, env);
      if (typeof result === 'string') return result;
      still.push(...result.matched);
      missed.push(...result.missed);
    }
    matched = still;
  }
  return { matched, missed };
}

/** True for loopback addresses and those the environment lists: the kernel's type LOCAL. */
export function isLocal(address: Address, env: TraceEnvironment): boolean {
  return isLoopback(address) || env.localAddresses.includes(address);
}

function matchesHeader(rule: Rule, { packet, inInterface, outInterface }: World): boolean {
  const { source, destination, protocol } = rule;
  return (
    (source === undefined || coversAddress(source, packet.source) !== source.not) &&
    (destination === undefined || coversAddress(destination, packet.destination) !== destination.not) &&
    (protocol === undefined || (protocol.name === packet.protocol) !== protocol.not) &&
    matchesInterface(rule.inInterface, inInterface) &&
    matchesInterface(rule.outInterface, outInterface)
  );
}

function matchesInterface(match: InterfaceMatch | undefined, name: string): boolean {
  if (match === undefined) return true;
  const same = match.name.endsWith('+') ? name.startsWith(match.name.slice(0, -1)) : name === match.name;
  return same !== match.not;
}

function matchOne(match: Match, world: World, env: TraceEnvironment): MatchResult | string {
  const { packet } = world;
  switch (match.kind) {
    case 'comment':
      return decide(world, true);
    case 'destination-port': {
      const inside = packet.destinationPort >= match.from && packet.destinationPort <= match.to;
      return decide(world, packet.protocol === match.protocol && inside !== match.not);
    }
    case 'conntrack':
      return decide(world, matchesState(match, world, env) !== match.not);
    case 'address-type':
      return decide(world, isLocal(match.side === 'src' ? packet.source : packet.destination, env) !== match.not);
    case 'mark':
      return decide(world, ((packet.mark & match.mask) >>> 0 === match.value) !== match.not);
    case 'random':
      return split(world, match.threshold / 2 ** 31);
    case 'recent':
      return matchRecent(match, world);
    case 'set':
      return decide(world, world.clientSets.has(match.set) !== match.not);
    case 'bpf': {
      const value = runBpf(match.bytecode, packetImage(packet));
      return value === null ? `unknown BPF instruction in ${match.bytecode}` : decide(world, value !== 0);
    }
    default:
      return match satisfies never;
  }
}

/** xt_conntrack adds SNAT and DNAT to the state of translated connections. */
function matchesState(match: Match & { kind: 'conntrack' }, { translated }: World, env: TraceEnvironment): boolean {
  return (
    match.states.includes(env.ctstate ?? 'NEW') ||
    (translated.destination && match.states.includes('DNAT')) ||
    (translated.source && match.states.includes('SNAT'))
  );
}

/** xt_recent: `set` always matches and adds the source. */
function matchRecent(match: Match & { kind: 'recent' }, world: World): MatchResult {
  if (match.mode !== 'set') return decide(world, world.clientSets.has(match.list));
  return { matched: [remember(world, match.list)], missed: [] };
}

/** The world in which the source has been put into a list or set. */
export function remember(world: World, name: string): World {
  return { ...world, clientSets: new Set([...world.clientSets, name]) };
}

function decide(world: World, matches: boolean): MatchResult {
  return matches ? { matched: [world], missed: [] } : { matched: [], missed: [world] };
}

function split(world: World, chance: number): MatchResult {
  if (chance <= 0 || chance >= 1) return decide(world, chance >= 1);
  return {
    matched: [{ ...world, probability: world.probability * chance }],
    missed: [{ ...world, probability: world.probability * (1 - chance) }],
  };
}
