import type { LabelSelector } from './settings.ts';
import type { LabelSet } from './zone-input.ts';

/** Whether labels fulfil all requirements, as the API's selectors have it: `notin` holds for an absent key as well. */
export function matchesSelector(selector: LabelSelector | null, labels: LabelSet): boolean {
  if (selector === null) return true;
  return selector.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'in':
        return value !== undefined && values.includes(value);
      case 'notin':
        return value === undefined || !values.includes(value);
      case 'exists':
        return value !== undefined;
      case 'absent':
        return value === undefined;
    }
  });
}
