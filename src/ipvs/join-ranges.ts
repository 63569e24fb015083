import { formatPrefix } from '../model/mod.ts';
import type {
  CaptureEntry,
  DecisionEntry,
  RestrictedEntry,
  RewriteEntry,
  ServiceKey,
  SideEntry,
  SourceEntry,
} from '../model/mod.ts';
import type { SidePhase, SideStep } from './diff-side.ts';

type PortEntry = DecisionEntry | CaptureEntry | RestrictedEntry | SourceEntry | RewriteEntry;

/** An entry about ports that a phase sets or removes. */
interface Move {
  readonly phase: SidePhase;
  readonly verb: 'set' | 'remove';
  readonly key: string;
  readonly service: ServiceKey;
  readonly entry: PortEntry;
}

/** The transaction in the middle: servers are there, and none has gone. */
const joint: SidePhase = 'attract';
const phases: readonly SidePhase[] = ['admit', 'attract', 'tidy'];

/**
 * A range takes the place of ports or other ranges, or they of it. The packet filter takes no range that overlaps one it has
 * (net/netfilter/nft_set_pipapo.c), and a single port counts before the range it lies in, however early it comes or late it
 * goes. So both change in one transaction, in which removals come first, and whatever else is said of those ports with them:
 * a packet meets either all that was or all that will be. The same goes for the port that another is rewritten to.
 */
export function joinRanges(steps: Readonly<Record<SidePhase, SideStep>>, entryOf: (key: string) => SideEntry | undefined): void {
  // Nearly no change has a range in it, and a large one has a hundred thousand entries.
  if (!phases.some((phase) => hasRangeOrRewrite(steps[phase], entryOf))) return;
  const moves = phases.flatMap((phase) => listMoves(phase, steps[phase], entryOf));
  const going = moves.filter(({ verb }) => verb === 'remove');
  const coming = moves.filter(({ verb }) => verb === 'set');
  const goingByPlace = Map.groupBy(going, ({ entry }) => placeOf(entry));
  const replaced = coming.flatMap((one) => {
    const others = (goingByPlace.get(placeOf(one.entry)) ?? []).filter((other) => takesThePlaceOf(one, other));
    return others.length === 0 ? [] : [one, ...others];
  });
  const anchors = [...replaced, ...moves.filter(({ entry }) => entry.kind === 'rewrite')];
  if (anchors.length === 0) return;
  const anchorsByPlace = Map.groupBy(anchors, ({ entry }) => placeOf(entry));
  for (const move of moves) {
    const there = anchorsByPlace.get(placeOf(move.entry)) ?? [];
    if (move.phase === joint || !there.some(({ entry }) => meets(entry, move.entry))) continue;
    steps[move.phase][move.verb].delete(move.key);
    if (move.verb === 'set') steps[joint].set.set(move.key, { entry: move.entry, service: move.service });
    else steps[joint].remove.set(move.key, move.service);
  }
}

function hasRangeOrRewrite({ set, remove }: SideStep, entryOf: (key: string) => SideEntry | undefined): boolean {
  const counts = (entry: SideEntry | undefined): boolean =>
    entry !== undefined && ('lastPort' in entry || entry.kind === 'rewrite');
  return set.values().some(({ entry }) => counts(entry)) || remove.keys().some((key) => counts(entryOf(key)));
}

function listMoves(
  phase: SidePhase,
  { set, remove }: SideStep,
  entryOf: (key: string) => SideEntry | undefined,
): readonly Move[] {
  const coming = [...set].flatMap(([key, { entry, service }]) => moveOf({ phase, verb: 'set', key, service }, entry));
  const going = [...remove].flatMap(([key, service]) => moveOf({ phase, verb: 'remove', key, service }, entryOf(key)));
  return [...coming, ...going];
}

function moveOf(move: Omit<Move, 'entry'>, entry: SideEntry | undefined): readonly Move[] {
  switch (entry?.kind) {
    case 'decision':
    case 'capture':
    case 'restricted':
    case 'source':
    case 'rewrite':
      return [{ ...move, entry }];
    default:
      return [];
  }
}

/** One comes, the other says the same of a port of it and goes, and not together. */
function takesThePlaceOf(one: Move, other: Move): boolean {
  return (
    one.phase !== other.phase &&
    subjectOf(one.entry) === subjectOf(other.entry) &&
    meets(one.entry, other.entry) &&
    [one, other].some(({ entry }) => lastOf(entry) !== firstOf(entry))
  );
}

/** What is said, and of whom. */
function subjectOf(entry: PortEntry): string {
  if (entry.kind === 'decision') return `decision ${entry.client}`;
  return entry.kind === 'source' ? `source ${formatPrefix(entry.prefix)}` : entry.kind;
}

function placeOf({ address, protocol }: PortEntry): string {
  return `${protocol} ${address ?? '*'}`;
}

/** Of one place. */
function meets(one: PortEntry, other: PortEntry): boolean {
  return firstOf(one) <= lastOf(other) && firstOf(other) <= lastOf(one);
}

/** What is said of a rewritten port is said of the one that it becomes. */
function firstOf(entry: PortEntry): number {
  return entry.kind === 'rewrite' ? entry.to : entry.port;
}

function lastOf(entry: PortEntry): number {
  return entry.kind === 'rewrite' ? entry.to : (entry.lastPort ?? entry.port);
}
