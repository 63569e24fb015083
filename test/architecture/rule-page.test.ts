import { describe, expect, it } from 'vitest';
import { parseSource } from './parse-source.ts';
import { findPageArrows } from './rule-page.ts';

function reasonsFor(path: string, text: string): readonly string[] {
  return findPageArrows([parseSource(path, text)]).map((violation) => violation.reason);
}

describe('arrows of the status page', () => {
  it.each([
    ['src/observe/page/list.ts', "import { a } from './format.ts'; import type { StatusRow } from '../../model/mod.ts';"],
    ['src/observe/page/browser/main.ts', "import { a } from '../list.ts'; import { b } from './element.ts';"],
    ['src/observe/page/list.test.ts', "import { expect } from 'vitest';"],
    ['src/observe/mod.ts', "export { a } from './page/format.ts';"],
  ])('%s may say %s', (path, text) => {
    expect(reasonsFor(path, text)).toEqual([]);
  });

  it.each([
    ['src/observe/page/list.ts', "import { a } from '../../model/mod.ts';", 'not served to browsers'],
    ['src/observe/page/list.ts', "import { join } from 'node:path';", 'not served to browsers'],
    ['src/observe/page/browser/main.ts', "import { a } from 'valibot';", 'not served to browsers'],
    ['src/observe/page/browser/main.ts', "import { a } from '../../table.ts';", 'not served to browsers'],
    ['src/observe/page-routes.ts', "import { a } from './page/browser/element.ts';", 'without a document'],
    ['src/observe/page/list.ts', "import { a } from './browser/element.ts';", 'without a document'],
  ])('%s may not say %s', (path, text, reason) => {
    expect(reasonsFor(path, text)).toEqual([expect.stringContaining(reason)]);
  });
});
