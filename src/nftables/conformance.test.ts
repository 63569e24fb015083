import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inSet, match } from './expression.ts';
import { createFakeNftPort } from './fake.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import type { Namespace } from './namespace.fixture.ts';
import type { NftPort } from './port.ts';
import { buildSamples, makeSamples, prefix } from './samples.fixture.ts';
import { formatTable } from './table-text.fixture.ts';
import { defineSet } from './transaction.ts';
import type { Chain, Command, Element, SetDefinition } from './transaction.ts';

const addTable: Command = { kind: 'add-table' };
const addChain = (name: string, hook: Chain['hook'] = null): Command => ({ kind: 'add-chain', chain: { name, hook } });
const addSet = (set: SetDefinition): Command => ({ kind: 'add-set', set });
const add = (set: SetDefinition, ...elements: readonly Element[]): Command => ({ kind: 'add-elements', set, elements });
const remove = (set: SetDefinition, ...elements: readonly Element[]): Command => ({ kind: 'delete-elements', set, elements });
const jump = (chain: string, target: string): Command => ({
  kind: 'add-rule',
  chain,
  rule: { statements: [{ kind: 'jump', chain: target }] },
});
const ask = (chain: string, set: string): Command => ({
  kind: 'add-rule',
  chain,
  rule: { statements: [inSet(['ip daddr'], set), { kind: 'drop' }] },
});

const plain = defineSet({ name: 'plain_set', key: ['ipv4'] });
const tiny = defineSet({ name: 'tiny', key: ['mark'], size: 2 });
const marks = defineSet({ name: 'marks', key: ['ipv4'], value: ['mark'] });
const ways = defineSet({ name: 'ways', key: ['mark'], value: 'verdict' });
const nets = defineSet({ name: 'nets', key: ['ipv4'], interval: true });
const pairs = defineSet({ name: 'pairs', key: ['ipv4', 'port'], interval: true });
const fixed = defineSet({ name: 'fixed', key: ['ipv4'], constant: true });
const ip = (address: string): Element => ({ key: [address] });
const net = (text: string): Element => ({ key: [prefix(text)] });
const mark = (address: string, value: number): Element => ({ key: [address], value: [value] });
const input: Chain['hook'] = { type: 'filter', hook: 'input', priority: 0 };

interface Case {
  readonly title: string;
  /** Transactions one after the other; the last one is judged. */
  readonly steps: readonly (readonly Command[])[];
  /** Code and command of the last one's problem; null where there is none. */
  readonly expected: readonly [string, number | null] | null;
}

const base: readonly Command[] = [addTable, addChain('a'), addChain('b'), addSet(plain), addSet(marks), addSet(ways)];
const refused = (title: string, code: string, command: number | null, ...steps: Case['steps']): Case => ({
  title,
  steps,
  expected: [`WP_NFT_${code}`, command],
});
const done = (title: string, ...steps: Case['steps']): Case => ({ title, steps, expected: null });

const cases: readonly Case[] = [
  refused('a rule that asks a set for verdicts', 'INVALID', 0, base, [
    { kind: 'add-rule', chain: 'a', rule: { statements: [{ kind: 'vmap', key: ['ip daddr'], map: 'plain_set' }] } },
  ]),
  refused(
    'a chain that a map leads to itself',
    'INVALID',
    1,
    [...base, addChain('c', input), jump('c', 'a')],
    [
      { kind: 'add-rule', chain: 'a', rule: { statements: [{ kind: 'vmap', key: ['mark'], map: 'ways' }] } },
      add(ways, { key: [1], value: { kind: 'goto', chain: 'a' } }),
    ],
  ),
  done('a loop that no packet comes to', base, [jump('a', 'b'), jump('b', 'a')]),
  done(
    'intervals of concatenations that cross',
    [addTable, addSet(pairs), add(pairs, { key: [prefix('10.0.0.0/8'), 80] })],
    [add(pairs, { key: [prefix('10.1.0.0/16'), { from: 79, to: 81 }] })],
  ),
  done('adding everything twice', base, [...base, add(plain, ip('10.0.0.1'))], [...base, add(plain, ip('10.0.0.1'))]),
  done('nothing at all', base, []),
  refused('a chain in a table that is not there', 'MISSING', 0, [addChain('a')]),
  refused('deleting a table that is not there', 'MISSING', 0, [{ kind: 'delete-table' }]),
  done('deleting a table with everything in it', [...base, jump('a', 'b'), ask('a', 'plain_set')], [{ kind: 'delete-table' }]),
  done('replacing a table', [...base, jump('a', 'b')], [{ kind: 'delete-table' }, ...base]),
  refused('nothing of a transaction whose end fails', 'MISSING', 2, base, [
    add(plain, ip('10.0.0.1')),
    addChain('c'),
    jump('c', 'd'),
  ]),
  refused('deleting an element that is not there', 'MISSING', 1, base, [
    add(plain, ip('10.0.0.1')),
    remove(plain, ip('10.0.0.2')),
  ]),
  done('deleting an element just added', base, [add(plain, ip('10.0.0.1')), remove(plain, ip('10.0.0.1'))]),
  refused('another value for a key', 'EXISTS', 0, [...base, add(marks, mark('10.0.0.1', 1))], [add(marks, mark('10.0.0.1', 2))]),
  done('the same value for a key', [...base, add(marks, mark('10.0.0.1', 1))], [add(marks, mark('10.0.0.1', 1))]),
  done(
    'replacing a value',
    [...base, add(marks, mark('10.0.0.1', 1))],
    [remove(marks, ip('10.0.0.1')), add(marks, mark('10.0.0.1', 2))],
  ),
  refused(
    'more elements than a set takes',
    'FULL',
    1,
    [addTable, addSet(tiny)],
    [addChain('a'), add(tiny, { key: [1] }, { key: [2] }, { key: [3] })],
  ),
  done('flushing a set', [...base, add(plain, ip('10.0.0.1'))], [{ kind: 'flush-set', set: plain }]),
  refused('deleting a set that a rule asks', 'BUSY', 0, [...base, ask('a', 'plain_set')], [{ kind: 'delete-set', set: plain }]),
  done(
    'deleting a set after its rule',
    [...base, ask('a', 'plain_set')],
    [
      { kind: 'flush-chain', chain: 'a' },
      { kind: 'delete-set', set: plain },
    ],
  ),
  refused('a rule that asks a set that is not there', 'MISSING', 0, base, [ask('a', 'nothing')]),
  refused('a rule whose key is not that of the set', 'INVALID', 1, base, [addSet(pairs), ask('a', 'pairs')]),
  refused('a rule in a chain that is not there', 'MISSING', 0, base, [jump('nowhere', 'a')]),
  refused('a jump to a chain that is not there', 'MISSING', 0, base, [jump('a', 'nowhere')]),
  refused('a jump to a base chain', 'NO_KERNEL', 0, [...base, addChain('c', input)], [jump('a', 'c')]),
  refused('deleting a chain that a rule jumps to', 'BUSY', 0, [...base, jump('a', 'b')], [{ kind: 'delete-chain', chain: 'b' }]),
  refused(
    'deleting a chain that a map leads to',
    'BUSY',
    0,
    [...base, add(ways, { key: [1], value: { kind: 'goto', chain: 'b' } })],
    [{ kind: 'delete-chain', chain: 'b' }],
  ),
  done(
    'deleting a chain after the element that leads to it',
    [...base, add(ways, { key: [1], value: { kind: 'goto', chain: 'b' } })],
    [remove(ways, { key: [1] }), { kind: 'delete-chain', chain: 'b' }],
  ),
  done('deleting a chain with rules of its own', [...base, jump('a', 'b')], [{ kind: 'delete-chain', chain: 'a' }]),
  refused('an element that leads to a chain that is not there', 'MISSING', 0, base, [
    add(ways, { key: [1], value: { kind: 'goto', chain: 'nowhere' } }),
  ]),
  refused(
    'a chain that leads to itself',
    'INVALID',
    1,
    [...base, addChain('c', input), jump('c', 'a')],
    [jump('a', 'b'), jump('b', 'a')],
  ),
  refused('a hook for a plain chain', 'NO_KERNEL', 0, base, [addChain('a', input)]),
  refused(
    'translation in a filter',
    'NO_KERNEL',
    0,
    [addTable, addChain('c', input)],
    [{ kind: 'add-rule', chain: 'c', rule: { statements: [{ kind: 'masquerade', fullyRandom: true }] } }],
  ),
  refused(
    'a hook that the type does not have',
    'NO_KERNEL',
    1,
    [addTable],
    [addTable, addChain('c', { type: 'route', hook: 'input', priority: 0 })],
  ),
  refused('a rule that fills a set that is not dynamic', 'NO_KERNEL', 0, base, [
    {
      kind: 'add-rule',
      chain: 'a',
      rule: {
        statements: [
          { kind: 'update', operation: 'add', set: 'plain_set', key: ['ip saddr'], timeoutSeconds: null, value: null },
        ],
      },
    },
  ]),
  done('elements of a constant set that is not asked yet', [addTable, addSet(fixed)], [add(fixed, ip('10.0.0.1'))]),
  refused(
    'elements of a constant set',
    'BUSY',
    0,
    [addTable, addChain('a'), addSet(fixed), ask('a', 'fixed')],
    [add(fixed, ip('10.0.0.1'))],
  ),
  done(
    'neighbouring intervals',
    [addTable, addSet(nets)],
    [add(nets, net('10.0.0.0/24'), net('10.0.1.0/24')), add(nets, ip('10.0.2.0'))],
  ),
  done('the same interval twice', [addTable, addSet(nets), add(nets, net('10.0.0.0/24'))], [add(nets, net('10.0.0.0/24'))]),
  refused(
    'an interval in another',
    'EXISTS',
    0,
    [addTable, addSet(nets), add(nets, net('10.0.0.0/16'))],
    [add(nets, net('10.0.1.0/24'))],
  ),
  refused(
    'an interval round another',
    'EXISTS',
    0,
    [addTable, addSet(nets), add(nets, net('10.0.1.0/24'))],
    [add(nets, net('10.0.0.0/16'))],
  ),
  refused(
    'an interval that is not there',
    'MISSING',
    0,
    [addTable, addSet(nets), add(nets, net('10.0.0.0/16'))],
    [remove(nets, net('10.1.0.0/16'))],
  ),
  done('the whole of the addresses', [addTable, addSet(nets)], [add(nets, net('0.0.0.0/0'))]),
  done(
    'replacing an interval by its halves',
    [addTable, addSet(nets), add(nets, net('10.0.0.0/16'))],
    [remove(nets, net('10.0.0.0/16')), add(nets, net('10.0.0.0/17'), net('10.0.128.0/17'))],
  ),
  refused(
    'overlapping intervals of concatenations',
    'EXISTS',
    0,
    [addTable, addSet(pairs), add(pairs, { key: [prefix('10.0.0.0/8'), 80] })],
    [add(pairs, { key: [prefix('10.1.0.0/16'), { from: 80, to: 81 }] })],
  ),
  done(
    'intervals of concatenations side by side',
    [addTable, addSet(pairs), add(pairs, { key: [prefix('10.0.0.0/8'), 80] })],
    [add(pairs, { key: [prefix('10.1.0.0/16'), 81] }), remove(pairs, { key: [prefix('10.0.0.0/8'), 80] })],
  ),
  done(
    'flushing all rules',
    [...base, jump('a', 'b'), ask('b', 'plain_set')],
    [{ kind: 'flush-table' }, { kind: 'delete-set', set: plain }],
  ),
  refused('a rule that is not there', 'MISSING', 0, base, [{ kind: 'delete-rule', chain: 'a', handle: 4711 }]),
  refused('another definition of a set', 'EXISTS', 0, base, [addSet({ ...plain, key: ['ipv4', 'port'] })]),
  refused('a comment with a quote', 'INVALID', 0, base, [add(plain, { ...ip('10.0.0.1'), comment: 'a"b' })]),
  refused('a prefix in a set of single values', 'INVALID', 0, base, [add(plain, net('10.0.0.0/8'))]),
  refused('an address of the other family', 'INVALID', 1, base, [addTable, add(plain, ip('fd00::1'))]),
  refused('a timeout in a set without', 'INVALID', 0, base, [add(plain, { ...ip('10.0.0.1'), timeoutSeconds: 5 })]),
  refused('a name that is none', 'INVALID', 0, base, [addChain('a; drop')]),
  refused('a match that makes no sense', 'INVALID', 0, base, [
    { kind: 'add-rule', chain: 'a', rule: { statements: [match('dport', '10.0.0.1')] } },
  ]),
];

interface Result {
  readonly problem: readonly [string, number | null] | null;
  readonly table: string;
}

async function runCase(port: NftPort, { steps }: Case, name: string): Promise<Result> {
  let problem: Result['problem'] = null;
  let before = '';
  for (const [index, commands] of steps.entries()) {
    before = await readText(port, name);
    const report = await port.apply({ table: { family: 'ip', name }, commands });
    problem = report.problem === null ? null : [report.problem.code, report.problem.command];
    if (problem !== null && index < steps.length - 1) throw new Error(report.problem?.message);
  }
  const table = await readText(port, name);
  return { problem, table: problem === null || table === before ? table : `not all or nothing: ${table}` };
}

async function readText(port: NftPort, name: string): Promise<string> {
  const read = await port.readTable('ip', name);
  if (!read.ok) throw new Error(read.problem.message);
  return read.value === null ? 'none' : formatTable(read.value);
}

const numbered = cases.map((step, index) => ({ ...step, name: `case${index}` }));

describe('the fake', () => {
  test.each(numbered)('$title', async (step) => {
    expect((await runCase(createFakeNftPort(), step, step.name)).problem).toEqual(step.expected);
  });

  test('takes every sample', async () => {
    const port = createFakeNftPort();
    for (const family of ['ip', 'ip6'] as const) {
      expect((await port.apply(buildSamples(makeSamples(family)))).problem).toBeNull();
    }
  });
});

describe.skipIf(kernelObstacle !== null)(`the kernel does as the fake does${kernelNote}`, () => {
  let place: Namespace;
  beforeAll(() => {
    place = makeNamespace();
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
  });

  test.each(numbered)('through netlink: $title', async (step) => {
    expect(await runCase(place.netlink, step, step.name)).toEqual(await runCase(createFakeNftPort(), step, step.name));
  });

  test.each(numbered)('through the tool: $title', async (step) => {
    expect(await runCase(place.exec, step, `x${step.name}`)).toEqual(await runCase(createFakeNftPort(), step, `x${step.name}`));
  });

  test.each(['exec', 'netlink'] as const)('%s says that a base chain keeps its priority', async (driver) => {
    const table = { family: 'ip', name: `priority_${driver}` } as const;
    await place[driver].apply({ table, commands: [addTable, addChain('c', input)] });
    const commands = [addChain('c', { type: 'filter', hook: 'input', priority: 1 })];
    const { problem } = await place[driver].apply({ table, commands });
    // Linux 6.1 says the one, 6.18 the other.
    expect(['WP_NFT_EXISTS', 'WP_NFT_NO_KERNEL']).toContain(problem?.code);
    const fake = createFakeNftPort();
    await fake.apply({ table, commands: [addTable, addChain('c', input)] });
    expect((await fake.apply({ table, commands })).problem).toMatchObject({ code: 'WP_NFT_NO_KERNEL', command: 0 });
  });

  test('a table with an owner is closed to others, and goes with it at once', async () => {
    await using owner = makeNamespace();
    const table = { family: 'inet', name: 'owned' } as const;
    const own: Command = { kind: 'add-table', owned: true };
    const fake = createFakeNftPort();
    for (const port of [owner.netlink, fake]) {
      const steps = [
        [own, addChain('a')],
        [addTable, addChain('b')],
        [own, addChain('c')],
        [addTable, { kind: 'delete-table' }, own],
      ] as const;
      for (const commands of steps) expect((await port.apply({ table, commands })).problem).toBeNull();
      await port.apply({ table: { family: 'inet', name: 'nobodys' }, commands: [addTable] });
      const late = await port.apply({ table: { family: 'inet', name: 'nobodys' }, commands: [own] });
      expect(late.problem).toMatchObject({ code: 'WP_NFT_NO_KERNEL', command: 0 });
    }
    const stranger = await owner.exec.apply({ table, commands: [addTable, addChain('d')] });
    expect(stranger.problem?.code).toBe('WP_NFT_DENIED');
    const tool = await owner.exec.apply({ table: { family: 'inet', name: 'tool' }, commands: [own] });
    expect(tool.problem).toMatchObject({ code: 'WP_NFT_NO_KERNEL', command: 0 });
    for (const port of [owner.netlink, fake]) await port.close();
    expect(await fake.readTable('inet', 'owned')).toEqual({ ok: true, value: null });
    expect(owner.run(['nft', 'list', 'tables']).trim()).toBe('table inet nobodys');
  });

  test('[SP-158] a transaction for a generation that has passed is refused as a whole', async () => {
    await using netns = makeNamespace();
    const table = { family: 'ip', name: 'counted' } as const;
    const fake = createFakeNftPort();
    expect(netns.exec.generation).toBeUndefined();
    for (const port of [netns.netlink, fake]) {
      const asked = await port.generation?.();
      const first = asked?.ok === true ? asked.value : 0;
      expect((await port.apply({ table, commands: [addTable] }, first)).problem).toBeNull();
      expect(await port.generation?.()).toEqual({ ok: true, value: first + 1 });
      const late = await port.apply({ table, commands: [addChain('a')] }, first);
      expect(late.problem).toMatchObject({ code: 'WP_NFT_STALE', command: null });
      expect((await port.apply({ table, commands: [addChain('b')] }, first + 1)).problem).toBeNull();
      const read = await port.readTable('ip', table.name);
      expect(read.ok && [...(read.value?.chains.keys() ?? [])]).toEqual(['b']);
    }
    const before = await netns.netlink.generation?.();
    netns.run(['nft', 'add', 'table', 'inet', 'foreign']);
    expect(await netns.netlink.generation?.()).not.toEqual(before);
  });

  test.each(['exec', 'netlink'] as const)('%s deletes a rule by the handle that it read', async (driver) => {
    const port = place[driver];
    const table = { family: 'ip', name: `handles_${driver}` } as const;
    await port.apply({
      table,
      commands: [addTable, addChain('a'), addChain('b'), addChain('c'), jump('a', 'b'), jump('a', 'c')],
    });
    const read = await port.readTable('ip', table.name);
    const rules = read.ok ? (read.value?.chains.get('a')?.rules ?? []) : [];
    expect(rules).toHaveLength(2);
    const commands: readonly Command[] = [{ kind: 'delete-rule', chain: 'a', handle: rules[0]?.handle ?? 0 }];
    expect((await port.apply({ table, commands })).problem).toBeNull();
    const left = await port.readTable('ip', table.name);
    expect(left.ok && left.value?.chains.get('a')?.rules).toEqual(rules.slice(1));
  });
});
