import { describe, expect, test } from 'vitest';
import { fail } from '../model/mod.ts';
import { createExecNftPort } from './driver-exec.ts';
import { openNetlinkNftPort } from './driver-netlink.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import { defineSet } from './transaction.ts';
import type { Transaction } from './transaction.ts';

const table = { family: 'ip', name: 't' } as const;
const set = defineSet({ name: 's', key: ['ipv4', 'port'] });
const transaction: Transaction = { table, commands: [{ kind: 'add-table' }, { kind: 'add-set', set }] };
const many = Array.from({ length: 20_000 }, (_, index) => ({ key: [`10.0.${index >> 8}.${index & 255}`, index] }));

describe('what is missing', () => {
  test('a tool', async () => {
    const port = createExecNftPort({ program: '/nowhere/nft' });
    const { problem } = await port.apply(transaction);
    expect(problem).toMatchObject({ code: 'WP_NFT_TOOL', command: null, message: expect.stringContaining('/nowhere/nft') });
    expect(await port.readTable('ip', 't')).toMatchObject({ ok: false, problem: { code: 'WP_NFT_TOOL' } });
  });

  test('a socket', async () => {
    const open = async () => fail('WP_NETLINK_SOCKET', 'cannot open a netlink socket: EPERM');
    expect(await openNetlinkNftPort({ pause: () => null, open })).toMatchObject({
      ok: false,
      problem: { code: 'WP_NETLINK_SOCKET' },
    });
  });
});

describe.skipIf(kernelObstacle !== null)(`the drivers${kernelNote}`, () => {
  test('say so where the rights are missing', async () => {
    await using place = makeNamespace();
    const prefix = ['ip', 'netns', 'exec', place.name, 'setpriv', '--reuid=65534', '--clear-groups'];
    const port = createExecNftPort({ prefix });
    expect((await port.apply(transaction)).problem).toMatchObject({ code: 'WP_NFT_DENIED', command: null });
    expect(await port.readTable('ip', 't')).toMatchObject({ ok: false, problem: { code: 'WP_NFT_DENIED' } });
  });

  test.each(['exec', 'netlink'] as const)('%s names the command that failed behind long lists', async (driver) => {
    await using place = makeNamespace();
    const port = place[driver];
    const commands: Transaction['commands'] = [
      ...transaction.commands,
      { kind: 'add-elements', set, elements: many },
      { kind: 'delete-elements', set, elements: [{ key: ['10.9.9.9', 1] }] },
    ];
    expect((await port.apply({ table, commands })).problem).toMatchObject({
      code: 'WP_NFT_MISSING',
      command: 3,
      message: expect.stringContaining('to delete 1 elements of s in table ip t: '),
    });
    expect(await port.readTable('ip', 't')).toEqual({ ok: true, value: null });
    const report = await port.apply({ table, commands: commands.slice(0, 3) });
    expect(report.problem).toBeNull();
    const read = await port.readTable('ip', 't');
    expect(read.ok && read.value?.sets.get('s')?.elements).toHaveLength(20_000);
  });

  test('netlink sends one element in one message, and nothing for nothing', async () => {
    await using place = makeNamespace();
    await place.netlink.apply(transaction);
    const one = await place.netlink.apply({ table, commands: [{ kind: 'add-elements', set, elements: many.slice(0, 1) }] });
    expect(one).toMatchObject({ problem: null, messages: 1 });
    expect(one.bytes).toBeLessThan(200);
    expect(await place.netlink.apply({ table, commands: [] })).toEqual({ problem: null, bytes: 0, messages: 0 });
  });

  test.each(['exec', 'netlink'] as const)('%s touches and lists no table but its own', async (driver) => {
    await using place = makeNamespace();
    place.run(
      ['nft', '-f', '-'],
      'table ip foreign { set s { type ipv4_addr; elements = { 10.0.0.1 } }\nchain s { ip saddr @s drop; }; }\n',
    );
    const before = place.run(['nft', 'list', 'table', 'ip', 'foreign']);
    await place[driver].apply({
      table,
      commands: [...transaction.commands, { kind: 'add-chain', chain: { name: 'own', hook: null } }],
    });
    const read = await place[driver].readTable('ip', 't');
    expect(read.ok && [...(read.value?.chains.keys() ?? [])]).toEqual(['own']);
    expect(read.ok && read.value?.sets.get('s')?.elements).toEqual([]);
    await place[driver].apply({ table, commands: [{ kind: 'delete-table' }] });
    expect(place.run(['nft', 'list', 'table', 'ip', 'foreign'])).toBe(before);
    expect(place.run(['nft', 'list', 'tables']).trim()).toBe('table ip foreign');
  });
});
