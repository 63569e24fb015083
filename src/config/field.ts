import type { ProxyMode } from '../model/mod.ts';
import type { PoolText } from './pool-text.ts';

/** The kinds of value a field can hold, and what they are in memory. */
export interface ValueKinds {
  string: string;
  boolean: boolean;
  integer: number;
  number: number;
  /** Milliseconds. */
  duration: number;
  /** Milliseconds; a bare number in a file counts nanoseconds (component-base `TimeOrMetaDuration`). */
  'flush-duration': number;
  /** Null where the file says nothing. */
  'string-list': readonly string[] | null;
  /** Names of feature gates. */
  switches: Readonly<Record<string, boolean>>;
  /** `pattern=level`, in order; in a file each entry is an object with `filePattern` and `verbosity`. */
  'level-list': readonly string[];
  /** 32 bits of a packet mark, hexadecimal or decimal in a file. */
  mark: number;
  /** In a file each entry is an object with `name` and `addresses`. */
  'pool-list': readonly PoolText[];
}

export type ValueKind = keyof ValueKinds;

/** The document a field belongs to: KubeProxyConfiguration, or our own. */
export type DocumentName = 'proxy' | 'own';

/** What a default may depend on. */
export interface DefaultFacts {
  readonly mode: ProxyMode;
  readonly bindsIpv6: boolean;
  readonly fromFile: boolean;
}

/** How a flag sets a field. */
export interface FlagRule {
  readonly name: string;
  /** The flag sets this field only in these modes; absent: in all. */
  readonly modes?: readonly ProxyMode[];
  /** The flag counts beside `--config` too. */
  readonly beatsFile?: true;
}

/** One field of the configuration: a row of the table that loading, validation, flags and help work from. */
export interface Field<P extends string = string, K extends ValueKind = ValueKind> {
  /** Dotted path in the document. */
  readonly path: P;
  readonly kind: K;
  readonly fallback: ValueKinds[K] | ((facts: DefaultFacts) => ValueKinds[K]);
  /** Zero, or the empty text, in a file means the default. */
  readonly zeroIsUnset: boolean;
  readonly flag: FlagRule | null;
  /** What is wrong with the value, to follow the field's name: `must be ...`; null when nothing is. */
  readonly check: ((value: ValueKinds[K]) => string | null) | null;
  /** The check counts only in these modes; null: always. */
  readonly checkedIn: readonly ProxyMode[] | null;
  readonly document: DocumentName;
  /** A running agent takes a change of the file; false: it needs a restart. */
  readonly live: boolean;
  readonly help: string;
}

/** The optional columns of a row. */
export interface FieldOptions<K extends ValueKind> {
  readonly zeroIsUnset?: boolean;
  readonly flag?: string | FlagRule;
  readonly check?: (value: ValueKinds[K]) => string | null;
  readonly checkedIn?: readonly ProxyMode[];
  /** Absent: `proxy`. */
  readonly document?: DocumentName;
  /** Absent: a change needs a restart. */
  readonly live?: true;
}

/** Makes a row. */
export function field<const P extends string, K extends ValueKind>(
  path: P,
  kind: K,
  fallback: Field<P, K>['fallback'],
  help: string,
  options: FieldOptions<K> = {},
): Field<P, K> {
  const flag = typeof options.flag === 'string' ? { name: options.flag } : (options.flag ?? null);
  const { zeroIsUnset = false, check = null, checkedIn = null, document = 'proxy', live = false } = options;
  return { path, kind, fallback, zeroIsUnset, flag, check, checkedIn, document, live, help };
}
