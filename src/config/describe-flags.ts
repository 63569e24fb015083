import type { EffectiveConfig } from './effective-config.ts';
import { formatDuration } from '../model/mod.ts';
import type { Field, ValueKind, ValueKinds } from './field.ts';
import { formatMark } from './mark-text.ts';
import { formatPool } from './pool-text.ts';
import type { PoolText } from './pool-text.ts';
import { rows } from './fields.ts';

/**
 * Every flag that sets a field, and those of the source, with the value in force as one would write it. A flag that
 * sets nothing in the active mode shows the field it would set in another.
 */
export function describeFlags(config: EffectiveConfig): ReadonlyMap<string, string> {
  const flags = new Map<string, string>([
    ['manifests', config.manifests ?? ''],
    ['master', config.master ?? ''],
  ]);
  const ordered = rows.toSorted((a, b) => Number(counts(a, config)) - Number(counts(b, config)));
  for (const row of ordered) if (row.flag !== null) flags.set(row.flag.name, formatSetting(row, config.settings[row.path]));
  return flags;
}

function counts({ flag }: Field, { mode }: EffectiveConfig): boolean {
  return flag?.modes === undefined || flag.modes.includes(mode);
}

/** A value as one would write it; empty where nothing is given. */
export function formatSetting({ kind }: Field, value: ValueKinds[ValueKind]): string {
  if (kind === 'duration' || kind === 'flush-duration') return formatDuration(value as number);
  if (kind === 'mark') return formatMark(value as number);
  if (kind === 'pool-list') return (value as readonly PoolText[]).map(formatPool).join(',');
  if (Array.isArray(value)) return value.join(',');
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, on]) => `${name}=${String(on)}`)
    .join(',');
}
