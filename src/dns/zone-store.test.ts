import { describe, expect, it } from 'vitest';
import { packAddress } from './zone-address.ts';
import { ZoneStore } from './zone-store.ts';
import { makeChange, makeService, makeSettings, makeSlice, toAddress } from './zone.fixture.ts';

const shop = makeChange({ namespaces: [{ name: 'shop', labels: {} }] });
const db = (...addresses: readonly string[]) => makeService('shop/db', { kind: 'headless', slices: [makeSlice(addresses)] });

function countAt(store: ZoneStore, ...addresses: readonly string[]): readonly number[] {
  return addresses.map((address) => store.servicesAt(packAddress(toAddress(address))).length);
}

describe('ZoneStore', () => {
  it('[DNS-66][DNS-118] remembers nobody for an address that was given up', () => {
    const store = new ZoneStore(makeSettings());
    store.apply({ ...shop, services: [db('10.0.0.1', '10.0.0.2')] });
    expect(countAt(store, '10.0.0.1', '10.0.0.2', '10.0.0.3')).toEqual([1, 1, 0]);
    store.apply(makeChange({ services: [db('10.0.0.2', '10.0.0.3')] }));
    expect(countAt(store, '10.0.0.1', '10.0.0.2', '10.0.0.3')).toEqual([0, 1, 1]);
    store.apply(makeChange({ removedServices: ['shop/db'] }));
    expect(countAt(store, '10.0.0.1', '10.0.0.2', '10.0.0.3')).toEqual([0, 0, 0]);
  });

  it('[DNS-16][DNS-55] keeps Services whose namespace comes later, and shows them then', () => {
    const store = new ZoneStore(makeSettings());
    store.apply(makeChange({ services: [db('10.0.0.1')] }));
    expect(store.namespace('shop')).toBeNull();
    expect(countAt(store, '10.0.0.1')).toEqual([0]);
    store.apply(shop);
    expect(store.namespace('shop')?.services.has('db')).toBe(true);
    store.apply(makeChange({ removedNamespaces: ['shop'] }));
    expect([...store.visibleNamespaces()]).toEqual([]);
  });

  it('[DNS-115] drops a Service that a filter no longer lets through', () => {
    const store = new ZoneStore(makeSettings({ labels: [{ label: 'public', operator: 'exists' }] }));
    const open = { ...db(), labels: { public: '' }, slices: [{ ...makeSlice(['10.0.0.1']), labels: { public: '' } }] };
    store.apply({ ...shop, services: [open] });
    expect(countAt(store, '10.0.0.1')).toEqual([1]);
    store.apply(makeChange({ services: [{ ...open, labels: {} }] }));
    expect(countAt(store, '10.0.0.1')).toEqual([0]);
    expect(store.namespace('shop')?.services.size).toBe(0);
  });
});
