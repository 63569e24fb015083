import { describe, expect, it } from 'vitest';
import type { LabelRequirement } from '../model/mod.ts';
import { matchesLabels } from './mod.ts';

const labels = { role: 'edge', zone: 'a', empty: '' };

describe('label selector', () => {
  it.each<[string, readonly LabelRequirement[], boolean]>([
    ['nothing', [], true],
    ['role=edge', [{ label: 'role', operator: 'in', values: ['edge'] }], true],
    ['role in (core,edge)', [{ label: 'role', operator: 'in', values: ['core', 'edge'] }], true],
    ['role=core', [{ label: 'role', operator: 'in', values: ['core'] }], false],
    ['absent=x', [{ label: 'absent', operator: 'in', values: ['x'] }], false],
    ['empty=', [{ label: 'empty', operator: 'in', values: [''] }], true],
    ['absent=', [{ label: 'absent', operator: 'in', values: [''] }], false],
    ['role!=core', [{ label: 'role', operator: 'not-in', values: ['core'] }], true],
    ['role notin (edge)', [{ label: 'role', operator: 'not-in', values: ['edge'] }], false],
    ['absent!=x', [{ label: 'absent', operator: 'not-in', values: ['x'] }], true],
    ['empty', [{ label: 'empty', operator: 'exists' }], true],
    ['absent', [{ label: 'absent', operator: 'exists' }], false],
    ['toString', [{ label: 'toString', operator: 'exists' }], false],
    ['!absent', [{ label: 'absent', operator: 'not-exists' }], true],
    ['!role', [{ label: 'role', operator: 'not-exists' }], false],
    [
      'role=edge,!zone',
      [
        { label: 'role', operator: 'in', values: ['edge'] },
        { label: 'zone', operator: 'not-exists' },
      ],
      false,
    ],
  ])('%s', (_, requirements, expected) => {
    expect(matchesLabels(labels, requirements)).toBe(expected);
  });
});
