import { describe, expect, it } from 'vitest';
import { readManifest } from './manifest-file.ts';
import type { ManifestObjects } from './manifest-file.ts';
import { ManifestIndex } from './manifest-index.ts';
import { createStore } from './store.ts';
import type { Store } from './store.ts';

function objectsOf(...services: readonly (readonly [name: string, port: number, labels?: object])[]): ManifestObjects {
  const items = services.map(([name, port, labels = {}]) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { clusterIP: '10.96.0.1', ports: [{ port }] },
  }));
  const result = readManifest(
    'x.json',
    JSON.stringify({ kind: 'List', items }),
    { nodeName: 'n1', dns: null, ingress: null },
    undefined,
  ).next();
  if (result.done !== true || result.value.objects === null) throw new Error('not read');
  return result.value.objects;
}

function portsOf(store: Store): Readonly<Record<string, number | undefined>> {
  store.commit();
  return Object.fromEntries([...store.snapshot.services].map(([key, record]) => [key, record.ports[0]?.port]));
}

describe('namespaces of a folder', () => {
  const dns = { pods: 'all', keepLabels: true } as const;
  const read = (...items: readonly object[]): ManifestObjects => {
    const text = JSON.stringify({ kind: 'List', items: items.map((item) => ({ apiVersion: 'v1', ...item })) });
    const result = readManifest('x.json', text, { nodeName: 'n1', dns, ingress: null }, undefined).next();
    if (result.done !== true || result.value.objects === null) throw new Error('not read');
    return result.value.objects;
  };
  const namespacesOf = (store: Store): unknown => {
    store.markListed('namespaces');
    store.commit();
    return Object.fromEntries([...(store.snapshot.namespaces ?? [])].map(([name, { labels }]) => [name, labels]));
  };
  const serviceIn = (namespace: string, name: string): object => ({
    kind: 'Service',
    metadata: { namespace, name },
    spec: { clusterIP: 'None' },
  });

  it('are those that are written down and those that something is in, until the last of it goes', () => {
    const store = createStore();
    const index = new ManifestIndex(store, dns);
    index.put('a.yaml', read({ kind: 'Namespace', metadata: { name: 'empty' } }, serviceIn('shop', 'web')));
    expect(namespacesOf(store)).toEqual({ empty: {}, shop: {} });
    index.put('b.yaml', read({ kind: 'Namespace', metadata: { name: 'shop', labels: { a: 'b' } } }, serviceIn('shop', 'api')));
    expect(namespacesOf(store)).toEqual({ empty: {}, shop: { a: 'b' } });
    index.drop('b.yaml');
    expect(namespacesOf(store)).toEqual({ empty: {}, shop: {} });
    index.put('a.yaml', read({ kind: 'Pod', metadata: { namespace: 'jobs', name: 'p' }, status: { phase: 'Failed' } }));
    expect(namespacesOf(store)).toEqual({ jobs: {} });
    index.drop('a.yaml');
    expect(namespacesOf(store)).toEqual({});
  });
});

describe('ManifestIndex', () => {
  it('follows what a file holds', () => {
    const store = createStore();
    const index = new ManifestIndex(store);
    expect(index.put('a.yaml', objectsOf(['web', 1], ['api', 2]))).toEqual([]);
    expect(portsOf(store)).toEqual({ 'default/web': 1, 'default/api': 2 });
    index.put('a.yaml', objectsOf(['web', 3]));
    expect(portsOf(store)).toEqual({ 'default/web': 3 });
    index.drop('a.yaml');
    index.drop('never.yaml');
    expect(portsOf(store)).toEqual({});
    expect(index.objectsOf('a.yaml')).toBeUndefined();
  });

  it('lets the first file by name decide, in whatever order they come, and names both', () => {
    const store = createStore();
    const index = new ManifestIndex(store);
    index.put('b.yaml', objectsOf(['web', 2]));
    expect(index.put('a.yaml', objectsOf(['web', 1]))).toEqual([
      { code: 'WP_KUBE_MANIFEST_DUPLICATE', message: 'Service default/web is in a.yaml and in b.yaml: a.yaml counts' },
    ]);
    expect(portsOf(store)).toEqual({ 'default/web': 1 });
    expect(index.put('b.yaml', objectsOf(['web', 22]))).toHaveLength(1);
    expect(portsOf(store)).toEqual({ 'default/web': 1 });
    index.drop('a.yaml');
    expect(portsOf(store)).toEqual({ 'default/web': 22 });
  });

  it('lets an object that is not selected count as well', () => {
    const store = createStore();
    const index = new ManifestIndex(store);
    index.put('b.yaml', objectsOf(['web', 2]));
    index.put('a.yaml', objectsOf(['web', 1, { 'service.kubernetes.io/service-proxy-name': 'other' }]));
    expect(portsOf(store)).toEqual({});
    index.put('a.yaml', objectsOf(['other', 3]));
    expect(portsOf(store)).toEqual({ 'default/web': 2, 'default/other': 3 });
  });

  it('[SP-3] removes a Service while it carries the label of another proxy, and brings it back', () => {
    const store = createStore();
    const index = new ManifestIndex(store);
    const labels = { 'service.kubernetes.io/service-proxy-name': '' };
    const seen = [{}, labels, {}].map((each) => {
      index.put('a.yaml', objectsOf(['web', 1, each]));
      return portsOf(store);
    });
    expect(seen).toEqual([{ 'default/web': 1 }, {}, { 'default/web': 1 }]);
  });

  it('changes nothing in the store for a file that says the same', () => {
    const store = createStore();
    const index = new ManifestIndex(store);
    index.put('a.yaml', objectsOf(['web', 1], ['api', 2]));
    store.commit();
    index.put('a.yaml', objectsOf(['api', 2], ['web', 1]));
    expect(store.commit()).toBeNull();
  });

  it('bounds the number of conflicts it tells', () => {
    const index = new ManifestIndex(createStore());
    const many = objectsOf(...Array.from({ length: 30 }, (_, at) => [`s${at}`, 80] as const));
    index.put('a.yaml', many);
    const problems = index.put('b.yaml', many);
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.message).toBe('b.yaml: 10 more objects are in other files as well');
  });
});
