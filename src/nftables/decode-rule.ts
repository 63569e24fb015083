import { decodeDatum, decodeHostNumber } from './datum.ts';
import { decodeVerdict } from './decode-element.ts';
import { decodeComparison } from './decode-match.ts';
import { dataOf, RegisterFile } from './decode-register.ts';
import type { Loaded } from './decode-register.ts';
import type { DnatStatement, RejectStatement, RewriteStatement, Statement } from './expression.ts';
import { rewrites } from './fields.ts';
import type { RewriteInfo } from './fields.ts';
import type { TableFamily } from './transaction.ts';
import { readAttributes, readList, readLong, readNumber, readText } from './wire-attribute.ts';
import {
  dataAttribute,
  dynsetOperations,
  fullyRandomFlag,
  hostToNetwork,
  invertFlag,
  rejectCodes,
  resetType,
  routeSegmentSize,
  segmentOption,
} from './wire-names.ts';

type Attributes = ReadonlyMap<number, DataView>;

/** What an expression comes to: a statement, something in a register for a later one, or nothing that we would write. */
type Decoded = Statement | 'register' | null;

/**
 * Reads the expressions of a rule back into statements by following what is in the registers; null where it says
 * something that our vocabulary has no word for.
 */
export function decodeStatements(family: TableFamily, view: DataView | undefined): readonly Statement[] | null {
  const registers = new RegisterFile(family);
  const statements: Statement[] = [];
  for (const expression of readList(view)) {
    const attributes = readAttributes(expression);
    const data = attributes?.get(2);
    const body: Attributes | null = data === undefined ? new Map() : readAttributes(data);
    if (attributes === null || body === null) return null;
    const decoded = decodeExpression({ family, name: readText(attributes.get(1)), body, registers, before: statements });
    if (decoded === null) return null;
    if (decoded !== 'register') statements.push(decoded);
  }
  return registers.isSettled() ? statements : null;
}

interface Expression {
  readonly family: TableFamily;
  readonly name: string;
  readonly body: Attributes;
  readonly registers: RegisterFile;
  readonly before: readonly Statement[];
}

function decodeExpression({ family, name, body, registers, before }: Expression): Decoded {
  switch (name) {
    case 'payload':
      return body.has(5) ? decodeRewrite(body, registers) : registers.load(name, body, before);
    case 'meta':
      return body.has(3) ? decodeMark(body, registers) : registers.load(name, body, before);
    case 'ct':
    case 'fib':
    case 'numgen':
      return registers.load(name, body, before);
    case 'bitwise':
      return registers.mask(body);
    case 'rt':
      if (readNumber(body.get(2)) !== routeSegmentSize) return null;
      return registers.put(readNumber(body.get(1)), { kind: 'route', network: false });
    case 'byteorder':
      // Turning round a single byte does nothing; the tool writes it all the same.
      return readNumber(body.get(4)) === 1 ? 'register' : decodeByteOrder(body, registers);
    case 'exthdr':
      return decodeClamp(body, registers);
    case 'cmp':
    case 'range':
      return decodeComparison(name, body, registers);
    case 'lookup':
      return decodeLookup(body, registers);
    case 'dynset':
      return decodeUpdate(body, registers);
    case 'immediate':
      return decodeImmediate(body, registers);
    case 'nat':
      return decodeNat(body, registers);
    case 'masq': {
      const flags = readNumber(body.get(1));
      return flags === 0 || flags === fullyRandomFlag ? { kind: 'masquerade', fullyRandom: flags !== 0 } : null;
    }
    case 'reject':
      return decodeReject(family, body);
    case 'counter':
    case 'notrack':
      return { kind: name };
    default:
      return null;
  }
}

function decodeLookup(body: Attributes, registers: RegisterFile): Decoded {
  const key = registers.takeKey(readNumber(body.get(2)));
  if (key === null) return null;
  const set = readText(body.get(1));
  // A set without a name of its own is part of the rule, and no rule of ours has one.
  if (set.startsWith('__')) return null;
  const target = body.get(3);
  if (target === undefined) return { kind: 'lookup', key, negated: (readNumber(body.get(5)) & invertFlag) !== 0, set };
  const register = readNumber(target);
  if (register === 0) return { kind: 'vmap', key, map: set };
  return registers.put(register, { kind: 'map', lookup: { key, map: set } });
}

function decodeMark(body: Attributes, registers: RegisterFile): Decoded {
  const loaded = registers.take(readNumber(body.get(3)));
  if (readNumber(body.get(2)) !== 3 || loaded === null) return null;
  if (loaded.kind === 'value') return { kind: 'mark', to: decodeHostNumber(loaded.bytes) };
  if (loaded.kind === 'map') return { kind: 'mark', to: loaded.lookup };
  if (loaded.kind !== 'source' || loaded.source !== 'mark' || loaded.mask === null || loaded.mask.length !== 4) return null;
  return { kind: 'mark', to: { mask: decodeHostNumber(loaded.mask), xor: decodeHostNumber(loaded.xor ?? new Uint8Array(4)) } };
}

function decodeUpdate(body: Attributes, registers: RegisterFile): Decoded {
  const operation = (['add', 'update', 'delete'] as const).find((word) => dynsetOperations[word] === readNumber(body.get(3)));
  const data = body.get(5);
  const value = data === undefined ? null : registers.takeSource(readNumber(data));
  const key = registers.takeKey(readNumber(body.get(4)));
  if (operation === undefined || key === null || (data !== undefined && (value === null || typeof value !== 'string')))
    return null;
  // Expressions that every element would carry, such as counters.
  if (body.has(7) || body.has(10)) return null;
  const timeout = readLong(body.get(6));
  return {
    kind: 'update',
    operation,
    set: readText(body.get(1)),
    key,
    timeoutSeconds: timeout === null || timeout === 0 ? null : Math.round(timeout / 1000),
    value: typeof value === 'string' ? value : null,
  };
}

function decodeImmediate(body: Attributes, registers: RegisterFile): Decoded {
  const register = readNumber(body.get(1));
  const nest = body.get(2);
  if (register === 0) return nest === undefined ? null : decodeVerdict(readAttributes(nest)?.get(dataAttribute.verdict));
  const bytes = dataOf(nest);
  return bytes === null ? null : registers.put(register, { kind: 'value', bytes });
}

function decodeNat(body: Attributes, registers: RegisterFile): Decoded {
  const address = registers.take(readNumber(body.get(3)));
  // Flags beyond those that say there is an address and a port would choose ports at random, or keep them.
  const flags = readNumber(body.get(7));
  if (readNumber(body.get(1)) !== 1 || (flags & ~3) !== 0 || address === null) return null;
  if (address.kind === 'map') return { kind: 'dnat', to: address.lookup };
  if (address.kind !== 'value') return null;
  if (!body.has(5)) return decodeTarget(address.bytes, null);
  const port = registers.take(readNumber(body.get(5)));
  return port?.kind === 'value' ? decodeTarget(address.bytes, port.bytes) : null;
}

function decodeTarget(bytes: Uint8Array, portBytes: Uint8Array | null): DnatStatement | null {
  const address = decodeDatum(bytes.length === 4 ? 'ipv4' : 'ipv6', bytes);
  const port = portBytes === null ? null : decodeDatum('port', portBytes);
  return typeof address === 'string' && typeof port !== 'string' ? { kind: 'dnat', to: { address, port } } : null;
}

function decodeReject(family: TableFamily, body: Attributes): RejectStatement | null {
  if (readNumber(body.get(1)) === resetType) return { kind: 'reject', with: 'tcp-reset' };
  const { type, codes } = rejectCodes[family];
  const code = body.get(2)?.getUint8(0);
  const how = (['port-unreachable', 'admin-prohibited'] as const).find((word) => codes[word] === code);
  return how === undefined || readNumber(body.get(1)) !== type ? null : { kind: 'reject', with: how };
}

function decodeByteOrder(body: Attributes, registers: RegisterFile): Decoded {
  const register = readNumber(body.get(1));
  const loaded = registers.take(register);
  const turns = readNumber(body.get(3)) === hostToNetwork && readNumber(body.get(4)) === 2 && readNumber(body.get(5)) === 2;
  if (loaded?.kind !== 'route' || loaded.network || !turns || register !== readNumber(body.get(2))) return null;
  return registers.put(register, { kind: 'route', network: true });
}

function decodeClamp(body: Attributes, registers: RegisterFile): Decoded {
  const loaded = registers.take(readNumber(body.get(7)));
  const isSize =
    body.get(2)?.getUint8(0) === segmentOption.kind &&
    readNumber(body.get(3)) === segmentOption.offset &&
    readNumber(body.get(4)) === segmentOption.length &&
    readNumber(body.get(6)) === segmentOption.operation;
  if (loaded === null || !isSize) return null;
  if (loaded.kind === 'route') return loaded.network ? { kind: 'clamp', size: 'route' } : null;
  const size = loaded.kind === 'value' ? decodeDatum('port', loaded.bytes) : null;
  return typeof size === 'number' ? { kind: 'clamp', size } : null;
}

function decodeRewrite(body: Attributes, registers: RegisterFile): Decoded {
  const loaded = registers.take(readNumber(body.get(5)));
  if (loaded?.kind !== 'value' && loaded?.kind !== 'map') return null;
  const place = (Object.entries(rewrites) as [RewriteStatement['field'], RewriteInfo][]).find(
    ([, info]) =>
      info.base === readNumber(body.get(2)) &&
      info.offset === readNumber(body.get(3)) &&
      info.length === readNumber(body.get(4)) &&
      info.checksum.type === readNumber(body.get(6)) &&
      info.checksum.offset === readNumber(body.get(7)) &&
      info.flags === readNumber(body.get(8)),
  );
  return place === undefined ? null : rewriteOf(place, loaded);
}

function rewriteOf(
  [field, { kind }]: [RewriteStatement['field'], RewriteInfo],
  loaded: Exclude<Loaded, { readonly kind: 'source' | 'route' }>,
): Decoded {
  if (loaded.kind === 'map') return { kind: 'rewrite', field, to: loaded.lookup };
  const to = decodeDatum(kind, loaded.bytes);
  return to === null ? null : { kind: 'rewrite', field, to };
}
