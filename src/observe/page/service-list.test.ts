import { expect, test } from 'vitest';
import type { ServiceRows } from '../../model/mod.ts';
import { makeRow } from './row.fixture.ts';
import { ServiceList } from './service-list.ts';
import type { Selection } from './service-list.ts';

const all: Selection = { search: '', state: null, order: 'name' };

function rowsOf(service: string, given: Parameters<typeof makeRow>[0] = {}): ServiceRows {
  return { service, rows: [makeRow({ service, servicePort: `${service}:http/TCP`, ...given })] };
}

function namesOf(list: ServiceList, selection: Partial<Selection> = {}): readonly string[] {
  return list.select({ ...all, ...selection }).map(({ service }) => service);
}

function filled(): ServiceList {
  const list = new ServiceList();
  list.begin();
  list.apply([
    rowsOf('shop/web'),
    rowsOf('bank/api', { state: 'Error', since: 5000 }),
    rowsOf('shop/db', { address: '10.96.0.7' }),
  ]);
  list.finish();
  return list;
}

test('is sorted by name, whatever comes and goes', () => {
  const list = filled();
  expect(namesOf(list)).toEqual(['bank/api', 'shop/db', 'shop/web']);
  list.apply([{ service: 'shop/db', rows: [] }, rowsOf('aa/first')]);
  expect(namesOf(list)).toEqual(['aa/first', 'bank/api', 'shop/web']);
  expect(list.size).toBe(3);
});

test('every word of a search has to be found, and a state can be chosen', () => {
  const list = filled();
  expect(namesOf(list, { search: 'SHOP 10.96.0.7' })).toEqual(['shop/db']);
  expect(namesOf(list, { search: ' shop  nothing ' })).toEqual([]);
  expect(namesOf(list, { state: 'Error' })).toEqual(['bank/api']);
  expect(list.tally()).toEqual({ Done: 2, Pending: 0, Error: 1 });
});

test('orders by the last change and by connections', () => {
  const list = filled();
  expect(namesOf(list, { order: 'changed' })[0]).toBe('bank/api');
  const counts = { inactive: 0, persistent: 0, perSecond: 0, traffic: null, draining: false, endpoints: [] };
  list.applyCounts({
    'shop/web': { service: 'shop/web', active: 9, ...counts },
    'shop/db': { service: 'shop/db', active: 2, ...counts },
  });
  expect(namesOf(list, { order: 'connections' })).toEqual(['shop/web', 'shop/db', 'bank/api']);
  list.applyCounts({ 'shop/web': null });
  expect(list.countsOf('shop/web')).toBeNull();
});

test('a new picture empties nothing until it is complete, and then drops what it did not have', () => {
  const list = filled();
  list.begin();
  expect(list.size).toBe(3);
  list.apply([rowsOf('shop/web')]);
  expect(list.size).toBe(3);
  list.finish();
  expect(namesOf(list)).toEqual(['shop/web']);
});

test('names that mean something to JavaScript are names', () => {
  const list = new ServiceList();
  list.apply([rowsOf('__proto__/constructor'), rowsOf('a/<script>alert(1)</script>')]);
  expect(namesOf(list)).toEqual(['__proto__/constructor', 'a/<script>alert(1)</script>']);
});
