import { describe, expect, it } from 'vitest';
import type { LabelRequirement } from './settings.ts';
import { matchesSelector } from './zone-selector.ts';

const labels = { app: 'web', tier: '' };

describe('matchesSelector', () => {
  const cases: readonly (readonly [LabelRequirement, boolean])[] = [
    [{ key: 'app', operator: 'in', values: ['web', 'db'] }, true],
    [{ key: 'app', operator: 'in', values: ['db'] }, false],
    [{ key: 'no', operator: 'in', values: [''] }, false],
    [{ key: 'tier', operator: 'in', values: [''] }, true],
    [{ key: 'app', operator: 'notin', values: ['web'] }, false],
    [{ key: 'no', operator: 'notin', values: ['web'] }, true],
    [{ key: 'tier', operator: 'exists', values: [] }, true],
    [{ key: 'no', operator: 'exists', values: [] }, false],
    [{ key: 'toString', operator: 'exists', values: [] }, false],
    [{ key: 'no', operator: 'absent', values: [] }, true],
    [{ key: 'app', operator: 'absent', values: [] }, false],
  ];

  it.each(cases)('[DNS-115] %j: %s', (requirement, expected) => {
    expect(matchesSelector([requirement], labels)).toBe(expected);
  });

  it('[DNS-115] asks for all of them; none asks for nothing', () => {
    expect(matchesSelector(null, labels)).toBe(true);
    expect(matchesSelector([], labels)).toBe(true);
    expect(
      matchesSelector(
        [
          { key: 'app', operator: 'exists', values: [] },
          { key: 'no', operator: 'exists', values: [] },
        ],
        labels,
      ),
    ).toBe(false);
  });
});
