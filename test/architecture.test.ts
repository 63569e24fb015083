import { describe, expect, it } from 'vitest';
import { applyRule, rules } from './architecture/check-sources.ts';
import { loadSources } from './architecture/load-sources.ts';
import { formatViolation } from './architecture/source-file.ts';

const files = loadSources(['src', 'test', 'scripts', 'bench', 'demo']);

describe('architecture', () => {
  it.each(rules)('$name', (rule) => {
    expect(applyRule(rule, files).map(formatViolation)).toEqual([]);
  });

  it('has read the files of the product, their imports and their uses of the world', () => {
    const product = files.filter((file) => file.path.startsWith('src/'));
    expect(product.map((file) => file.path)).toContain('src/model/mod.ts');
    expect(product.flatMap((file) => file.imports).length).toBeGreaterThan(product.length / 2);
    expect(files.flatMap((file) => file.uses).length).toBeGreaterThan(0);
  });
});
