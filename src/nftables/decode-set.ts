import { datumTypes } from './datum-type.ts';
import type { DatumType, SetDefinition } from './transaction.ts';
import { readAttributes, readLong, readNumber, readText, readUserdata } from './wire-attribute.ts';
import { descriptionAttribute, setAttribute, setFlag, setUserdata, verdictType } from './wire-names.ts';

/** A set as it was listed. `anonymous`: it is part of a rule. */
export interface ListedSet {
  readonly table: string;
  readonly name: string;
  readonly anonymous: boolean;
  /** Null where it has types or flags that are none of ours. */
  readonly set: SetDefinition | null;
}

const knownFlags =
  setFlag.constant | setFlag.interval | setFlag.map | setFlag.timeout | setFlag.eval | setFlag.concat | setFlag.anonymous;

/** Types by number; of ports the plain one. */
const typesById = new Map<number, DatumType>(
  (Object.keys(datumTypes) as DatumType[]).filter((type) => !type.endsWith(' port')).map((type) => [datumTypes[type].id, type]),
);

/** Reads a set's attributes, those of a `NFT_MSG_NEWSET`; null where there is no name. */
export function decodeSet(view: DataView): ListedSet | null {
  const attributes = readAttributes(view);
  const name = readText(attributes?.get(setAttribute.name));
  if (attributes === null || name === '') return null;
  const flags = readNumber(attributes.get(setAttribute.flags));
  const place = {
    table: readText(attributes.get(setAttribute.table)),
    name,
    anonymous: (flags & setFlag.anonymous) !== 0,
  };
  const userdata = readUserdata(attributes.get(setAttribute.userdata));
  const key = typesOf(readNumber(attributes.get(setAttribute.keyType)));
  const data = readNumber(attributes.get(setAttribute.dataType));
  const isMap = (flags & setFlag.map) !== 0;
  const value = !isMap ? null : data === verdictType ? 'verdict' : portsOf(typesOf(data), userdata.get(setUserdata.dataTypeof));
  if (key === null || (isMap && value === null) || (flags & ~knownFlags) !== 0) return { ...place, set: null };
  const description = attributes.get(setAttribute.description);
  const size = description === undefined ? 0 : readNumber(readAttributes(description)?.get(descriptionAttribute.size));
  const timeout = readLong(attributes.get(setAttribute.timeout));
  const comment = userdata.get(setUserdata.comment);
  return {
    ...place,
    set: {
      name,
      key,
      value,
      interval: (flags & setFlag.interval) !== 0,
      dynamic: (flags & setFlag.eval) !== 0,
      timeout: (flags & setFlag.timeout) !== 0,
      timeoutSeconds: timeout === null || timeout === 0 ? null : Math.round(timeout / 1000),
      constant: (flags & setFlag.constant) !== 0,
      size: size === 0 ? null : size,
      comment: comment === undefined ? null : readText(comment),
    },
  };
}

/** The parts of a type number of six bits each, or null where one is unknown. */
function typesOf(number: number): readonly DatumType[] | null {
  const types: DatumType[] = [];
  for (let left = number; left > 0; left = Math.floor(left / 64)) {
    const type = typesById.get(left % 64);
    if (type === undefined) return null;
    types.unshift(type);
  }
  return types.length === 0 ? null : types;
}

/** Ports of a value that was declared by example are of the example's protocol. */
function portsOf(types: readonly DatumType[] | null, typeOf: DataView | undefined): readonly DatumType[] | null {
  if (types === null || typeOf === undefined) return types;
  const examples = readUserdata(readUserdata(typeOf).get(1));
  return types.map((type, index) => {
    if (type !== 'port') return type;
    const expression = types.length === 1 ? readUserdata(typeOf) : readUserdata(examples.get(index));
    return portBy(expression.get(1)) ?? type;
  });
}

function portBy(data: DataView | undefined): DatumType | null {
  const protocol = readUserdata(data).get(0);
  if (protocol === undefined || protocol.byteLength === 0) return null;
  const number = protocol.getUint8(0);
  const names = ['tcp port', 'udp port', 'sctp port'] as const;
  return names.find((name) => datumTypes[name].expression.parts[0] === number) ?? null;
}
