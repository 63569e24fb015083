import { describe, expect, it } from 'vitest';
import { countFinishedFiles, countListedFiles, countProcessedFiles } from './count-files.ts';

describe('count of files a checker read', () => {
  it('counts our own TypeScript files in the list of the compiler', () => {
    const output = [
      '/r/node_modules/typescript/lib/lib.d.ts',
      '/r/src/a.ts',
      '/other/src/b.ts',
      '/r/src/c.ts',
      'src/d.ts(1,2): error',
    ];
    expect(countListedFiles(output.join('\n'), '/r')).toBe(2);
    expect(countListedFiles('', '/r')).toBe(0);
  });

  it('reads the closing line of oxlint and oxfmt, singular and plural', () => {
    expect(
      countFinishedFiles('Found 0 warnings and 0 errors.\nFinished in 55ms on 16 files with 171 rules using 2 threads.'),
    ).toBe(16);
    expect(countFinishedFiles('Finished in 1.2s on 1 file using 2 threads.')).toBe(1);
    expect(countFinishedFiles('No files found matching the given patterns.')).toBe(0);
  });

  it('reads the line of the knip reporter', () => {
    expect(countProcessedFiles('x\nknip processed 43 files\n')).toBe(43);
    expect(countProcessedFiles('')).toBe(0);
  });
});
