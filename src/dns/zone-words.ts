import { formatName, joinLabels } from './name.ts';

/** Labels as people read them: dotted, with whatever does not print escaped. They come from a name, so they make one. */
export function showLabels(labels: readonly string[]): string {
  if (labels.every((label) => /^[a-z0-9_-]+$/.test(label))) return labels.join('.');
  return formatName(joinLabels(labels) ?? '').slice(0, -1);
}
