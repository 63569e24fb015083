import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceRecord } from '../model/mod.ts';
import { planPool } from './pool-plan.ts';
import { addressOf, poolOf, poolServicesOf, recordOf } from './pool-service.fixture.ts';
import type { TableRow } from './pool-table.ts';

const open = poolOf('open', ['10.0.0.0/29', '2001:db8::/125']);
const closed = poolOf('closed', ['192.0.2.1-192.0.2.4'], false);
const small = poolOf('small', ['10.0.0.1-10.0.0.2']);
const dual = { IPv4: addressOf('10.96.0.1'), IPv6: addressOf('2001:db8:1::1') };

function rowsOf(rows: Readonly<Record<string, string>>): Map<string, TableRow> {
  return new Map(
    Object.entries(rows).map(([name, list]) => [
      `uid-${name}`,
      { key: `shop/${name}`, version: 'v1', held: list.split(' ').map(addressOf) },
    ]),
  );
}

/** Wishes by name and notices as text. */
function plan(
  records: readonly ServiceRecord[],
  pools = [open, closed],
  rows: Readonly<Record<string, string>> = {},
): { readonly wishes: Readonly<Record<string, string>>; readonly notices: readonly string[] } {
  const { wishes, notices } = planPool({ pools, services: poolServicesOf(...records), table: rowsOf(rows) });
  return {
    wishes: Object.fromEntries([...wishes].map(([uid, list]) => [uid.replace('uid-', ''), list.join(' ')])),
    notices: notices.map(({ service, reason, message }) => `${service} ${reason}: ${message}`),
  };
}

describe('who gets an address', () => {
  it('the lowest free of each family that a Service has, the oldest Service first', () => {
    const records = [recordOf('young', { createdAt: 9, clusterIps: dual }), recordOf('old', { clusterIps: dual })];
    expect(plan(records)).toEqual({ wishes: { old: '10.0.0.1 2001:db8::1', young: '10.0.0.2 2001:db8::2' }, notices: [] });
  });

  it('[INGRESS-2] no Service of another class, and none of another type', () => {
    const records = [recordOf('a', { loadBalancerClass: 'example.com/other' }), recordOf('b', { type: 'NodePort' })];
    expect(plan(records).wishes).toEqual({});
  });

  it('nobody gets what another class shows, or what the table holds, though the holder is gone', () => {
    const foreign = recordOf('foreign', { loadBalancerClass: null, addresses: ['10.0.0.1'] });
    expect(plan([foreign, recordOf('a')], [open], { gone: '10.0.0.2' }).wishes).toEqual({ a: '10.0.0.3' });
  });

  it('says so where nothing is free', () => {
    const records = [recordOf('a'), recordOf('b'), recordOf('c')];
    expect(plan(records, [small])).toEqual({
      wishes: { a: '10.0.0.1', b: '10.0.0.2', c: '' },
      notices: ['shop/c AddressesExhausted: the pools that give addresses to everyone have no free IPv4 address'],
    });
  });

  it('goes on with the next pool that gives to everyone', () => {
    const pools = [small, closed, poolOf('more', ['10.9.0.1-10.9.0.9'])];
    expect(plan([recordOf('a'), recordOf('b'), recordOf('c')], pools).wishes['c']).toBe('10.9.0.1');
  });
});

describe('what a Service asks for', () => {
  it('is a pool by its name, also one that gives to nobody else', () => {
    expect(plan([recordOf('a', { request: { pool: 'closed' } })]).wishes).toEqual({ a: '192.0.2.1' });
    expect(plan([recordOf('a', { request: { pool: 'nope' } })])).toEqual({
      wishes: { a: '' },
      notices: ['shop/a AddressRefused: there is no address pool "nope"'],
    });
  });

  it('is an address, which has to be of a pool, and of the pool that is named', () => {
    const asked = (address: string, pool: string | null = null): ReturnType<typeof plan> =>
      plan([recordOf('a', { request: { addresses: [addressOf(address)], pool } })]);
    expect(asked('192.0.2.3').wishes).toEqual({ a: '192.0.2.3' });
    expect(asked('198.51.100.1').notices).toEqual(['shop/a AddressRefused: 198.51.100.1 is in no address pool']);
    expect(asked('192.0.2.3', 'open').notices).toEqual(['shop/a AddressRefused: 192.0.2.3 is not in the address pool "open"']);
  });

  it('is refused where another has it, and the Service keeps what it has meanwhile', () => {
    const first = recordOf('first', { addresses: ['10.0.0.5'] });
    const second = recordOf('second', { createdAt: 2, addresses: ['10.0.0.1'], request: { addresses: [addressOf('10.0.0.5')] } });
    expect(plan([first, second])).toEqual({
      wishes: { first: '10.0.0.5', second: '10.0.0.1' },
      notices: ['shop/second AddressRefused: 10.0.0.5 is in use by shop/first; the Service keeps 10.0.0.1'],
    });
  });

  it('moves a Service that asks for another pool or address', () => {
    const record = recordOf('a', { addresses: ['10.0.0.1'], request: { pool: 'closed' } });
    expect(plan([record], [open, closed], { a: '10.0.0.1' }).wishes).toEqual({ a: '192.0.2.1' });
  });
});

describe('one address for several Services', () => {
  const share = (name: string, port: number, sharingKey: string | null, createdAt = 1): ServiceRecord =>
    recordOf(name, {
      createdAt,
      ports: [{ name: '', protocol: 'TCP', port, nodePort: 0 }],
      request: { addresses: [addressOf('10.0.0.3')], sharingKey },
    });

  it('[INGRESS-5] needs the same key, the same address asked for, and no common port', () => {
    expect(plan([share('a', 80, 'k'), share('b', 443, 'k', 2)]).wishes).toEqual({ a: '10.0.0.3', b: '10.0.0.3' });
    for (const other of [share('b', 80, 'k', 2), share('b', 443, 'x', 2), share('b', 443, null, 2)]) {
      expect(plan([share('a', 80, 'k'), other]).wishes).toEqual({ a: '10.0.0.3', b: '' });
    }
    const unasked = recordOf('b', { createdAt: 2, request: { sharingKey: 'k' } });
    expect(plan([share('a', 80, 'k'), unasked]).wishes).toEqual({ a: '10.0.0.3', b: '10.0.0.1' });
  });

  it('ends for the younger when a port becomes common', () => {
    const shared = (record: ServiceRecord): ServiceRecord => ({
      ...record,
      loadBalancer: [{ address: addressOf('10.0.0.3'), ipMode: 'VIP' }],
    });
    const rows = { a: '10.0.0.3', b: '10.0.0.3' };
    expect(plan([shared(share('a', 80, 'k')), shared(share('b', 80, 'k', 2))], [open], rows).wishes).toEqual({
      a: '10.0.0.3',
      b: '',
    });
  });
});

describe('what a Service has', () => {
  it('stays, as does what was reserved for it', () => {
    const records = [recordOf('a', { addresses: ['10.0.0.4'] }), recordOf('b')];
    expect(plan(records, [open], { b: '10.0.0.6' }).wishes).toEqual({ a: '10.0.0.4', b: '10.0.0.6' });
  });

  it('stays where it is of no pool any more, and its owner is told', () => {
    expect(plan([recordOf('a', { addresses: ['198.51.100.1'] })])).toEqual({
      wishes: { a: '198.51.100.1' },
      notices: [
        'shop/a AddressOutsidePools: 198.51.100.1 is in no pool any more; the Service keeps it until it asks for another',
      ],
    });
  });

  it('is one address of each of its families', () => {
    expect(plan([recordOf('a', { addresses: ['10.0.0.4', '10.0.0.5', '2001:db8::1'] })]).wishes).toEqual({ a: '10.0.0.4' });
  });

  it('goes to the older of two that show the same, unless the table knows better', () => {
    const records = [recordOf('a', { addresses: ['10.0.0.1'] }), recordOf('b', { createdAt: 2, addresses: ['10.0.0.1'] })];
    expect(plan(records).wishes).toEqual({ a: '10.0.0.1', b: '10.0.0.2' });
    expect(plan(records, [open], { b: '10.0.0.1' }).wishes).toEqual({ a: '10.0.0.2', b: '10.0.0.1' });
  });
});

it('gives no address twice and leaves nobody without who could have one, whatever statuses and rows say', () => {
  const address = fc.integer({ min: 1, max: 9 }).map((last) => `10.0.0.${last}`);
  const record = fc.record({ shown: fc.array(address, { maxLength: 2 }), createdAt: fc.nat({ max: 3 }) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 9 }), fc.uniqueArray(address, { maxLength: 5 }), (made, held) => {
      const records = made.map(({ shown, createdAt }, at) => recordOf(`s${at}`, { createdAt, addresses: shown }));
      const rows = Object.fromEntries(held.map((one, at) => [`s${at * 2}`, one]));
      const { wishes } = plan(records, [poolOf('p', ['10.0.0.1-10.0.0.30'])], rows);
      const given = Object.values(wishes);
      expect(given).not.toContain('');
      expect(new Set(given).size).toBe(records.length);
    }),
  );
});
