import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptySnapshot, noDirt } from '../model/mod.ts';
import type { Dirty, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { ProxiedView } from './proxied-view.ts';
import { endpoint, node, service, slice } from './records.fixture.ts';

type State = ReadonlyMap<string, readonly [ServiceRecord | null, readonly SliceRecord[]]>;

function snapshotOf(state: State): Snapshot {
  const services = new Map<string, ServiceRecord>();
  const slices = new Map<string, readonly SliceRecord[]>();
  for (const [key, [record, list]] of state) {
    if (record !== null) services.set(key, record);
    if (list.length > 0) slices.set(key, list);
  }
  return { ...emptySnapshot, services, slices };
}

const touching = (...keys: string[]): Dirty => ({ ...noDirt, services: new Set(keys) });

/** What a view shows, as plain maps. */
function shown({ snapshot }: ProxiedView): unknown {
  return [new Map(snapshot.services), new Map(snapshot.slices)];
}

describe('the cluster as a proxy sees it', () => {
  test('has neither Services of others nor slices that are hidden from proxies', () => {
    const view = new ProxiedView();
    const state: State = new Map([
      ['shop/web', [service(), [slice([]), slice([], { key: 'shop/web-2', proxied: false })]]],
      ['shop/db', [service({ name: 'db', proxied: false, headless: true }), [slice([], { proxied: false })]]],
      ['shop/alone', [null, [slice([], { key: 'shop/alone-1' })]]],
    ]);
    const dirty = view.take(snapshotOf(state), touching('shop/web', 'shop/db', 'shop/alone'));
    expect(dirty).toEqual(touching('shop/web', 'shop/alone'));
    expect([...view.snapshot.services.keys()]).toEqual(['shop/web']);
    expect([...view.snapshot.slices.keys()]).toEqual(['shop/web', 'shop/alone']);
    expect([view.snapshot.services.size, view.snapshot.slices.size]).toEqual([1, 2]);
    expect(view.snapshot.services.get('shop/db')).toBeUndefined();
    expect(view.snapshot.slices.get('shop/db')).toBeUndefined();
    expect(view.snapshot.slices.get('shop/web')).toEqual([slice([])]);
  });

  test('a Service that is handed to another proxy goes, and comes back', () => {
    const view = new ProxiedView();
    view.take(snapshotOf(new Map([['shop/web', [service(), []]]])), touching('shop/web'));
    const theirs = snapshotOf(new Map([['shop/web', [service({ proxied: false }), []]]]));
    expect(view.take(theirs, touching('shop/web'))).toEqual(touching('shop/web'));
    expect(view.snapshot.services.size).toBe(0);
    expect(view.take(theirs, touching('shop/web'))).toBeNull();
    expect(view.take(snapshotOf(new Map([['shop/web', [service(), []]]])), touching('shop/web'))).toEqual(touching('shop/web'));
  });

  test('what only DNS reads is no change; the Node is one', () => {
    const view = new ProxiedView();
    expect(view.take(emptySnapshot, { ...noDirt, namespaces: new Set(['a']), pods: new Set(['a/b']) })).toBeNull();
    expect(view.take({ ...emptySnapshot, node: node() }, { ...noDirt, node: true })).toEqual({ ...noDirt, node: true });
  });

  test('on any walk shows and names what a server would have selected', () => {
    const step = fc.record({
      key: fc.constantFrom('shop/a', 'shop/b'),
      record: fc.constantFrom(null, service({ name: 'a' }), service({ name: 'a', proxied: false }), service({ name: 'b' })),
      slices: fc.subarray([
        slice([endpoint('10.1.0.1')], { key: 'shop/1' }),
        slice([endpoint('10.1.0.1')], { key: 'shop/2', proxied: false }),
        slice([], { key: 'shop/3' }),
      ]),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (walk) => {
        const all = new ProxiedView();
        const selected = new ProxiedView();
        const state = new Map<string, readonly [ServiceRecord | null, readonly SliceRecord[]]>();
        for (const { key, record, slices } of walk) {
          state.set(key, [record, slices]);
          const ours: State = new Map(
            [...state].map(([name, [service_, list]]) => [
              name,
              [service_?.proxied === true ? service_ : null, list.filter(({ proxied }) => proxied)],
            ]),
          );
          const named = all.take(snapshotOf(state), touching(key));
          expect(named).toEqual(selected.take(snapshotOf(ours), touching(key)));
          expect(shown(all)).toEqual(shown(selected));
        }
      }),
    );
  });
});
