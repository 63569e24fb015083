import { expect, it } from 'vitest';
import { holdOutput } from './held-output.ts';

it('keeps back what is written before its turn, and nothing after it', () => {
  const printed: string[] = [];
  const output = holdOutput((chunk) => printed.push(String(chunk)));
  output.write('first\n');
  output.write(Buffer.from('second\n'));
  expect(printed).toEqual([]);
  output.release();
  expect(printed).toEqual(['first\n', 'second\n']);
  output.write('third\n');
  output.release();
  expect(printed).toEqual(['first\n', 'second\n', 'third\n']);
});
