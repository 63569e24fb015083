import { describe, expect, it } from 'vitest';
import { judgeStep, listSteps } from './steps.ts';

describe('judgement of a step', () => {
  it('fails on an exit code, a signal and on too few files', () => {
    expect(judgeStep(0, 10, 10)).toBeNull();
    expect(judgeStep(1, 10, 10)).toBe('ended with exit code 1');
    expect(judgeStep(null, 10, 10)).toBe('ended with a signal');
    expect(judgeStep(0, 9, 10)).toBe('read 9 files where there are 10');
    expect(judgeStep(0, 0, 0)).toBe('read 0 files where there are 0');
  });

  it('has no step that takes silence for files', () => {
    expect(listSteps('/r').map((step) => step.countFiles(''))).toEqual([0, 0, 0, 0, 0]);
  });

  it('has a compiler for each file: that of the status page for its scripts, and the other one for all others', () => {
    const compilers = listSteps('/r').filter((step) => step.name.startsWith('types'));
    const readers = (path: string): readonly string[] => compilers.filter((step) => step.reads(path)).map(({ name }) => name);
    expect(readers('src/observe/page/browser/main.ts')).toEqual(['types of the status page']);
    for (const path of ['src/observe/page/format.ts', 'src/cli/run.ts', 'test/page/page.test.ts'])
      expect(readers(path)).toEqual(['types']);
  });

  it('shows the messages of the compiler without its list of files', () => {
    const types = listSteps('/r').find((step) => step.name === 'types');
    expect(types?.pickMessages('/r/src/a.ts\nsrc/a.ts(1,2): error TS1: no\n/r/src/b.ts\n')).toBe(
      'src/a.ts(1,2): error TS1: no\n',
    );
  });
});
