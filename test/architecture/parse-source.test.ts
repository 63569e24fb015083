import { describe, expect, it } from 'vitest';
import { parseSource } from './parse-source.ts';

function importsOf(text: string): readonly (string | null)[] {
  return parseSource('src/x/a.ts', text)
    .imports.map((edge) => edge.specifier)
    .toSorted();
}

function usesOf(text: string): readonly string[] {
  return parseSource('src/x/a.ts', text)
    .uses.map((use) => use.name)
    .toSorted();
}

describe('imports of a file', () => {
  it.each([
    ["import { a } from './b.ts';", './b.ts'],
    ["import './b.ts';", './b.ts'],
    ["import type { A } from './b.ts';", './b.ts'],
    ["export { a } from './b.ts';", './b.ts'],
    ["export * from './b.ts';", './b.ts'],
    ["export type * as all from './b.ts';", './b.ts'],
    ["const a = await import('./b.ts');", './b.ts'],
    ['const a = () => import(`./b.ts`);', './b.ts'],
    ["type A = import('./b.ts').A;", './b.ts'],
    ["let a: (x: typeof import('./b.ts')) => void;", './b.ts'],
    ["const fs = process.getBuiltinModule('fs');", 'fs'],
    ["const fs = require('fs');", 'fs'],
    ["const url = import.meta.resolve('./b.ts');", './b.ts'],
    ["new Worker(new URL('./b.ts', import.meta.url));", './b.ts'],
    ["new Worker(new URL('b.ts', import.meta.url));", './b.ts'],
    ['const a = import(name);', null],
  ])('finds %s', (text, specifier) => {
    expect(importsOf(text)).toEqual([specifier]);
  });

  it('takes no text, comment or data file for an import', () => {
    const text = [
      '// import { a } from "./b.ts"',
      'const a = "import(\'./b.ts\')";',
      "const icon = new URL('./icon.png', import.meta.url);",
      "const path = resolve('./b.ts');",
      "const page = new URL('./b.ts', base);",
    ];
    expect(importsOf(text.join('\n'))).toEqual([]);
  });

  it('knows names, lines and what is only a type', () => {
    const { imports } = parseSource(
      'src/x/a.ts',
      "\nimport all, { b as c } from './b.ts';\nimport * as d from './d.ts';\nimport { type E } from './e.ts';\nimport { F, type G } from './f.ts';",
    );
    const byName = imports.toSorted((a, b) => a.line - b.line);
    expect(byName).toEqual([
      { specifier: './b.ts', names: ['default', 'b'], typeOnly: false, line: 2 },
      { specifier: './d.ts', names: ['*'], typeOnly: false, line: 3 },
      { specifier: './e.ts', names: ['E'], typeOnly: true, line: 4 },
      { specifier: './f.ts', names: ['F', 'G'], typeOnly: false, line: 5 },
    ]);
  });
});

describe('uses of the world', () => {
  it.each([
    ['const t = Date.now();', ['Date.now']],
    ['const t = new Date();', ['new Date()']],
    ['const { now } = Date;', ['Date']],
    ["const t = Date['now']();", ['Date.now']],
    ['const t = performance.now();', ['performance.now']],
    ['const r = Math.random();', ['Math.random']],
    ['const t = process.hrtime.bigint();', ['process.hrtime']],
    ['setTimeout(f, 1);', ['setTimeout']],
    ['const later = { schedule: setImmediate };', ['setImmediate']],
    ['const t = globalThis.Date;', ['globalThis.Date']],
    ['const f = async () => { await g(); };', ['async', 'await']],
    ['async function f() { for await (const x of y) g(x); }', ['async', 'await']],
    ['const t = (Date as Clock).now();', ['Date']],
    ['const f = (clock = performance) => clock;', ['performance']],
  ])('finds them in %s', (text, names) => {
    expect(usesOf(text)).toEqual(names);
  });

  it.each([
    'const d = new Date(0);',
    'const u = Date.UTC(2020, 1);',
    'const m = Math.max(1, 2);',
    'const isDate = x instanceof Date;',
    'type T = typeof Date; let d: Date; function f(p: typeof performance): Date { return p.d; }',
    'const o = { process: 1, fetch() {} }; o.process; o.fetch();',
    'function f(process: P, { fetch }: Q, console = null) { process.run(); fetch(); console.log(); }',
    "import { console } from './mine.ts'; console.log();",
    'class Timer { setTimeout() { return this.performance; } }',
  ])('finds none in %s', (text) => {
    expect(usesOf(text)).toEqual([]);
  });
});

describe('shape of a file', () => {
  it('counts lines with and without a final line break', () => {
    expect(parseSource('a.ts', 'const a = 1;\nconst b = 2;\n').lineCount).toBe(2);
    expect(parseSource('a.ts', 'const a = 1;\nconst b = 2;').lineCount).toBe(2);
  });

  it('sees a doc comment only where it comes first', () => {
    expect(parseSource('a.ts', '/** What for. */\nexport const a = 1;').startsWithDoc).toBe(true);
    expect(parseSource('a.ts', '// What for.\nexport const a = 1;').startsWithDoc).toBe(false);
    expect(parseSource('a.ts', 'export const a = 1;\n/** What for. */').startsWithDoc).toBe(false);
  });

  it('reports what is no TypeScript', () => {
    expect(parseSource('a.ts', 'const = ;').syntaxErrors).not.toEqual([]);
    expect(parseSource('a.ts', 'const a: number = 1;').syntaxErrors).toEqual([]);
  });
});
