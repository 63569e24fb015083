import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';

function print(document: { readonly version: number }, format: DocumentFormat): string {
  let printed = '';
  printDocument(document, format, { out: (text) => void (printed += text), err: () => {} });
  return printed;
}

const shared = { name: 'a'.repeat(50) };
const document = {
  version: 1,
  text: `${'word '.repeat(60)}end`,
  control: 'no \u001b[31mroom',
  on: 'on',
  parts: [shared, shared],
};

test('JSON and YAML say the same, the version first', () => {
  expect(JSON.parse(print(document, 'json'))).toEqual(document);
  expect(parse(print(document, 'yaml'))).toEqual(document);
  expect(print(document, 'json')).toMatch(/^\{\n {2}"version": 1,\n/);
  expect(print(document, 'yaml')).toMatch(/^version: 1\n/);
});

test('YAML has one line for each field, no aliases, and no control characters', () => {
  const printed = print(document, 'yaml');
  expect(printed.split('\n')).toHaveLength(8);
  for (const text of ['&a1', '*a1', '\u001b']) expect(printed).not.toContain(text);
});
