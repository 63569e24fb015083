import { expect, test } from 'vitest';
import type { Family, Frontend } from '../model/mod.ts';
import { endpoint, service, slice } from './records.fixture.ts';
import { watchRows } from './row-watch.ts';
import { StatusTable } from './status.ts';
import { deriveFrontends } from './view.ts';

function frontends(backends: number): readonly Frontend[] {
  const slices = [slice(Array.from({ length: backends }, (_, index) => endpoint(`10.244.1.${index + 1}`)))];
  return deriveFrontends(service({}), slices, {
    family: 'IPv4',
    nodeName: 'node-1',
    zone: null,
    nodeAddress: null,
    detectsPods: false,
    masqueradeAll: false,
    externalIps: true,
  });
}

function tableWith(family: Family, ...services: readonly string[]): StatusTable {
  const table = new StatusTable(family);
  for (const key of services) table.markDone(key, frontends(1), 1);
  return table;
}

test('hands out everything at first, in portions, and then what changed', () => {
  const table = tableWith('IPv4', 'shop/a', 'shop/b', 'shop/c');
  const watch = watchRows([table]);
  expect([watch.take(2), watch.take(2)].map((portion) => portion.map(({ service: key }) => key))).toEqual([
    ['shop/a', 'shop/b'],
    ['shop/c'],
  ]);
  expect(watch.take(2)).toEqual([]);
  table.markPending('shop/b', 5);
  table.markDone('shop/b', frontends(3), 6);
  expect(watch.waiting).toBe(1);
  const [changed] = watch.take(10);
  expect(changed?.service).toBe('shop/b');
  expect(changed?.rows.map(({ backends, state, since }) => ({ backends, state, since }))).toEqual([
    { backends: 3, state: 'Done', since: 6 },
  ]);
});

test('joins the families of a Service, and says of one that is gone that it has no rows', () => {
  const [four, six] = [tableWith('IPv4', 'shop/a'), tableWith('IPv6', 'shop/a')];
  const watch = watchRows([four, six]);
  expect(watch.take(10).map(({ rows }) => rows.map(({ family }) => family))).toEqual([['IPv4', 'IPv6']]);
  four.markDone('shop/a', [], 2);
  six.markDone('shop/a', [], 2);
  expect(watch.take(10)).toEqual([{ service: 'shop/a', rows: [] }]);
});

test('readers do not take from one another, and one that has left costs nothing', () => {
  const table = tableWith('IPv4', 'shop/a');
  const [one, two] = [watchRows([table]), watchRows([table])];
  one.take(10);
  expect(two.waiting).toBe(1);
  two.close();
  table.markPending('shop/a', 3);
  expect([one.waiting, two.waiting]).toEqual([1, 0]);
});
