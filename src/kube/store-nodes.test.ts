import { describe, expect, it } from 'vitest';
import { noDirt, noLabels } from '../model/mod.ts';
import type { NodeRecord } from '../model/mod.ts';
import { createStore } from './store.ts';
import type { Commit, Store } from './store.ts';

function named(name: string, zone: string): NodeRecord {
  return { name, addresses: [], podCidrs: [], zone, leaving: false, labels: noLabels, weight: null };
}

function mustCommit(store: Store): Commit {
  const commit = store.commit();
  if (commit === null) throw new Error('nothing changed');
  return commit;
}

describe('Nodes', () => {
  it('show as a whole once they have been read, the own one at once', () => {
    const store = createStore('n1');
    store.nodes.upsert(named('n2', 'a'));
    expect(store.commit()).toBeNull();
    store.nodes.upsert(named('n1', 'a'));
    expect(mustCommit(store)).toMatchObject({ snapshot: { node: named('n1', 'a'), nodes: null }, dirty: { node: true } });
    store.markListed('nodes');
    const listed = mustCommit(store);
    expect(new Map(listed.snapshot.nodes)).toEqual(new Map(['n1', 'n2'].map((name) => [name, named(name, 'a')])));
    expect(listed.dirty).toEqual(noDirt);
    expect(store.commit()).toBeNull();
  });

  it('are named one by one afterwards; the own one that goes stays the own one', () => {
    const store = createStore('n1');
    store.nodes.replace([named('n1', 'a'), named('n2', 'a')]);
    store.markListed('nodes');
    const before = mustCommit(store);
    store.nodes.upsert(named('n2', 'a'));
    expect(store.commit()).toBeNull();
    store.nodes.replace([named('n3', 'a')]);
    const after = mustCommit(store);
    expect([...(after.snapshot.nodes?.keys() ?? [])]).toEqual(['n3']);
    expect(after.dirty).toEqual({ ...noDirt, nodes: new Set(['n1', 'n2', 'n3']) });
    expect(after.snapshot.node).toBe(before.snapshot.node);
    expect(before.snapshot.nodes?.size).toBe(2);
    store.nodes.upsert(named('n1', 'b'));
    expect(mustCommit(store).dirty).toEqual({ ...noDirt, node: true, nodes: new Set(['n1']) });
  });

  it('show even where there is none', () => {
    const store = createStore('n1');
    store.markListed('nodes');
    const { snapshot, dirty } = mustCommit(store);
    expect([snapshot.node, snapshot.nodes?.size, dirty]).toEqual([null, 0, noDirt]);
  });
});
