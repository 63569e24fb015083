import { noLabels } from '../model/mod.ts';
import type { Labels } from '../model/mod.ts';
import { fieldOf, isObject } from './decode-fields.ts';
import { shareString } from './decode-names.ts';

/** `metadata.labels`, where somebody asked for labels. What is no text was never a label, and no selector could name it. */
export function readLabels(raw: unknown, wanted: boolean): Labels {
  if (!wanted) return noLabels;
  const labels = fieldOf(fieldOf(raw, 'metadata'), 'labels');
  if (!isObject(labels)) return noLabels;
  const found: (readonly [string, string])[] = [];
  for (const [name, value] of Object.entries(labels)) {
    if (typeof value === 'string') found.push([shareString(name), shareString(value)]);
  }
  // Entries become own properties whatever their names are, `__proto__` included.
  return found.length === 0 ? noLabels : Object.fromEntries(found);
}
