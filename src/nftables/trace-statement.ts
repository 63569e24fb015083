import { masquerade, tellNoMasquerade, translateDestination } from '../model/mod.ts';
import type { Address, PacketWorld, StageEnd, TraceEffect, TraceHost } from '../model/mod.ts';
import type {
  Datum,
  DnatStatement,
  MapLookup,
  MarkStatement,
  RewriteStatement,
  Source,
  Statement,
  UpdateStatement,
  Verdict,
} from './expression.ts';
import { matches, readField } from './trace-fields.ts';
import type { FoundElement, TableSets } from './trace-sets.ts';

/** How far a packet has come within one rule. */
export interface RuleWorld {
  readonly world: PacketWorld;
  readonly effects: readonly TraceEffect[];
}

/** What a statement makes of a packet. */
export type StatementEnd = RuleWorld & {
  readonly next:
    | { readonly kind: 'go on' }
    /** The rule does not match from here on. */
    | { readonly kind: 'break' }
    | { readonly kind: 'verdict'; readonly verdict: Verdict | { readonly kind: 'reject' } }
    | { readonly kind: 'end'; readonly verdict: StageEnd['verdict'] };
};

/** What statements look things up in. */
export interface StatementContext {
  readonly sets: TableSets;
  readonly host: TraceHost;
}

type Next = StatementEnd['next'];

const goOn: Next = { kind: 'go on' };
const leave: Next = { kind: 'break' };

/** Every way one statement can turn out: chance is the only thing that makes more than one. */
export function runStatement(statement: Statement, at: RuleWorld, context: StatementContext): readonly StatementEnd[] {
  // A look that decided nothing is no step; the chance with which it came to that stays.
  const unnoted = ({ world }: RuleWorld): RuleWorld => ({ world, effects: at.effects });
  switch (statement.kind) {
    case 'match':
      return [{ ...at, next: matches(statement, at.world, context.host) ? goOn : leave }];
    case 'counter':
      return [{ ...at, next: goOn }];
    case 'lookup':
      return lookUp(statement.key, statement.set, at, context, (one, found) => {
        if ((found === null) !== statement.negated) return { ...unnoted(one), next: leave };
        return { ...(found === null ? unnoted(one) : one), next: goOn };
      });
    case 'vmap':
      return lookUp(statement.key, statement.map, at, context, (one, found) => {
        const value = found?.value;
        if (value === null || value === undefined || !('kind' in value)) return { ...unnoted(one), next: goOn };
        return { ...one, next: { kind: 'verdict', verdict: value } };
      });
    case 'mark':
      return setMark(statement, at, context);
    case 'update':
      return [update(statement, at, context)];
    case 'dnat':
      return translate(statement, at, context);
    case 'rewrite':
      return rewrite(statement, at, context);
    default:
      return [runPlain(statement, at, context)];
  }
}

type PlainStatement = Exclude<
  Statement,
  { kind: 'match' | 'counter' | 'lookup' | 'vmap' | 'mark' | 'update' | 'dnat' | 'rewrite' }
>;

function runPlain(statement: PlainStatement, at: RuleWorld, { host }: StatementContext): StatementEnd {
  const { world } = at;
  switch (statement.kind) {
    case 'reject':
      return { ...add(at, { kind: 'reject', with: statement.with }), next: { kind: 'verdict', verdict: { kind: 'reject' } } };
    case 'masquerade': {
      const after = masquerade(world, host);
      if (after === null) return { ...add(at, tellNoMasquerade(world, host)), next: { kind: 'end', verdict: 'drop' } };
      const effect = { kind: 'source', address: after.packet.source, port: null } as const;
      return { ...add(at, effect, after), next: { kind: 'end', verdict: 'accept' } };
    }
    case 'clamp':
      return { ...add(at, { kind: 'other', words: `announces segments of at most ${statement.size} octets` }), next: goOn };
    case 'notrack': {
      const { connection } = world;
      if (connection.state !== 'none') return { ...at, next: goOn };
      return { ...add(at, { kind: 'notrack' }, { connection: { ...connection, state: 'untracked' } }), next: goOn };
    }
    default:
      return { ...at, next: { kind: 'verdict', verdict: statement } };
  }
}

function add(at: RuleWorld, effect: TraceEffect, change: Partial<PacketWorld> = {}): RuleWorld {
  return { world: { ...at.world, ...change }, effects: [...at.effects, effect] };
}

/** Every key that the sources can make, each with its chance; empty where the packet lacks a field. */
function readKey(
  key: readonly Source[],
  at: RuleWorld,
  host: TraceHost,
): readonly { readonly key: readonly Datum[]; readonly at: RuleWorld }[] {
  let made: readonly { readonly key: readonly Datum[]; readonly at: RuleWorld }[] = [{ key: [], at }];
  for (const source of key) {
    made = made.flatMap((one) => {
      if (typeof source === 'string') {
        const datum = readField(source, at.world, host);
        return datum === null ? [] : [{ ...one, key: [...one.key, datum] }];
      }
      const chance = 1 / source.modulus;
      return Array.from({ length: source.modulus }, (_, index) => {
        const world = { ...one.at.world, probability: one.at.world.probability * chance };
        const chosen = source.modulus === 1 ? one.at : add({ ...one.at, world }, { kind: 'chance', chance });
        return { key: [...one.key, index], at: chosen };
      });
    });
  }
  return made;
}

/** `finish` gets the way with the element noted, where there is one. */
function lookUp(
  key: readonly Source[],
  set: string,
  at: RuleWorld,
  { sets, host }: StatementContext,
  finish: (at: RuleWorld, found: FoundElement | null) => StatementEnd,
): readonly StatementEnd[] {
  const keys = readKey(key, at, host);
  if (keys.length === 0) return [{ ...at, next: leave }];
  const ends: StatementEnd[] = [];
  const missed: RuleWorld[] = [];
  for (const one of keys) {
    const found = sets.find(set, one.key, one.at.world);
    if (found === null) missed.push(one.at);
    else if (found === 'unknown')
      ends.push({ ...add(one.at, { kind: 'unknown', reason: `${set} holds what is not known here` }), next: leave });
    else ends.push(finish(add(one.at, { kind: 'found', set, element: found.text }), found));
  }
  const [first] = missed;
  if (first !== undefined) ends.push(finish(missed.length === 1 ? first : joinMissed(at, missed), null));
  return ends;
}

/** Draws that met nothing differ in nothing that matters later: as ways of their own they would multiply with each further draw. */
function joinMissed(at: RuleWorld, missed: readonly RuleWorld[]): RuleWorld {
  const probability = missed.reduce((sum, { world }) => sum + world.probability, 0);
  const world = { ...at.world, probability };
  return add({ ...at, world }, { kind: 'chance', chance: probability / at.world.probability });
}

/** The values of a map for the packet; ways without one leave the rule. */
function lookUpValue(
  { key, map }: MapLookup,
  at: RuleWorld,
  context: StatementContext,
  finish: (at: RuleWorld, value: readonly Datum[]) => StatementEnd,
): readonly StatementEnd[] {
  return lookUp(key, map, at, context, (one, found) => {
    const value = found?.value;
    return value === null || value === undefined || 'kind' in value ? { ...one, next: leave } : finish(one, value);
  });
}

function setMark({ to }: MarkStatement, at: RuleWorld, context: StatementContext): readonly StatementEnd[] {
  const set = (one: RuleWorld, mark: number): StatementEnd => ({ ...add(one, { kind: 'mark', mark }, { mark }), next: goOn });
  if (typeof to === 'number') return [set(at, to)];
  if (!('map' in to)) return [set(at, ((at.world.mark & to.mask) ^ to.xor) >>> 0)];
  return lookUpValue(to, at, context, (one, [mark]) => set(one, Number(mark)));
}

function update({ operation, set, key, value }: UpdateStatement, at: RuleWorld, { sets, host }: StatementContext): StatementEnd {
  const [made] = readKey(key, at, host);
  const stored = value === null ? true : readField(value, at.world, host);
  if (made === undefined || stored === null) return { ...at, next: leave };
  const world = sets.remember(at.world, set, made.key, operation === 'delete' ? null : stored);
  return { world, effects: operation === 'delete' ? at.effects : [...at.effects, { kind: 'remember', set }], next: goOn };
}

function translate({ to }: DnatStatement, at: RuleWorld, context: StatementContext): readonly StatementEnd[] {
  const send = (one: RuleWorld, address: Address, port: number): StatementEnd => ({
    ...add(one, { kind: 'destination', address, port }, translateDestination(one.world, address, port)),
    next: { kind: 'end', verdict: 'accept' },
  });
  if (!('map' in to)) return [send(at, to.address as Address, to.port ?? at.world.packet.destinationPort)];
  return lookUpValue(to, at, context, (one, [address, port]) =>
    send(one, String(address) as Address, port === undefined ? one.world.packet.destinationPort : Number(port)),
  );
}

function rewrite({ field, to }: RewriteStatement, at: RuleWorld, context: StatementContext): readonly StatementEnd[] {
  const set = (one: RuleWorld, value: Datum): StatementEnd => ({ ...rewritten(one, field, value), next: goOn });
  // Of another protocol or family than the packet's: the rule never gets here.
  if (field === 'udp checksum') return [{ ...at, next: goOn }];
  return typeof to === 'object' ? lookUpValue(to, at, context, (one, [value = 0]) => set(one, value)) : [set(at, to)];
}

function rewritten(at: RuleWorld, field: RewriteStatement['field'], value: Datum): RuleWorld {
  const { packet } = at.world;
  const { destination, destinationPort, source, sourcePort } = packet;
  if (field.endsWith('dport')) {
    const port = Number(value);
    return add(at, { kind: 'destination', address: destination, port }, { packet: { ...packet, destinationPort: port } });
  }
  if (field.endsWith('sport')) {
    const port = Number(value);
    return add(at, { kind: 'source', address: source, port }, { packet: { ...packet, sourcePort: port } });
  }
  const address = String(value) as Address;
  if (field.endsWith('daddr')) {
    return add(at, { kind: 'destination', address, port: destinationPort }, { packet: { ...packet, destination: address } });
  }
  return add(at, { kind: 'source', address, port: sourcePort }, { packet: { ...packet, source: address } });
}
