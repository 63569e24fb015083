import { formatDuration } from '../model/mod.ts';
import type { ValueKind, ValueKinds } from './field.ts';
import { formatMark } from './mark-text.ts';

/** A value as messages show it. */
export function showValue(kind: ValueKind, value: ValueKinds[ValueKind]): string {
  if (kind === 'duration' || kind === 'flush-duration') return formatDuration(value as number);
  if (kind === 'mark' && typeof value === 'number' && value >= 0) return formatMark(value);
  return JSON.stringify(value);
}
