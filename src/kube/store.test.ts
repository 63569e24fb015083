import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noDirt, noLabels, noTuning } from '../model/mod.ts';
import type { Address, EndpointRecord, NodeRecord, PodRecord, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { createStore } from './store.ts';
import type { Commit, Store } from './store.ts';

function service(name: string, port = 80): ServiceRecord {
  const clusterIps = { IPv4: '10.96.0.1' as Address };
  return {
    key: `d/${name}`,
    namespace: 'd',
    name,
    type: 'ClusterIP',
    proxied: true,
    headless: false,
    clusterIps,
    publishedIps: clusterIps,
    externalName: '',
    externalIps: [],
    loadBalancer: [],
    sourceRanges: [],
    ports: [{ name: '', protocol: 'TCP', port, nodePort: 0 }],
    affinity: null,
    internalLocal: false,
    externalLocal: false,
    healthCheckNodePort: 0,
    tuning: noTuning,
    labels: noLabels,
    loadBalancerClass: null,
    publishing: null,
    createdAt: 0,
    uid: '',
  };
}

function endpoint(address: string, part: Partial<EndpointRecord> = {}): EndpointRecord {
  const conditions = { ready: true, serving: true, terminating: false };
  const place = { nodeName: 'n1', zone: null, zoneHints: [], nodeHints: [] };
  return { address: address as Address, ...conditions, ...place, hostname: null, podName: null, ...part };
}

function slice(name: string, owner: string, part: Partial<SliceRecord> = {}): SliceRecord {
  const ports = [{ name: '', protocol: 'TCP', port: 8080 } as const];
  return {
    key: `d/${name}`,
    service: `d/${owner}`,
    proxied: true,
    family: 'IPv4',
    ports,
    publishedPorts: ports,
    endpoints: [endpoint('10.1.0.1')],
    furtherEndpoints: [],
    triggeredAt: null,
    labels: noLabels,
    ...part,
  };
}

function node(zone: string | null): NodeRecord {
  return { name: 'n1', addresses: [], podCidrs: [], zone, leaving: false, labels: noLabels, weight: null };
}

function mustCommit(store: Store): Commit {
  const commit = store.commit();
  if (commit === null) throw new Error('nothing changed');
  return commit;
}

function dirtyOf(store: Store): readonly string[] {
  return [...(store.commit()?.dirty.services ?? [])].toSorted();
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

/** Everything in a snapshot, in an order that does not depend on hashing. */
function contentOf(snapshot: Snapshot): unknown {
  return structuredClone({
    services: [...snapshot.services].toSorted(byKey),
    slices: [...snapshot.slices].toSorted(byKey),
    node: snapshot.node,
  });
}

describe('createStore', () => {
  it('begins empty, at version 0, with nothing to commit', () => {
    const store = createStore();
    expect(store.commit()).toBeNull();
    expect(contentOf(store.snapshot)).toEqual({ services: [], slices: [], node: null });
    expect(store.snapshot.version).toBe(0);
  });

  it('[SP-7] holds slices without Service and Services without slices until the other comes', () => {
    const store = createStore();
    store.slices.upsert(slice('s1', 'web'));
    const first = mustCommit(store);
    expect(first.snapshot.slices.get('d/web')).toEqual([slice('s1', 'web')]);
    expect(first.snapshot.services.get('d/web')).toBeUndefined();
    store.services.upsert(service('web'));
    const second = mustCommit(store);
    expect(second.snapshot.services.get('d/web')).toEqual(service('web'));
    expect(second.snapshot.slices).toBe(first.snapshot.slices);
    expect([first.dirty.services, second.dirty.services]).toEqual([new Set(['d/web']), new Set(['d/web'])]);
    expect(second.snapshot.version).toBe(2);
  });

  it('[SP-17] takes an equal record for no change and keeps the old one', () => {
    const store = createStore();
    store.services.upsert(service('web'));
    store.slices.upsert(slice('s1', 'web'));
    store.nodes.upsert(node('a'));
    const { snapshot } = mustCommit(store);
    store.services.upsert(service('web'));
    store.slices.upsert(slice('s1', 'web'));
    store.nodes.upsert(node('a'));
    expect(store.commit()).toBeNull();
    expect(store.snapshot).toBe(snapshot);
  });

  it('[SP-18] forgets an edit that is taken back before the commit', () => {
    const store = createStore();
    store.services.upsert(service('web'));
    store.slices.upsert(slice('s1', 'web'));
    store.nodes.upsert(node('a'));
    const before = mustCommit(store).snapshot;
    store.services.upsert(service('web', 81));
    store.services.upsert(service('web'));
    store.slices.remove('d/s1');
    store.slices.upsert(slice('s1', 'web'));
    store.nodes.upsert(node('b'));
    store.nodes.upsert(node('a'));
    store.services.upsert(service('brief'));
    store.services.remove('d/brief');
    expect(store.commit()).toBeNull();
    store.services.upsert(service('other'));
    const after = mustCommit(store);
    expect(after.dirty).toEqual({ ...noDirt, services: new Set(['d/other']) });
    expect(after.snapshot.services.get('d/web')).toBe(before.services.get('d/web'));
    expect(after.snapshot.node).toBe(before.node);
  });

  it.each<[string, Partial<SliceRecord>]>([
    ['family', { family: 'IPv6' }],
    ['service', { service: 'd/other' }],
    ['port number', { ports: [{ name: '', protocol: 'TCP', port: 8081 }] }],
    ['port count', { ports: [] }],
    ['trigger time', { triggeredAt: 5 }],
    ['labels', { labels: { a: 'b' } }],
    ['hostname', { endpoints: [endpoint('10.1.0.1', { hostname: 'a' })] }],
    ['Pod name', { endpoints: [endpoint('10.1.0.1', { podName: 'a' })] }],
    ['further address', { furtherEndpoints: [endpoint('10.1.0.2')] }],
    ['unnamed port', { publishedPorts: [] }],
    ['reader', { proxied: false }],
    ['endpoint count', { endpoints: [] }],
    ['address', { endpoints: [endpoint('10.1.0.2')] }],
    ['ready', { endpoints: [endpoint('10.1.0.1', { ready: false })] }],
    ['serving', { endpoints: [endpoint('10.1.0.1', { serving: false })] }],
    ['terminating', { endpoints: [endpoint('10.1.0.1', { terminating: true })] }],
    ['node name', { endpoints: [endpoint('10.1.0.1', { nodeName: null })] }],
    ['zone hints', { endpoints: [endpoint('10.1.0.1', { zoneHints: ['a'] })] }],
    ['node hints', { endpoints: [endpoint('10.1.0.1', { nodeHints: ['n1'] })] }],
  ])('sees a slice change its %s', (_what, part) => {
    const store = createStore();
    store.slices.upsert(slice('s1', 'web'));
    store.commit();
    store.slices.upsert(slice('s1', 'web', part));
    expect(dirtyOf(store)).toContain('d/web');
  });

  it('[SP-13] unites the slices of a Service in the order of their keys and drops them one by one', () => {
    const store = createStore();
    for (const name of ['s3', 's1', 's2']) store.slices.upsert(slice(name, 'web'));
    const keysOf = (): unknown => store.snapshot.slices.get('d/web')?.map((each) => each.key);
    store.commit();
    expect(keysOf()).toEqual(['d/s1', 'd/s2', 'd/s3']);
    store.slices.remove('d/s1');
    store.commit();
    expect(keysOf()).toEqual(['d/s2', 'd/s3']);
    store.slices.replace([]);
    expect(dirtyOf(store)).toEqual(['d/web']);
    expect(keysOf()).toBeUndefined();
    expect(store.snapshot.slices.size).toBe(0);
  });

  it('makes both Services dirty when a slice moves between them', () => {
    const store = createStore();
    store.slices.replace([slice('s1', 'old'), slice('s2', 'old')]);
    store.commit();
    store.slices.upsert(slice('s1', 'new'));
    const { snapshot, dirty } = mustCommit(store);
    expect(dirty.services).toEqual(new Set(['d/old', 'd/new']));
    expect(snapshot.slices.get('d/old')?.map((each) => each.key)).toEqual(['d/s2']);
    expect(snapshot.slices.get('d/new')?.map((each) => each.key)).toEqual(['d/s1']);
  });

  it('[SP-20] a relist changes only what differs and keeps the identity of the rest', () => {
    const store = createStore();
    store.services.replace([service('a'), service('b'), service('c')]);
    const before = mustCommit(store).snapshot;
    store.services.replace([service('c'), service('b', 81), service('d')]);
    const { snapshot, dirty } = mustCommit(store);
    expect([...dirty.services].toSorted()).toEqual(['d/a', 'd/b', 'd/d']);
    expect(snapshot.services.get('d/c')).toBe(before.services.get('d/c'));
    expect([...snapshot.services.keys()].toSorted()).toEqual(['d/b', 'd/c', 'd/d']);
    store.services.replace([service('b', 81), service('c'), service('d')]);
    expect(store.commit()).toBeNull();
  });

  it('removing what was never there is no change', () => {
    const store = createStore();
    store.services.remove('d/x');
    store.slices.remove('d/x');
    expect(store.commit()).toBeNull();
  });

  it('keeps the last Node after it vanished', () => {
    const store = createStore();
    store.nodes.replace([node('a')]);
    expect(mustCommit(store)).toMatchObject({ snapshot: { node: node('a') }, dirty: { services: new Set(), node: true } });
    store.nodes.remove('n1');
    store.nodes.replace([]);
    expect(store.commit()).toBeNull();
    store.nodes.replace([node('a')]);
    expect(store.commit()).toBeNull();
    store.nodes.upsert(node('b'));
    expect(mustCommit(store).dirty).toEqual({ ...noDirt, node: true });
  });
});

describe('Namespaces and Pods', () => {
  const pod = (name: string, address: string): PodRecord => ({
    key: `d/${name}`,
    namespace: 'd',
    addresses: [address as Address],
    nodeName: null,
    labels: noLabels,
  });

  it('show when all have been read, though taken over before, and are named from then on', () => {
    const store = createStore();
    store.pods.upsert(pod('a', '10.1.0.1'));
    store.namespaces.upsert({ name: 'd', labels: noLabels });
    expect(store.commit()).toBeNull();
    store.pods.upsert(pod('b', '10.1.0.2'));
    store.services.upsert(service('web'));
    expect(mustCommit(store)).toMatchObject({
      snapshot: { pods: null, namespaces: null, listed: false },
      dirty: { pods: new Set() },
    });
    store.markListed('pods');
    const first = mustCommit(store);
    expect([...(first.snapshot.pods ?? [])].map(([key]) => key).toSorted()).toEqual(['d/a', 'd/b']);
    expect(first.dirty).toEqual(noDirt);
    store.pods.upsert(pod('a', '10.1.0.1'));
    expect(store.commit()).toBeNull();
    store.pods.upsert(pod('a', '10.1.0.9'));
    store.pods.remove('d/b');
    const second = mustCommit(store);
    expect(second.dirty).toEqual({ ...noDirt, pods: new Set(['d/a', 'd/b']) });
    expect(first.snapshot.pods?.get('d/a')?.addresses).toEqual(['10.1.0.1']);
    expect([second.snapshot.pods?.size, second.snapshot.namespaces]).toEqual([1, null]);
  });

  it('show where there are none', () => {
    const store = createStore();
    for (const what of ['services', 'namespaces', 'pods'] as const) store.markListed(what);
    const { snapshot, dirty } = mustCommit(store);
    expect([snapshot.listed, snapshot.namespaces?.size, snapshot.pods?.size]).toEqual([true, 0, 0]);
    expect(dirty).toEqual(noDirt);
    expect(store.commit()).toBeNull();
  });
});

type Operation =
  | { readonly kind: 'service' | 'slice' | 'node'; readonly name: number; readonly owner: number; readonly variant: number }
  | { readonly kind: 'removeService' | 'removeSlice'; readonly name: number }
  | { readonly kind: 'replaceServices' | 'replaceSlices'; readonly names: readonly number[]; readonly variant: number }
  | { readonly kind: 'commit' };

const name = fc.nat(5);
const variant = fc.nat(2);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('service', 'slice', 'node'), name, owner: name, variant }),
  fc.record({ kind: fc.constantFrom('removeService', 'removeSlice'), name }),
  fc.record({ kind: fc.constantFrom('replaceServices', 'replaceSlices'), names: fc.array(name, { maxLength: 5 }), variant }),
  fc.record({ kind: fc.constant('commit' as const) }),
);

/** What the store should hold, as plain maps that are copied whole. */
interface Model {
  services: Map<string, ServiceRecord>;
  slices: Map<string, SliceRecord>;
  node: NodeRecord | null;
}

function makeSlice(index: number, owner: number, kind: number): SliceRecord {
  return slice(`s${index}`, `v${owner}`, { triggeredAt: kind });
}

function perform(store: Store, model: Model, step: Operation): void {
  if (step.kind === 'service') {
    store.services.upsert(service(`v${step.name}`, 80 + step.variant));
    model.services.set(`d/v${step.name}`, service(`v${step.name}`, 80 + step.variant));
  } else if (step.kind === 'slice') {
    store.slices.upsert(makeSlice(step.name, step.owner, step.variant));
    model.slices.set(`d/s${step.name}`, makeSlice(step.name, step.owner, step.variant));
  } else if (step.kind === 'node') {
    store.nodes.upsert(node(String(step.variant)));
    model.node = node(String(step.variant));
  } else if (step.kind === 'removeService') {
    store.services.remove(`d/v${step.name}`);
    model.services.delete(`d/v${step.name}`);
  } else if (step.kind === 'removeSlice') {
    store.slices.remove(`d/s${step.name}`);
    model.slices.delete(`d/s${step.name}`);
  } else if (step.kind === 'replaceServices') {
    const records = step.names.map((index) => service(`v${index}`, 80 + step.variant));
    store.services.replace(records);
    model.services = new Map(records.map((record) => [record.key, record]));
  } else if (step.kind === 'replaceSlices') {
    const records = step.names.map((index) => makeSlice(index, step.variant, step.variant));
    store.slices.replace(records);
    model.slices = new Map(records.map((record) => [record.key, record]));
  }
}

function contentOfModel(model: Model): { services: unknown; slices: readonly [string, readonly SliceRecord[]][]; node: unknown } {
  const owners = [...new Set([...model.slices.values()].map((each) => each.service))].toSorted();
  const slicesOf = (owner: string): SliceRecord[] =>
    [...model.slices.values()].filter((each) => each.service === owner).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return structuredClone({
    services: [...model.services].toSorted(byKey),
    slices: owners.map((owner): [string, SliceRecord[]] => [owner, slicesOf(owner)]),
    node: model.node,
  });
}

function viewOf(snapshot: Snapshot, key: string): string {
  return JSON.stringify([snapshot.services.get(key), snapshot.slices.get(key)]);
}

/** Services that look different in two states. */
function differing(before: Snapshot, after: Snapshot): readonly string[] {
  const keys = new Set([...before.services.keys(), ...after.services.keys(), ...before.slices.keys(), ...after.slices.keys()]);
  return [...keys].filter((key) => viewOf(before, key) !== viewOf(after, key)).toSorted();
}

describe('a random walk', () => {
  it('equals plain maps after every commit, names exactly what changed, and never touches an old snapshot', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (walk) => {
        const store = createStore();
        const model: Model = { services: new Map(), slices: new Map(), node: null };
        const old: { snapshot: Snapshot; content: unknown }[] = [];
        let last = store.snapshot;
        for (const step of [...walk, { kind: 'commit' } as const]) {
          perform(store, model, step);
          if (step.kind !== 'commit') continue;
          const commit = store.commit();
          expect(contentOf(store.snapshot)).toEqual(contentOfModel(model));
          expect(store.snapshot.services.size).toBe(model.services.size);
          expect([...(commit?.dirty.services ?? [])].toSorted()).toEqual(differing(last, store.snapshot));
          expect(commit?.dirty.node ?? false).toBe(last.node?.zone !== store.snapshot.node?.zone);
          expect(store.snapshot.version).toBe(last.version + (commit === null ? 0 : 1));
          last = store.snapshot;
          old.push({ snapshot: last, content: contentOf(last) });
        }
        for (const { snapshot, content } of old) expect(contentOf(snapshot)).toEqual(content);
      }),
      { numRuns: 300 },
    );
  });
});
