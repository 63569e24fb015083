import { describe, expect, it } from 'vitest';
import { addTallies, emptyTally, exitCodeOf, formatClosingLine, formatDetails, tallyCheck } from './tally.ts';

const skips = [
  { name: 'a', reason: 'needs root' },
  { name: 'b', reason: 'no ip_vs' },
  { name: 'c', reason: 'needs root' },
];

describe('tally', () => {
  it('sums checks and closes with the three counts', () => {
    const sum = addTallies(addTallies(tallyCheck('types', null), tallyCheck('lint', 'two errors')), { ...emptyTally, skips });
    expect(formatClosingLine(sum)).toBe('1 passed, 1 failed, 3 skipped');
  });

  it('groups skipped tests by reason and names failures last', () => {
    expect(formatDetails({ passed: 0, failures: ['lint: two errors'], skips })).toEqual([
      'SKIPPED 2: needs root',
      '  - a',
      '  - c',
      'SKIPPED 1: no ip_vs',
      '  - b',
      'FAILED lint: two errors',
    ]);
  });

  it('succeeds only when something passed and nothing failed', () => {
    expect(exitCodeOf(tallyCheck('types', null))).toBe(0);
    expect(exitCodeOf(tallyCheck('types', 'wrong'))).toBe(1);
    expect(exitCodeOf(emptyTally)).toBe(1);
    expect(exitCodeOf({ ...emptyTally, skips })).toBe(1);
  });
});
