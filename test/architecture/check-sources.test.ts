import { describe, expect, it } from 'vitest';
import { applyRule, rules } from './check-sources.ts';
import { loadSources } from './load-sources.ts';
import { parseSource } from './parse-source.ts';
import { formatViolation } from './source-file.ts';

describe('application of the rules', () => {
  it.each(rules)('fails when nothing was read: $name', (rule) => {
    expect(applyRule(rule, loadSources(['no-such-folder'])).map(formatViolation)).toEqual([
      'src:1: no file was read, so this rule has checked nothing',
    ]);
  });

  it('holds tests to the rules for all code only', () => {
    const files = [parseSource('src/cli/main.ts', ''), parseSource('test/lab/Node.ts', "import 'node:fs';")];
    const found = rules.flatMap((rule) => applyRule(rule, files)).map(formatViolation);
    expect(found).toEqual([expect.stringContaining('test/lab/Node.ts:1: file and folder names are kebab-case')]);
  });
});
