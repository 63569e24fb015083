import type { ProxyMode } from '../model/mod.ts';
import { formatSetting } from './describe-flags.ts';
import type { DefaultFacts, DocumentName, Field, ValueKind } from './field.ts';
import { rows } from './fields.ts';
import { ownKind, proxyKind } from './read-document.ts';

/** What operators may want to know of a field of the configuration. */
export interface FieldDescription {
  /** Dotted path in its document. */
  readonly path: string;
  readonly document: typeof proxyKind | typeof ownKind;
  /** Without dashes; null: no flag sets it. */
  readonly flag: string | null;
  /** The flag sets the field in these modes alone; null: in all. */
  readonly flagModes: readonly ProxyMode[] | null;
  /** The flag counts beside `--config` too. */
  readonly flagBeatsFile: boolean;
  readonly type: string;
  /** As one would write it; empty: none. */
  readonly fallback: string;
  /** Defaults that differ from `fallback`, and where. */
  readonly otherFallbacks: readonly { readonly where: string; readonly fallback: string }[];
  readonly help: string;
  /** How a change of the file takes effect: in the running agent, or the agent ends so that a restart takes it (specification 9.6). */
  readonly change: 'live' | 'restart';
}

const types: Readonly<Record<ValueKind, string>> = {
  string: 'text',
  boolean: 'true or false',
  integer: 'whole number',
  number: 'number',
  duration: 'duration',
  'flush-duration': 'duration',
  'string-list': 'list of texts',
  switches: 'map of names to true or false',
  'level-list': 'list of filePattern and verbosity',
  mark: 'number of 32 bits',
  'pool-list': 'list of name and addresses',
};

const kinds: Readonly<Record<DocumentName, FieldDescription['document']>> = { proxy: proxyKind, own: ownKind };

const usual: DefaultFacts = { mode: 'iptables', bindsIpv6: false, fromFile: true };

const variants: readonly { readonly where: string; readonly facts: DefaultFacts }[] = [
  { where: 'ipvs', facts: { ...usual, mode: 'ipvs' } },
  { where: 'nftables', facts: { ...usual, mode: 'nftables' } },
  { where: 'flags only', facts: { ...usual, fromFile: false } },
  { where: 'bindAddress of IPv6', facts: { ...usual, bindsIpv6: true } },
];

/** Every field of both documents, in the order of the table that they are loaded by. */
export function describeFields(): readonly FieldDescription[] {
  return rows.map(describeField);
}

function describeField(row: Field): FieldDescription {
  const { path, kind, document, flag, live, help } = row;
  const fallback = fallbackOf(row, usual);
  const otherFallbacks = variants
    .map(({ where, facts }) => ({ where, fallback: fallbackOf(row, facts) }))
    .filter((variant) => variant.fallback !== fallback);
  return {
    path,
    document: kinds[document],
    flag: flag?.name ?? null,
    flagModes: flag?.modes ?? null,
    flagBeatsFile: flag?.beatsFile ?? false,
    type: types[kind],
    fallback,
    otherFallbacks,
    help,
    change: live ? 'live' : 'restart',
  };
}

function fallbackOf(row: Field, facts: DefaultFacts): string {
  const { fallback } = row;
  return formatSetting(row, typeof fallback === 'function' ? fallback(facts) : fallback);
}
