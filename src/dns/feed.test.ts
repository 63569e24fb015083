import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noDirt } from '../model/mod.ts';
import type { Dirty, NamespaceRecord, PodRecord, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { Feed } from './feed.ts';
import { Listener, address, endpoint, pod, port, service, slice, snapshotOf } from './feed.fixture.ts';
import { isSynced, needsOf } from './feed-needs.ts';
import type { DataNeeds } from './feed-needs.ts';
import { plainBlock, plainKubernetes } from './settings-default.ts';
import type { ZoneChange, ZoneService } from './zone-input.ts';

const needs: DataNeeds = { pods: 'all', labels: true, podNames: true, zones: true };

function makeFeed(over: Partial<DataNeeds> = {}): Feed {
  return new Feed({ nodeName: 'node-1', needs: { ...needs, ...over } });
}

/** What is told of one Service. */
function told(record: ServiceRecord, slices: readonly SliceRecord[] = [], over: Partial<DataNeeds> = {}): ZoneService {
  const [change] = makeFeed(over).initial(snapshotOf([record], slices), 1);
  const [only] = change?.services ?? [];
  if (only === undefined) throw new Error('not told');
  return only;
}

const touching = (...keys: string[]): Dirty => ({ ...noDirt, services: new Set(keys) });

describe('a Service', () => {
  test('with ClusterIPs has them, its ports and its ready endpoints', () => {
    const both = { IPv4: address('10.96.0.1'), IPv6: address('fd00::1') };
    const record = service('web', { publishedIps: both, ports: [{ ...port('http', 80), nodePort: 30_080 }], labels: { a: 'b' } });
    expect(told(record, [slice('web', [endpoint('10.1.0.1', { hostname: 'web-0' })], { labels: { c: 'd' } })])).toEqual({
      key: 'shop/web',
      namespace: 'shop',
      name: 'web',
      kind: 'cluster',
      clusterIps: ['10.96.0.1', 'fd00::1'],
      externalName: '',
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      slices: [
        {
          ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
          endpoints: [{ address: '10.1.0.1', hostname: 'web-0', podName: 'pod-x', zone: 'zone-a' }],
          labels: { c: 'd' },
        },
      ],
      labels: { a: 'b' },
    });
  });

  test('without address is headless, one that stands for a name has nothing else', () => {
    expect(told(service('db', { publishedIps: null }))).toMatchObject({ kind: 'headless', clusterIps: [] });
    expect(told(service('odd', { publishedIps: {} }))).toMatchObject({ kind: 'cluster', clusterIps: [] });
    const external = service('ext', { type: 'ExternalName', externalName: 'www.example.com' });
    expect(told(external, [slice('ext', [endpoint('10.1.0.1')])])).toMatchObject({
      kind: 'external',
      clusterIps: [],
      externalName: 'www.example.com',
      slices: [],
    });
  });

  test('[DNS-50] [DNS-51] has endpoints by readiness alone, whether they serve, terminate or not', () => {
    const endpoints = [
      endpoint('10.1.0.1'),
      endpoint('10.1.0.2', { ready: false, serving: true }),
      endpoint('10.1.0.3', { ready: false, serving: true, terminating: true }),
      endpoint('10.1.0.4', { serving: false }),
    ];
    const [only] = told(service('web'), [slice('web', endpoints)]).slices;
    expect(only?.endpoints.map((one) => one.address)).toEqual(['10.1.0.1', '10.1.0.4']);
    expect(told(service('web'), [slice('web', endpoints.slice(1, 3))]).slices).toEqual([]);
  });

  test('has all addresses of an entry and the ports that DNS sees', () => {
    const unnamed = [{ name: '', protocol: 'TCP', port: 9 } as const];
    const more = { furtherEndpoints: [endpoint('10.1.0.2'), endpoint('10.1.0.3', { ready: false })], publishedPorts: unnamed };
    const [only] = told(service('web'), [slice('web', [endpoint('10.1.0.1')], more)]).slices;
    expect(only?.endpoints.map((one) => one.address)).toEqual(['10.1.0.1', '10.1.0.2']);
    expect(only?.ports).toEqual(unnamed);
  });

  test('carries names of Pods and zones only for those who use them', () => {
    const slices = [slice('web', [endpoint('10.1.0.1')])];
    expect(told(service('web'), slices, { podNames: false, zones: false }).slices[0]?.endpoints).toEqual([
      { address: '10.1.0.1', hostname: null, podName: null, zone: null },
    ]);
  });

  test('[DNS-56] slices of Services that do not exist are not told', () => {
    const feed = makeFeed();
    const orphan = slice('ghost', [endpoint('10.1.0.1')]);
    const listener = new Listener();
    listener.hear(feed.initial(snapshotOf([], [orphan]), 1));
    listener.hear(feed.changes(snapshotOf([], [orphan, slice('ghost', [], { key: 'shop/x' })]), touching('shop/ghost'), 2));
    expect(listener.services.size).toBe(0);
    listener.hear(feed.changes(snapshotOf([service('ghost')], [orphan]), touching('shop/ghost'), 3));
    expect(listener.services.get('shop/ghost')?.slices).toHaveLength(1);
  });
});

describe('Pods', () => {
  test('are told with all addresses and whether they are here; without address they are not', () => {
    const pods = [
      pod('a', { addresses: [address('10.244.1.5'), address('fd00::5')] }),
      pod('b', { nodeName: 'node-2' }),
      pod('c', { addresses: [] }),
    ];
    const listener = new Listener();
    const feed = makeFeed();
    listener.hear(feed.initial(snapshotOf([], [], { pods }), 1));
    expect([...listener.pods.values()].map((one) => [one.key, one.addresses.length, one.local])).toEqual([
      ['shop/a', 2, true],
      ['shop/b', 1, false],
    ]);
    const dirty = { ...noDirt, pods: new Set(['shop/a', 'shop/c']) };
    listener.hear(feed.changes(snapshotOf([], [], { pods: [pod('a', { addresses: [] }), pod('b'), pod('c')] }), dirty, 2));
    expect([...listener.pods.keys()]).toEqual(['shop/b', 'shop/c']);
  });
});

describe('changes', () => {
  const before = service('web');
  const old = slice('web', [endpoint('10.1.0.1'), endpoint('10.1.0.2', { ready: false })]);

  function change(record: ServiceRecord | null, slices: readonly SliceRecord[], over: Partial<DataNeeds> = {}): ZoneChange[] {
    const feed = makeFeed(over);
    for (const _ of feed.initial(snapshotOf([before], [old]), 1));
    return [...feed.changes(snapshotOf(record === null ? [] : [record], slices), touching('shop/web'), 7)];
  }

  test.each<[string, ServiceRecord, SliceRecord]>([
    ['a node port', { ...before, ports: [{ ...port('http', 80), nodePort: 30_080 }] }, old],
    ['external addresses, policies and affinity', { ...before, externalLocal: true, affinity: { timeoutSeconds: 5 } }, old],
    ['the moment of a change', before, { ...old, triggeredAt: 5 }],
    [
      'nodes and hints',
      before,
      { ...old, endpoints: old.endpoints.map((one) => ({ ...one, nodeName: 'n2', zoneHints: ['a'] })) },
    ],
    ['an endpoint that is not ready', before, { ...old, endpoints: [endpoint('10.1.0.1')] }],
    [
      'how a ready endpoint is otherwise',
      before,
      { ...old, endpoints: [endpoint('10.1.0.1', { serving: false, terminating: true })] },
    ],
  ])('in %s are not told', (_what, record, only) => {
    expect(change(record, [only])).toEqual([]);
    expect(change(record, [only, slice('web', [], { key: 'shop/web-2' })])).toEqual([]);
  });

  test('in what nobody uses are not told', () => {
    const moved = slice('web', [endpoint('10.1.0.1', { podName: 'other', zone: 'zone-b' })]);
    expect(change(before, [moved], { podNames: false, zones: false })).toEqual([]);
    expect(change(before, [moved], { podNames: false })).toHaveLength(1);
    expect(change(before, [moved], { zones: false })).toHaveLength(1);
  });

  test.each<[string, ServiceRecord, SliceRecord]>([
    ['the kind', { ...before, publishedIps: null }, old],
    ['the address', { ...before, publishedIps: { IPv4: address('10.96.0.11') } }, old],
    ['the name it stands for', { ...before, type: 'ExternalName', externalName: 'a.test' }, old],
    ['a port', { ...before, ports: [port('http', 81)] }, old],
    ['labels', { ...before, labels: { a: 'b' } }, old],
    ['labels of a slice', before, { ...old, labels: { a: 'b' } }],
    ['a port of a slice', before, { ...old, publishedPorts: [] }],
    ['readiness', before, { ...old, endpoints: [endpoint('10.1.0.1'), endpoint('10.1.0.2')] }],
    ['a hostname', before, { ...old, endpoints: [endpoint('10.1.0.1', { hostname: 'a' })] }],
    ['a further address', before, { ...old, furtherEndpoints: [endpoint('10.1.0.3')] }],
  ])('in %s are told', (_what, record, only) => {
    const changes = change(record, [only]);
    expect(changes).toMatchObject([{ services: [{ key: 'shop/web' }], removedServices: [], synced: false, at: 7 }]);
  });

  test('a Service that is gone is told once', () => {
    expect(change(null, [])).toMatchObject([{ services: [], removedServices: ['shop/web'] }]);
    const feed = makeFeed();
    expect([...feed.changes(snapshotOf([]), touching('shop/web'), 1)]).toEqual([]);
  });
});

describe('a first read', () => {
  test('comes in pieces of bounded size, and the last says that it was all', () => {
    const names = Array.from({ length: 230 }, (_, index) => `s${index}`);
    const slices = names.map((name, index) => {
      const endpoints = Array.from({ length: index < 5 ? 400 : 2 }, (_, at) => endpoint(`10.1.${at >> 8}.${at & 255}`));
      return slice(name, endpoints, { key: `shop/${name}-1` });
    });
    const pods = Array.from({ length: 1500 }, (_, index) => pod(`p${index}`));
    const namespaces = [{ name: 'shop', labels: {} }];
    const changes = [
      ...makeFeed().initial(
        snapshotOf(
          names.map((name) => service(name)),
          slices,
          { pods, namespaces },
        ),
        9,
      ),
    ];
    for (const { services, pods: some } of changes) {
      expect(services.length).toBeLessThanOrEqual(50);
      expect(some.length).toBeLessThanOrEqual(1000);
      const endpoints = services.flatMap((one) => one.slices.flatMap((each) => each.endpoints));
      // At most what fits, and the one Service that goes beyond.
      expect(endpoints.length).toBeLessThan(500 + 400);
    }
    expect(changes.map(({ synced }) => synced)).toEqual([...Array<boolean>(changes.length - 1).fill(false), true]);
    expect(changes.every(({ at }) => at === 9)).toBe(true);
    const listener = new Listener();
    listener.hear(changes);
    expect([listener.services.size, listener.pods.size, listener.namespaces.size]).toEqual([230, 1500, 1]);
  });

  test('of an empty cluster says so', () => {
    expect([...makeFeed().initial(snapshotOf([]), 1)]).toMatchObject([{ services: [], synced: true }]);
  });
});

describe('what is needed', () => {
  test('[DNS-117] is there once it has been read, and stays so', () => {
    const whole = snapshotOf([]);
    expect(isSynced(whole, { pods: 'all' })).toBe(true);
    expect(isSynced({ ...whole, pods: null }, { pods: 'none' })).toBe(true);
    expect(isSynced({ ...whole, pods: null }, { pods: 'node' })).toBe(false);
    expect(isSynced({ ...whole, namespaces: null }, { pods: 'none' })).toBe(false);
    expect(isSynced({ ...whole, listed: false }, { pods: 'none' })).toBe(false);
  });

  test('follows from the settings of all blocks', () => {
    const block = plainBlock([], 53);
    const of = (over: Partial<typeof plainKubernetes>): DataNeeds =>
      needsOf({ blocks: [block, { ...block, kubernetes: { ...plainKubernetes, ...over } }] });
    expect(of({ pods: 'insecure' })).toEqual({ pods: 'none', labels: false, podNames: false, zones: false });
    expect(of({ pods: 'verified' }).pods).toBe('all');
    expect(of({ labels: [] }).labels).toBe(true);
    expect(of({ namespaceLabels: [] }).labels).toBe(true);
    expect(of({ endpointPodNames: true }).podNames).toBe(true);
    expect([of({ zonal: true }).zones, of({ preferSameZone: true }).zones]).toEqual([true, true]);
    const autopath = { ...block, autopath: { zones: [], search: [] } };
    expect(needsOf({ blocks: [autopath] }).pods).toBe('node');
    expect(needsOf({ blocks: [autopath, { ...block, kubernetes: { ...plainKubernetes, pods: 'verified' } }] }).pods).toBe('all');
  });
});

/** A cluster of three Services that a walk changes. */
const edit = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  record: fc.constantFrom<Partial<ServiceRecord> | null>(
    null,
    {},
    { publishedIps: null },
    { healthCheckNodePort: 5 },
    { ports: [] },
  ),
  /** How many of the three Services become so at once. */
  count: fc.integer({ min: 1, max: 3 }),
  slices: fc.array(
    fc.record({ last: fc.nat(2), ready: fc.boolean(), triggeredAt: fc.constantFrom(null, 5), node: fc.constantFrom('n1', 'n2') }),
    { maxLength: 3 },
  ),
  pod: fc.constantFrom('none', 'waits', 'runs'),
  namespace: fc.boolean(),
});

interface Stage {
  readonly snapshot: Snapshot;
  readonly dirty: Dirty;
}

type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

function* stagesOf(walk: readonly Edit[]): Generator<Stage> {
  const services = new Map<string, ServiceRecord>();
  const slices = new Map<string, readonly SliceRecord[]>();
  const pods = new Map<string, PodRecord>();
  const namespaces = new Map<string, NamespaceRecord>();
  const put = <V>(map: Map<string, V>, key: string, value: V | null): unknown =>
    value === null ? map.delete(key) : map.set(key, value);
  for (const { name: start, count, record, slices: some, pod: state, namespace } of walk) {
    const names = ['a', 'b', 'c', 'a', 'b'].slice('abc'.indexOf(start)).slice(0, count);
    for (const name of names) {
      put(services, `shop/${name}`, record === null ? null : service(name, record));
      const own = some.map(({ last, ready, triggeredAt, node }, at) =>
        slice(name, [endpoint(`10.1.0.${last}`, { ready, nodeName: node })], { key: `shop/${name}-${at}`, triggeredAt }),
      );
      put(slices, `shop/${name}`, own.length === 0 ? null : own);
      put(pods, `shop/${name}`, state === 'none' ? null : pod(name, state === 'waits' ? { addresses: [] } : {}));
      put(namespaces, name, namespace ? { name, labels: {} } : null);
    }
    const keys = new Set(names.map((name) => `shop/${name}`));
    yield {
      snapshot: snapshotOf([...services.values()], [...slices.values()].flat(), {
        pods: [...pods.values()],
        namespaces: [...namespaces.values()],
      }),
      dirty: { services: keys, pods: keys, namespaces: new Set(names), nodes: new Set(), node: false },
    };
  }
}

/** What somebody knows who is told everything now. */
function everything(snapshot: Snapshot): unknown {
  const listener = new Listener();
  listener.hear(makeFeed().initial(snapshot, 1));
  return listener.known;
}

describe('on any walk', () => {
  test('who hears all changes knows what is told to somebody new, and nothing is told that changes nothing', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 25 }), (walk) => {
        const feed = makeFeed();
        const listener = new Listener();
        listener.hear(feed.initial(snapshotOf([]), 1));
        for (const { snapshot, dirty } of stagesOf(walk)) {
          const before = structuredClone(listener.known);
          const changes = [...feed.changes(snapshot, dirty, 1)];
          listener.hear(changes);
          expect(listener.known).toEqual(everything(snapshot));
          const services = changes.flatMap((change) => [...change.services, ...change.removedServices]);
          expect(services.length > 0 && isDeepStrictEqual(listener.known, before)).toBe(false);
        }
      }),
    );
  });

  test('a worker that starts in between, and is told bit by bit while changes go on, ends with the same', () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 25 }), fc.infiniteStream(fc.nat(3)), (walk, choices) => {
        const feed = new Feed({ nodeName: 'node-1', needs, limits: { services: 1, endpoints: 1, others: 1 } });
        const early = new Listener();
        early.hear(feed.initial(snapshotOf([]), 1));
        const late = new Listener();
        // Changes that are under way, each given out one by one and heard by both.
        let under: Iterator<ZoneChange>[] = [];
        let first: Iterator<ZoneChange> | null = null;
        const step = (iterator: Iterator<ZoneChange>, listeners: readonly Listener[]): boolean => {
          const next = iterator.next();
          if (next.done !== true) for (const listener of listeners) listener.hearOne(next.value);
          return next.done !== true;
        };
        const advance = (times: number): void => {
          for (let time = 0; time < times; time += 1) {
            if (first !== null) step(first, [late]);
            under = under.filter((iterator) => step(iterator, [early, ...(first === null ? [] : [late])]));
          }
        };
        let last = snapshotOf([]);
        for (const { snapshot, dirty } of stagesOf(walk)) {
          under.unshift(feed.changes(snapshot, dirty, 1)[Symbol.iterator]());
          last = snapshot;
          const choice = choices.next().value ?? 0;
          if (choice === 3) first ??= feed.initial(snapshot, 1)[Symbol.iterator]();
          else advance(choice);
        }
        first ??= feed.initial(last, 1)[Symbol.iterator]();
        advance(200);
        expect(early.known).toEqual(everything(last));
        expect(late.known).toEqual(everything(last));
        expect(late.synced).toBe(true);
      }),
    );
  });
});
