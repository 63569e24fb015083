import { prefixContains } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { isPrefix } from './datum.ts';
import type { Datum, FieldName, MatchStatement, Source, Statement, Verdict } from './expression.ts';
import type { TraceTable } from './trace-table.ts';
import type { Travelling } from './trace-packet.ts';
import type { ElementState } from './port.ts';

/** What a statement makes of a packet: on to the next statement, on to the next rule, or an end of the chain. */
export type Answer =
  | { readonly kind: 'through' | 'on' | 'accept' | 'reject'; readonly packet: Travelling }
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly packet: Travelling };

/** All answers of a statement. Their probabilities are together those of the packet. */
export function askStatement(table: TraceTable, statement: Statement, packet: Travelling): readonly Answer[] {
  switch (statement.kind) {
    case 'match':
      return [{ kind: matches(statement, packet) ? 'through' : 'on', packet }];
    case 'lookup':
      return lookUp(table, statement.set, statement.key, packet).map(({ element, packet: drawn }) => ({
        kind: (element === null) === statement.negated ? 'through' : 'on',
        packet: drawn,
      }));
    case 'vmap':
      return lookUp(table, statement.map, statement.key, packet).map(({ element, packet: drawn }) => {
        const value = element?.value;
        if (value === undefined || !('kind' in value)) return { kind: 'through', packet: drawn };
        return { kind: 'verdict', verdict: value, packet: drawn };
      });
    case 'mark':
      return [{ kind: 'through', packet: { ...packet, mark: markOf(statement.to, packet.mark) } }];
    case 'dnat':
      return translate(table, statement.to, packet);
    case 'masquerade':
      return [{ kind: 'accept', packet: { ...packet, masquerade: true } }];
    case 'reject':
      return [{ kind: 'reject', packet }];
    case 'update':
      return [{ kind: 'through', packet }];
    case 'accept':
    case 'drop':
    case 'return':
    case 'jump':
    case 'goto':
      return [{ kind: 'verdict', verdict: statement, packet }];
    default:
      throw new TypeError(`a statement ${statement.kind} is not traced`);
  }
}

function markOf(to: Extract<Statement, { readonly kind: 'mark' }>['to'], mark: number): number {
  if (typeof to === 'number') return to;
  if ('map' in to) throw new TypeError('marks out of maps are not traced');
  return ((mark & to.mask) ^ to.xor) >>> 0;
}

function translate(
  table: TraceTable,
  to: Extract<Statement, { readonly kind: 'dnat' }>['to'],
  packet: Travelling,
): readonly Answer[] {
  const send = (from: Travelling, address: Datum, port: Datum | null | undefined): Answer => ({
    kind: 'accept',
    packet: { ...from, destination: address as Address, port: Number(port ?? from.port), translated: true },
  });
  if (!('map' in to)) return [send(packet, to.address, to.port)];
  return lookUp(table, to.map, to.key, packet).map(({ element, packet: drawn }) => {
    const value = element?.value;
    if (value === undefined || 'kind' in value) return { kind: 'on', packet: drawn };
    return send(drawn, value[0] ?? '', value[1]);
  });
}

/** What a key leads to, for each result of a draw in it. */
function lookUp(
  table: TraceTable,
  set: string,
  key: readonly Source[],
  packet: Travelling,
): readonly { readonly element: ElementState | null; readonly packet: Travelling }[] {
  const draw = key.find((source) => typeof source !== 'string');
  const draws = draw === undefined || typeof draw === 'string' ? 1 : draw.modulus;
  let missed = 0;
  const found: { element: ElementState | null; packet: Travelling }[] = [];
  for (let index = 0; index < draws; index += 1) {
    const element = table.find(
      set,
      key.map((source) => (typeof source === 'string' ? readField(source, packet) : index)),
    );
    if (element === null) missed += 1;
    else found.push({ element, packet: { ...packet, probability: packet.probability / draws } });
  }
  if (missed > 0) found.push({ element: null, packet: { ...packet, probability: (packet.probability * missed) / draws } });
  return found;
}

function matches({ field, negated, value }: MatchStatement, packet: Travelling): boolean {
  if (field === 'ct status') {
    const words = typeof value === 'object' && 'anyOf' in value ? value.anyOf : [];
    return packet.translated && words.includes('dnat');
  }
  const read = readField(field, packet);
  const same = ((): boolean => {
    if (typeof value !== 'object') return read === value;
    if (isPrefix(value)) return prefixContains(value, read as Address);
    if ('anyOf' in value) return value.anyOf.includes(String(read));
    if ('startsWith' in value) return String(read).startsWith(value.startsWith);
    if ('mask' in value) return (Number(read) & value.mask) >>> 0 === value.equals;
    throw new TypeError(`a range of ${field} is not traced`);
  })();
  return same !== negated;
}

function readField(field: FieldName, packet: Travelling): Datum {
  switch (field) {
    case 'ip saddr':
    case 'ip6 saddr':
      return packet.source;
    case 'ip daddr':
    case 'ip6 daddr':
      return packet.destination;
    case 'l4proto':
      return packet.protocol;
    case 'dport':
      return packet.port;
    case 'mark':
      return packet.mark;
    case 'iifname':
      return packet.inInterface ?? '';
    case 'ct state':
      return 'new';
    case 'fib daddr type':
      return packet.localAddresses.has(packet.destination) ? 'local' : 'unicast';
    default:
      throw new TypeError(`field ${field} is not traced`);
  }
}
