import { describe, expect, it } from 'vitest';
import { judgeTests } from './judge-tests.ts';
import { emptyTally } from './tally.ts';

const good = { code: 0, stopped: null };

describe('judgement of a test run', () => {
  it('takes the tally of a good run as it is', () => {
    expect(judgeTests(good, { ...emptyTally, passed: 3 })).toEqual({ ...emptyTally, passed: 3 });
  });

  it('does not count a failed run twice', () => {
    expect(judgeTests({ code: 1, stopped: null }, { ...emptyTally, failures: ['a'] }).failures).toEqual(['a']);
  });

  it('adds a failure when the runner failed without one, was stopped, wrote nothing or ran nothing', () => {
    const passed = { ...emptyTally, passed: 3 };
    expect(judgeTests({ code: 1, stopped: null }, passed).failures[0]).toContain('named no failed test');
    expect(judgeTests({ code: null, stopped: null }, passed).failures[0]).toContain('a signal');
    expect(judgeTests({ code: 0, stopped: 'took longer than 5 s' }, passed).failures[0]).toContain('took longer');
    expect(judgeTests(good, null).failures[0]).toContain('no test ran');
    expect(judgeTests(good, { ...emptyTally, skips: [{ name: 'a', reason: 'needs root' }] }).failures[0]).toContain(
      'no test ran',
    );
  });
});
