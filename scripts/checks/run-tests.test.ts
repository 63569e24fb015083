import { describe, expect, it } from 'vitest';
import { kernelProject } from './kernel-tests.ts';
import { splitFiles } from './run-tests.ts';

const unit = { file: '/r/src/a.test.ts', projectName: 'unit' };
const kernel = { file: '/r/test/ipvs/b.test.ts', projectName: kernelProject };

describe('the place where a test runs', () => {
  it('is this machine for every test where its kernel will do', () => {
    expect(splitFiles([unit, kernel], true)).toEqual({ here: true, projects: [], inVm: [] });
  });

  it('is the virtual machine for those that need another kernel', () => {
    expect(splitFiles([unit, kernel], false)).toEqual({ here: true, projects: ['--project=!ipvs'], inVm: [kernel.file] });
  });

  it('is the virtual machine alone where no other test was chosen, and this machine alone where no such test was', () => {
    expect(splitFiles([kernel], false)).toMatchObject({ here: false, inVm: [kernel.file] });
    expect(splitFiles([unit], false)).toEqual({ here: true, projects: [], inVm: [] });
  });

  it('leaves it to vitest here to say why there is none', () => {
    expect(splitFiles([], false)).toEqual({ here: true, projects: [], inVm: [] });
    expect(splitFiles(null, false)).toEqual({ here: true, projects: [], inVm: [] });
  });
});
