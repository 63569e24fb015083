import type { LabelRequirement } from './publication.ts';
import type { Labels } from './records.ts';

/** Requirements that must all hold; none asks for nothing. */
export type LabelSelector = readonly LabelRequirement[];

const labelKey = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * A label selector in the text form of kubectl: `app=web,tier in (a, b),!canary,env!=test`. Comparing numbers (`a>1`) is for
 * scheduling alone and not read. Null where it is none.
 */
export function parseSelector(text: string): LabelSelector | null {
  const requirements: LabelRequirement[] = [];
  for (const part of text.trim() === '' ? [] : splitParts(text)) {
    const requirement = parseRequirement(part.trim());
    if (requirement === null) return null;
    requirements.push(requirement);
  }
  return requirements;
}

/** The text between commas; those inside of parentheses separate values. */
function splitParts(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let inside = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text[at];
    if (code === '(') inside = true;
    else if (code === ')') inside = false;
    else if (code === ',' && !inside) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parseRequirement(text: string): LabelRequirement | null {
  const set = /^([^\s()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) return makeSet(set[1], set[2] === 'in' ? 'in' : 'not-in', readValues(set[3]));
  const equal = /^([^\s=!]+)\s*(==?|!=)\s*([^\s=!]*)$/.exec(text);
  if (equal !== null) return makeSet(equal[1], equal[2] === '!=' ? 'not-in' : 'in', [equal[3] ?? '']);
  const [, not, label = ''] = /^(!?)\s*([^\s=!]+)$/.exec(text) ?? [];
  return labelKey.test(label) ? { label, operator: not === '!' ? 'not-exists' : 'exists' } : null;
}

/** `()` names no value at all, which no label could have; `(,a)` names the empty one too. */
function readValues(text = ''): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map((value) => value.trim());
}

function makeSet(label = '', operator: 'in' | 'not-in', values: readonly string[]): LabelRequirement | null {
  const usable = labelKey.test(label) && values.length > 0 && values.every((value) => labelValue.test(value));
  return usable ? { label, operator, values } : null;
}

/** The text that {@link parseSelector} reads as these requirements. */
export function formatSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement(requirement: LabelRequirement): string {
  switch (requirement.operator) {
    case 'exists':
      return requirement.label;
    case 'not-exists':
      return `!${requirement.label}`;
    case 'in':
    case 'not-in':
      return formatSet(requirement);
  }
}

/** One value is compared: between parentheses an empty one alone would be none. */
function formatSet({ label, operator, values }: Extract<LabelRequirement, { readonly values: unknown }>): string {
  const isIn = operator === 'in';
  if (values.length === 1) return `${label}${isIn ? '=' : '!='}${values[0] ?? ''}`;
  return `${label} ${isIn ? 'in' : 'notin'} (${values.join(',')})`;
}

/** Whether labels fulfil all requirements, as the API's selectors have it: `not-in` holds for an absent label as well. */
export function matchesSelector(selector: LabelSelector | null, labels: Labels): boolean {
  return selector === null || selector.every((requirement) => isFulfilled(requirement, labels));
}

function isFulfilled(requirement: LabelRequirement, labels: Labels): boolean {
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
}
