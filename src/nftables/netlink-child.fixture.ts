import { createInterface } from 'node:readline';
import { openNetlinkNftPort } from './driver-netlink.ts';
import { packTable } from './table-transport.fixture.ts';
import type { TableName, Transaction } from './transaction.ts';

/** One question for each line on standard input; the answers on standard output, in the same order. */
type Question =
  | { readonly apply: Transaction; readonly generation?: number }
  | { readonly read: TableName }
  | { readonly ask: 'generation' };

const opened = await openNetlinkNftPort({ pause: () => null });
if (!opened.ok) throw new Error(opened.problem.message);
const port = opened.value;

async function answer(question: Question): Promise<unknown> {
  if ('apply' in question) return await port.apply(question.apply, question.generation);
  if ('ask' in question) return await port.generation?.();
  const table = await port.readTable(question.read.family, question.read.name);
  return table.ok && table.value !== null ? { ...table, value: packTable(table.value) } : table;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Question))}\n`);
}
await port.close();
