import { describe, expect, it } from 'vitest';
import { parseManifest } from './manifest-parse.ts';
import type { ManifestDocument } from './manifest-parse.ts';

function parse(text: string, format: 'yaml' | 'json' = 'yaml'): readonly ManifestDocument[] {
  return [...parseManifest(text, format)];
}

function valuesOf(documents: readonly ManifestDocument[]): readonly unknown[] {
  return documents.map((each) => (each.ok ? each.value : `line ${each.line}: ${each.message}`));
}

describe('parseManifest', () => {
  it('counts documents and lines', () => {
    const text = '# head\nkind: A\n---\n\n# note\nkind: B\n---\nkind: C\n';
    expect(parse(text)).toEqual([
      { ok: true, document: 1, line: 2, value: { kind: 'A' } },
      { ok: true, document: 2, line: 6, value: { kind: 'B' } },
      { ok: true, document: 3, line: 8, value: { kind: 'C' } },
    ]);
  });

  it('reads empty documents as null, and an empty file as one', () => {
    expect(valuesOf(parse(''))).toEqual([null]);
    expect(valuesOf(parse('---\n---\nkind: A\n---\n'))).toEqual([null, { kind: 'A' }, null]);
  });

  it('names the line of a fault and goes on to the next document', () => {
    const [first, second, third] = parse('kind: A\n---\nkind: B\nspec: {a: [1, 2\n---\nkind: C\n');
    expect(first).toMatchObject({ ok: true });
    expect(second).toMatchObject({ ok: false, document: 2 });
    expect(second?.line).toBeGreaterThanOrEqual(4);
    expect(third).toMatchObject({ ok: true, document: 3, value: { kind: 'C' } });
  });

  it('takes a key that stands twice for a fault', () => {
    expect(parse('kind: A\nspec:\n  port: 1\n  port: 2\n')).toEqual([
      { ok: false, document: 1, line: 4, message: 'Map keys must be unique' },
    ]);
  });

  it('keeps times and addresses as text, and knows anchors and merge keys', () => {
    const text = 'base: &b {a: 1, at: 2026-05-01T00:00:00Z}\nmore:\n  <<: *b\n  ip: 10.0.0.1\n';
    expect(valuesOf(parse(text))).toEqual([
      { base: { a: 1, at: '2026-05-01T00:00:00Z' }, more: { a: 1, at: '2026-05-01T00:00:00Z', ip: '10.0.0.1' } },
    ]);
  });

  it('refuses a file that unfolds without end', () => {
    const levels = Array.from({ length: 20 }, (_, level) => {
      const inner = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array.from({ length: 10 }, () => inner).join(', ')}]`;
    });
    expect(parse(levels.join('\n'))).toMatchObject([{ ok: false, line: 1, message: expect.stringContaining('alias') }]);
  });

  it('survives nesting that is deeper than the call stack', () => {
    for (const format of ['yaml', 'json'] as const)
      expect(parse('['.repeat(100_000), format).some((each) => !each.ok)).toBe(true);
  });

  it('never throws on cut-off text', () => {
    const text =
      'apiVersion: v1\nkind: Service\nmetadata: {name: "a\\u0041", labels: &x {b: c}}\nspec:\n  - *x\n  - |\n    text\n...\n%YAML 1.2\n---\n"x"\n';
    for (let end = 0; end <= text.length; end += 1) expect(parse(text.slice(0, end)).length).toBeGreaterThan(0);
  });

  it('reads JSON, with a byte order mark as well', () => {
    expect(parse('\ufeff{"kind": "A"}', 'json')).toEqual([{ ok: true, document: 1, line: 1, value: { kind: 'A' } }]);
    expect(valuesOf(parse('{"kind": "A"}', 'yaml'))).toEqual([{ kind: 'A' }]);
  });

  it('names the line of a fault in JSON', () => {
    const [cut] = parse('{\n  "kind": "A",\n  "spec": {\n', 'json');
    expect(cut).toMatchObject({ ok: false, document: 1 });
    expect(cut?.line).toBeGreaterThanOrEqual(3);
  });

  it('keeps control characters out of messages', () => {
    for (const each of parse('a: *x\u009b\u202ey\n')) {
      expect(each).toMatchObject({ ok: false });
      expect(each.ok ? '' : each.message).not.toMatch(/[\p{C}]/u);
    }
  });
});
