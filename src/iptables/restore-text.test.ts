import { expect, test } from 'vitest';
import type { Operation } from './operation.ts';
import type { Batch } from './port.ts';
import { planSection, renderBatch } from './restore-text.ts';

const base = { table: 'nat' as const, owner: null };
const write = (chain: string, ...rules: string[]): Operation => ({ kind: 'write-chain', ...base, chain, rules });
const drop = (chain: string): Operation => ({ kind: 'delete-chain', ...base, chain });
const append = (chain: string): Operation => ({ kind: 'append-rule', ...base, chain, rule: '-j D' });
const first: Batch[number] = {
  table: 'nat',
  operations: [
    drop('OLD'),
    write('A', '-j B'),
    append('C'),
    drop('OLDER'),
    { kind: 'insert-rule', ...base, chain: 'C', position: 2, rule: '-j A' },
    write('B'),
  ],
};
const second: Batch[number] = {
  table: 'filter',
  operations: [{ kind: 'delete-rule', ...base, table: 'filter', chain: 'INPUT', rule: '-j OLD' }],
};

const text = `# 0
*nat
:A - [0:0]
:B - [0:0]
-A A -j B
-A C -j D
-I C 2 -j A
-F OLD
-F OLDER
-X OLD
-X OLDER
COMMIT
# 1
*filter
-D INPUT -j OLD
COMMIT
`;

test('chains are declared first and removed last', () => {
  expect([...renderBatch([first, second]).chunks()].join('')).toBe(text);
  expect([...renderBatch([]).chunks()]).toEqual([]);
});

test('every line is traced to its operation', () => {
  const { operationAt } = renderBatch([first, second]);
  const lines = text.trimEnd().split('\n');
  for (const [index, line] of lines.entries()) {
    const origin = operationAt(index + 1);
    expect(origin?.text).toBe(line);
    expect(origin?.section).toBe(index < 12 ? 0 : 1);
    const chain = /^(?::|-[AIDFX] )(\S+)/.exec(line)?.[1] ?? null;
    expect(origin?.operation?.chain ?? null).toBe(chain);
  }
  expect(operationAt(0)).toBeNull();
  expect(operationAt(lines.length + 1)).toBeNull();
});

test('long batches come in pieces that add up', () => {
  const rules = Array.from({ length: 5000 }, (_, index) => `-d 10.0.${index >> 8}.${index & 255}/32 -j B`);
  const chunks = [...renderBatch([{ table: 'nat', operations: [write('A', ...rules), write('B')] }]).chunks()];
  expect(chunks.length).toBeGreaterThan(2);
  expect(chunks.join('').split('\n')).toHaveLength(5000 + 5 + 1);
});

test.each<[string, Operation[]]>([
  ['written twice', [write('A'), write('A')]],
  ['written and deleted', [write('A'), drop('A')]],
  ['deleted and written', [drop('A'), write('A')]],
  ['changed before it is written', [append('A'), write('A')]],
])('a chain that is %s in one section is a bug of the caller', (_, operations) => {
  expect(() => planSection(operations)).toThrow(TypeError);
});
