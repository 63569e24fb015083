import { describe, expect, test } from 'vitest';
import { end, event, longWatch, play, thing } from './reflector-script.fixture.ts';

describe('changes that follow each other', () => {
  const change = (version: number): string => event('MODIFIED', thing('a', version));
  const begin = `${event('ADDED', thing('a', 3))}${end(5)}`;

  test('the first two are read at once, and what comes after them is gathered', async () => {
    const run = await play([{ pieces: [begin, change(6), change(7), change(8)], apart: 30, lasts: longWatch }], 0.5, {
      gatherMs: 100,
    });
    // After the list too: a change right after it comes second.
    expect(run.waits).toEqual([100, 100, 100]);
    expect(run.things.get('a')).toEqual({ name: 'a', size: 1 });
  });

  test('what comes now and then is read at once', async () => {
    const run = await play([{ pieces: [begin, change(6), change(7), change(8)], apart: 130, lasts: longWatch }], 0.5, {
      gatherMs: 100,
    });
    expect(run.waits).toEqual([]);
  });

  test('a list, and a piece as large as a read, wait for nothing', async () => {
    const many = [6, 7, 8].map((version) => event('MODIFIED', { ...thing('a', version), note: 'x'.repeat(50_000) }));
    const lists = [event('ADDED', thing('a', 3)), event('ADDED', thing('b', 4)), end(5)];
    const run = await play([{ pieces: [...lists, ...many], lasts: longWatch }], 0.5, { gatherMs: 100 });
    expect(run.waits).toEqual([]);
  });
});
