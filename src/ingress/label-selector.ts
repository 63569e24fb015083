import type { LabelRequirement, Labels } from '../model/mod.ts';

/**
 * Whether labels fulfil all parts of a selector. As in Kubernetes an object without the label fulfils `not-in`
 * (apimachinery, `labels.Requirement.Matches`).
 */
export function matchesLabels(labels: Labels, requirements: readonly LabelRequirement[]): boolean {
  return requirements.every((requirement) => {
    const value = Object.hasOwn(labels, requirement.label) ? labels[requirement.label] : undefined;
    switch (requirement.operator) {
      case 'in':
        return value !== undefined && requirement.values.includes(value);
      case 'not-in':
        return value === undefined || !requirement.values.includes(value);
      case 'exists':
        return value !== undefined;
      case 'not-exists':
        return value === undefined;
    }
  });
}
