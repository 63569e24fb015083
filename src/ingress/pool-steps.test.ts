import { describe, expect, it } from 'vitest';
import type { LiveService } from '../model/mod.ts';
import { decideBatch } from './pool-batch.ts';
import { addressOf, poolServicesOf, recordOf, testClass } from './pool-service.fixture.ts';
import { decideStep, listTouches } from './pool-steps.ts';
import type { Step, Touch } from './pool-steps.ts';
import { measureTable, readTable, renderRow } from './pool-table.ts';
import type { TableRow } from './pool-table.ts';

const x = addressOf('10.0.0.1');
const y = addressOf('10.0.0.2');
const foreign = addressOf('198.51.100.1');

function liveOf(change: Partial<LiveService> = {}): LiveService {
  const addresses = change.addresses ?? [];
  return { uid: 'u', version: 'v2', type: 'LoadBalancer', loadBalancerClass: testClass, deleting: false, ...change, addresses };
}

function rowOf(version: string, ...held: readonly (typeof x)[]): TableRow {
  return { key: 'shop/a', version, held };
}

function decide(wish: Touch['wish'], row: TableRow | null, live: LiveService | null): Step | null {
  return decideStep({ uid: 'u', key: 'shop/a', wish }, row, live, testClass);
}

describe('a step of one Service', () => {
  it('reserves at the version that was read, and writes', () => {
    expect(decide([x], null, liveOf())).toEqual({ row: rowOf('v2', x), write: [x] });
  });

  it('reserves anew where the Service has moved on, so that the old write is past', () => {
    expect(decide([x], rowOf('v1', x), liveOf())).toEqual({ row: rowOf('v2', x), write: [x] });
  });

  it('holds the old address until the status has been seen without it', () => {
    const showing = liveOf({ addresses: [x] });
    expect(decide([y], rowOf('v1', x), showing)).toEqual({ row: rowOf('v2', x, y), write: [y] });
    expect(decide([y], rowOf('v2', x, y), liveOf({ version: 'v3', addresses: [y] }))).toEqual({
      row: rowOf('v2', y),
      write: null,
    });
  });

  it('gives back nothing that a write on its way may still bring, but has it out', () => {
    expect(decide([], rowOf('v2', x), liveOf())).toEqual({ row: rowOf('v2', x), write: [x] });
    expect(decide([], rowOf('v2', x), liveOf({ version: 'v3', addresses: [x] }))).toEqual({ row: rowOf('v3', x), write: [] });
    expect(decide([], rowOf('v3', x), liveOf({ version: 'v4' }))).toEqual({ row: null, write: null });
  });

  it('adopts what a status shows and no row knows', () => {
    expect(decide([x], null, liveOf({ addresses: [x] }))).toEqual({ row: rowOf('v2', x), write: null });
  });

  it('frees all of a Service that is gone, and of one whose name another has now', () => {
    expect(decide(null, rowOf('v1', x), null)).toEqual({ row: null, write: null });
    expect(decide([x], rowOf('v1', x), liveOf({ uid: 'other', addresses: [] }))).toEqual({ row: null, write: null });
  });

  it('clears what is ours, and only that, of a Service that is not ours any more', () => {
    const changed = liveOf({ loadBalancerClass: 'example.com/other', addresses: [x, foreign] });
    expect(decide(null, rowOf('v1', x), changed)).toEqual({ row: rowOf('v2', x), write: [foreign] });
    expect(decide(null, rowOf('v2', x), { ...changed, version: 'v3', addresses: [foreign] })).toEqual({ row: null, write: null });
  });

  it('waits where the plan has not seen the Service as it is', () => {
    expect(decide(null, rowOf('v1', x), liveOf({ addresses: [x] }))).toBeNull();
    expect(decide([x], null, liveOf({ type: 'ClusterIP' }))).toBeNull();
    expect(decide([x], null, liveOf({ deleting: true }))).toBeNull();
    expect(decide([x], null, liveOf({ deleting: true, addresses: [x] }))?.row).toEqual(rowOf('v2', x));
  });
});

describe('which Services need a step', () => {
  it('those that differ, and first those that give something back', () => {
    const services = poolServicesOf(recordOf('new'), recordOf('same', { addresses: ['10.0.0.2'] }), recordOf('moving'));
    const table = new Map([
      ['uid-same', rowOf('v1', y)],
      ['uid-gone', { ...rowOf('v1', foreign), key: 'shop/gone' }],
      ['uid-moving', rowOf('v1', addressOf('10.0.0.9'))],
    ]);
    const wishes = new Map([
      ['uid-new', [x]],
      ['uid-same', [y]],
      ['uid-moving', [addressOf('10.0.0.3')]],
    ]);
    const touches = listTouches(wishes, services, table);
    expect(touches.map(({ uid, wish }) => [uid, wish])).toEqual([
      ['uid-gone', null],
      ['uid-moving', ['10.0.0.3']],
      ['uid-new', ['10.0.0.1']],
    ]);
  });
});

describe('a batch', () => {
  const touchOf = (name: string): Touch => ({ uid: `u-${name}`, key: `shop/${name}`, wish: [x] });

  it('leaves out what could not be read, and goes on', () => {
    const problem = { code: 'WP_KUBE_STATUS', message: 'no' } as const;
    const batch = decideBatch(
      [
        { touch: touchOf('a'), answer: { kind: 'failed', problem } },
        { touch: touchOf('b'), answer: { kind: 'done', value: liveOf({ uid: 'u-b' }) } },
      ],
      new Map(),
      testClass,
    );
    expect(batch.undecided).toEqual([touchOf('a')]);
    expect([...batch.rows.keys()]).toEqual(['u-b']);
    expect(batch.writes).toMatchObject([{ touch: touchOf('b'), version: 'v2' }]);
  });

  it('reserves nothing that has no room, and still takes back', () => {
    const table = new Map([['u-gone', { ...rowOf('v1', y), key: 'shop/gone' }]]);
    const reads = [
      { touch: touchOf('a'), answer: { kind: 'done', value: liveOf({ uid: 'u-a' }) } },
      { touch: { uid: 'u-gone', key: 'shop/gone', wish: null }, answer: { kind: 'missing' } },
    ] as const;
    const batch = decideBatch(reads, table, testClass, measureTable(table) + 5);
    expect(batch.tooMuch).toEqual([touchOf('a')]);
    expect([...batch.rows]).toEqual([['u-gone', null]]);
    expect(batch.writes).toEqual([]);
  });
});

it('a table is what its rows say, and rows without sense are left out', () => {
  const row = rowOf('v7', x, addressOf('2001:db8::1'));
  const rows = new Map([
    ['u', renderRow(row)],
    ['a', ''],
    ['b', 'shop/a'],
    ['c', 'shop/a v1 nothing'],
    ['d', 'shop v1 10.0.0.1'],
  ]);
  expect(readTable({ rows, version: 'v1' })).toEqual(new Map([['u', row]]));
});
