import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AddressEvent, RouteEvent, TransactionEvent, TransactionResult } from '../../src/netlink/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, pollUntil } from '../lab/mod.ts';
import { createNamespace } from './namespace.ts';
import type { NetlinkNamespace } from './namespace.ts';

const able = await canMakeNamespaces();

describeWhere(able, 'what the kernel tells and takes, in a namespace', () => {
  let space: NetlinkNamespace;

  beforeEach(async () => {
    space = await createNamespace();
  });
  afterEach(() => space?.[Symbol.asyncDispose]());

  const tables = async (...names: readonly string[]): Promise<TransactionResult> =>
    (await space.call({ op: 'tables', names, generation: null })) as TransactionResult;
  const generation = async (): Promise<number> =>
    ((await space.call({ op: 'generation' })) as { readonly value: { readonly id: number } }).value.id;
  const listTables = async (): Promise<readonly string[]> =>
    (await space.exec('nft', 'list', 'tables')).split('\n').filter(Boolean).toSorted();
  const told = (count: number): Promise<true> =>
    pollUntil(`${count} events`, async () => (space.events.length >= count ? true : null));

  test('a transaction is applied as a whole', async () => {
    expect(await tables('a', 'b')).toMatchObject({ kind: 'done' });
    expect(await listTables()).toEqual(['table ip a', 'table ip b']);
    expect(await tables()).toEqual({ kind: 'done', bytes: 0 });
  });

  test('an error in the middle: nothing is applied, and each bad message is named by its index', async () => {
    await tables('taken');
    const result = await tables('a', 'taken', 'b', '-absent', 'c');
    expect(result).toMatchObject({ kind: 'refused', batch: null, complete: true });
    if (result.kind !== 'refused') throw new Error(result.kind);
    expect(result.refusals.map(({ index, refusal }) => [index, refusal.errno])).toEqual([
      [1, 17],
      [3, 2],
    ]);
    // The extended acknowledgement points to the name, behind two headers.
    expect(result.refusals.map(({ refusal }) => refusal.offset)).toEqual([20, 20]);
    expect(await listTables()).toEqual(['table ip taken']);
  });

  test('as many errors as messages are all told', async () => {
    const absent = Array.from({ length: 5000 }, (_, index) => `-t${index}`);
    const result = await tables(...absent);
    if (result.kind !== 'refused') throw new Error(result.kind);
    expect([result.complete, result.refusals.length, result.refusals.at(-1)?.index]).toEqual([true, 5000, 4999]);
  });

  test('a transaction for rules that have changed since is stale; one for the present rules is done', async () => {
    const before = await generation();
    await space.exec('nft', 'add', 'table', 'foreign');
    const present = await generation();
    expect(present).not.toBe(before);
    expect(await space.call({ op: 'tables', names: ['a'], generation: before })).toMatchObject({ kind: 'stale' });
    expect(await space.call({ op: 'tables', names: ['a'], generation: present })).toMatchObject({ kind: 'done' });
    expect(await listTables()).toEqual(['table ip a', 'table ip foreign']);
  });

  test('a dump that is asked for during a transaction waits for it and lists what it made', async () => {
    expect(await space.call({ op: 'interleave', names: ['a', 'b'] })).toEqual([
      'transaction done',
      'table',
      'table',
      'dump true',
    ]);
  });

  test('what others change of the rules is told with its tables and who it was, and our own changes are not', async () => {
    await space.call({ op: 'watch', what: 'tables' });
    const before = await generation();
    await tables('ours');
    await space.exec('nft', 'add', 'table', 'foreign');
    await tables('ours2');
    const script = 'add chain foreign c; add rule foreign c counter; add table ip6 other; delete table ip ours';
    await space.exec('nft', script);
    await space.exec('nft', 'flush', 'ruleset');
    await told(3);
    expect(space.events as readonly TransactionEvent[]).toMatchObject([
      { kind: 'transaction', tables: ['ip foreign'], generation: { id: before + 2, threadName: 'nft' } },
      { kind: 'transaction', tables: ['ip foreign', 'ip6 other', 'ip ours'], generation: { id: before + 4 } },
      { kind: 'transaction', tables: ['ip foreign', 'ip ours2', 'ip6 other'], generation: { id: before + 5 } },
    ]);
  });

  test('routes and rules of others are told, and our own are not', async () => {
    await space.exec('ip', 'link', 'set', 'lo', 'up');
    await space.call({ op: 'watch', what: 'routes' });
    const route = { table: 87, type: 'blackhole', device: null, source: null, gateway: null, protocol: 87 };
    const ours = { ...route, destination: { family: 'IPv4', address: '192.0.2.0', length: 24 } };
    await space.call({ op: 'route', family: 'IPv4', method: 'changeRoutes', args: [[ours], []] });
    await space.exec('ip', 'route', 'del', 'table', '87', '192.0.2.0/24');
    await space.exec('ip', 'rule', 'add', 'pref', '87', 'fwmark', '0x1000', 'lookup', '87', 'protocol', '87');
    await told(2);
    expect(space.events as readonly RouteEvent[]).toEqual([
      { kind: 'removed', table: 87, protocol: 87 },
      { kind: 'added', table: 87, protocol: 87 },
    ]);
  });

  test.each(['IPv4', 'IPv6'] as const)('addresses that come and go are told: %s', async (family) => {
    const text = family === 'IPv4' ? '192.0.2.1' : 'fd00::1';
    const length = family === 'IPv4' ? 24 : 64;
    await space.call({ op: 'watch', what: family });
    await space.exec('ip', 'addr', 'add', `${text}/${length}`, 'dev', 'lo', ...(family === 'IPv6' ? ['nodad'] : []));
    await space.exec('ip', 'addr', 'add', family === 'IPv4' ? 'fd00::2/64' : '192.0.2.9/32', 'dev', 'lo');
    await space.exec('ip', 'addr', 'del', `${text}/${length}`, 'dev', 'lo');
    await told(2);
    const address = { address: text, index: 1, length };
    expect(space.events as readonly AddressEvent[]).toMatchObject([
      { kind: 'added', address },
      { kind: 'removed', address },
    ]);
  });

  test('after unwatching nothing is told, and a watch that is still open does not keep the process', async () => {
    await space.call({ op: 'watch', what: 'tables' });
    await space.call({ op: 'unwatch' });
    await space.exec('nft', 'add', 'table', 'a');
    expect(await generation()).toBeGreaterThan(0);
    expect(space.events).toEqual([]);
    await space.call({ op: 'watch', what: 'tables' });
    expect(await space.end()).toBe(0);
  });

  test('a listener that cannot keep up is told that it missed something, and goes on hearing', async () => {
    await space.call({ op: 'watch', what: 'tables' });
    await space.call({ op: 'flood', elements: 150_000 });
    await pollUntil('an overrun', async () =>
      space.events.some((each) => (each as TransactionEvent).kind === 'overrun') ? true : null,
    );
    const seen = space.events.length;
    await space.exec('nft', 'add', 'table', 'later');
    await told(seen + 1);
    expect((space.events as readonly TransactionEvent[]).at(-1)?.kind).toBe('transaction');
  });

  test('the family of generic netlink that every kernel has, and one that none has', async () => {
    expect(await space.call({ op: 'resolve', name: 'nlctrl' })).toEqual({ ok: true, value: 16 });
    expect(await space.call({ op: 'resolve', name: 'waypost' })).toMatchObject({
      ok: false,
      problem: { code: 'WP_NETLINK_FAMILY' },
    });
  });
});
