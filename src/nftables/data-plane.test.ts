import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Address, DataPlaneSettings } from '../model/mod.ts';
import { createFakeNftPort } from './fake.ts';
import { createFaultyNftPort } from './faulty.ts';
import { shareGenerations } from './generations.ts';
import {
  completeChange,
  describePlane,
  partialChange,
  planeOn,
  planeSettings,
  planeShapes,
  planeWish,
  plainShape,
  readPlaneTable,
} from './plane.fixture.ts';
import type { PlaneShape } from './plane.fixture.ts';
import type { NftPort } from './port.ts';
import type { Command, SetDefinition } from './transaction.ts';
import { defineSet } from './transaction.ts';

const table = { family: 'ip', name: 'kube-proxy' } as const;

async function freshBuild(list: readonly PlaneShape[], settings = planeSettings): Promise<string> {
  const port = createFakeNftPort();
  const report = await planeOn(port).apply(completeChange(list, settings));
  expect([report.problem, report.failed.size]).toEqual([null, 0]);
  return describePlane(await readPlaneTable(port));
}

const states = fc.uniqueArray(planeShapes, { selector: (one) => one.name, maxLength: 40, size: 'max' });

describe('property: the kernel ends in the fresh build', () => {
  test('a random walk, complete and incremental, with other settings now and then', { timeout: 120_000 }, async () => {
    const walk = fc.sample(states, { numRuns: 25, seed: 11 });
    const port = createFakeNftPort();
    const plane = planeOn(port);
    let last: readonly PlaneShape[] = [];
    let settings: DataPlaneSettings = planeSettings;
    for (const [step, next] of walk.entries()) {
      if (step % 7 === 6) settings = otherSettings(step);
      const services = planeWish(next);
      if (step % 10 !== 0) for (const { name } of last) if (!services.has(`ns/${name}`)) services.set(`ns/${name}`, []);
      const report = await plane.apply({ settings, services, complete: step % 10 === 0 });
      expect([report.problem, report.failed.size]).toEqual([null, 0]);
      expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(next, settings));
      last = next;
    }
  });

  test('[SP-155] [SP-156] a restarted agent takes over what stands, and ends in the fresh build', async () => {
    await fc.assert(
      fc.asyncProperty(states, states, async (before, after) => {
        const port = createFakeNftPort();
        await planeOn(port).apply(completeChange(before));
        const report = await planeOn(port).apply(completeChange(after));
        expect([report.problem, report.failed.size]).toEqual([null, 0]);
        expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(after));
      }),
      { numRuns: 6 },
    );
  });

  test('[SP-151] under a kernel that fails one call in five, once it stops', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(states, states, fc.integer(), async (before, after, seed) => {
        const kernel = createFakeNftPort();
        const faults = fc.sample(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { numRuns: 4000, seed });
        let at = 0;
        let probability = 0.2;
        const random = (): number => faults[(at = (at + 1) % faults.length)] ?? 0;
        const faulty = (): number => (probability === 0 ? 1 : random());
        const plane = planeOn(createFaultyNftPort(kernel, { probability, random: faulty }));
        for (const list of [before, after]) await plane.apply(completeChange(list));
        const services = planeWish(after);
        for (const { name } of before) if (!services.has(`ns/${name}`)) services.set(`ns/${name}`, []);
        for (let round = 0; round < 5; round += 1)
          await plane.apply({ settings: planeSettings, services, complete: round % 2 === 0 });
        probability = 0;
        const report = await plane.apply(completeChange(after));
        expect([report.problem, report.failed.size]).toEqual([null, 0]);
        expect(describePlane(await readPlaneTable(kernel))).toBe(await freshBuild(after));
      }),
      { numRuns: 6 },
    );
  });
});

function otherSettings(step: number): DataPlaneSettings {
  return {
    ...planeSettings,
    podTraffic: step % 2 === 0 ? { kind: 'none' } : { kind: 'interface-prefix', prefix: 'veth' },
    nodePorts:
      step % 3 === 0
        ? { kind: 'all-local', loopback: true }
        : { kind: 'listed', addresses: [`192.0.2.${step}` as Address, '127.0.0.1' as Address] },
    masqueradeBit: step % 32,
  };
}

/** Counts what a port is told. */
function counting(port: NftPort): { readonly port: NftPort; readonly sent: Command[] } {
  const sent: Command[] = [];
  return {
    sent,
    port: {
      ...port,
      apply: async (transaction, generation) => {
        sent.push(...transaction.commands);
        return await port.apply(transaction, generation);
      },
    },
  };
}

function crowd(count: number): readonly PlaneShape[] {
  return Array.from({ length: count }, (_, index) => ({
    ...plainShape,
    name: `s${index}`,
    number: index,
    backends: [index * 3, index * 3 + 1, index * 3 + 2].map((one) => one % 60_000),
  }));
}

const elementsOf = (commands: readonly Command[]): number =>
  commands.reduce((sum, command) => sum + ('elements' in command ? command.elements.length : 0), 0);

describe('[SP-152] [SP-176] the cost of a change is the change', () => {
  test.each([10, 10_000])(
    'of one back end among %i Services: a constant number of elements, no rule',
    { timeout: 60_000 },
    async (count) => {
      const { port, sent } = counting(createFakeNftPort());
      const plane = planeOn(port);
      const all = crowd(count);
      await plane.apply(completeChange(all));
      const [first = plainShape] = all;
      const steps = [
        { backends: [...first.backends, 9], elements: 3 },
        { backends: first.backends, elements: 3 },
        { backends: first.backends.slice(1), elements: 5 },
        { backends: [first.backends[1] ?? 0, 11], elements: 2 },
      ];
      for (const { backends, elements } of steps) {
        sent.length = 0;
        const report = await plane.apply(partialChange([{ ...first, backends }]));
        expect([report.problem, elementsOf(sent), report.operations]).toEqual([null, elements, elements]);
        expect(new Set(sent.map(({ kind }) => kind))).toEqual(
          new Set(['add-elements', 'delete-elements'].slice(0, sent.length === 1 ? 1 : 2)),
        );
        expect(sent.length).toBeLessThanOrEqual(4);
      }
    },
  );

  test(
    'rules are as many with 10,000 Services as with none, and a Service has six elements beside its back ends at most',
    { timeout: 60_000 },
    async () => {
      const [few, many] = [createFakeNftPort(), createFakeNftPort()];
      await planeOn(few).apply(completeChange([]));
      await planeOn(many).apply(completeChange(crowd(10_000)));
      const [none, all] = [await readPlaneTable(few), await readPlaneTable(many)];
      const countRules = (state: typeof all): number =>
        [...(state?.chains.values() ?? [])].reduce((sum, { rules }) => sum + rules.length, 0);
      const countElements = (state: typeof all): number =>
        [...(state?.sets.values() ?? [])].reduce((sum, { elements }) => sum + elements.length, 0);
      expect(countRules(all)).toBe(countRules(none));
      expect(all?.chains.size).toBe(none?.chains.size);
      expect(countElements(all) - countElements(none)).toBe(10_000 * (3 + 3));
    },
  );

  test('a pool of 5,000 grows and shrinks by one', async () => {
    const { port, sent } = counting(createFakeNftPort());
    const plane = planeOn(port);
    const backends = Array.from({ length: 5000 }, (_, index) => index);
    await plane.apply(completeChange([{ ...plainShape, backends }]));
    for (const next of [[...backends, 6000], backends, backends.slice(1)]) {
      sent.length = 0;
      await plane.apply(partialChange([{ ...plainShape, backends: next }]));
      expect(elementsOf(sent)).toBeLessThanOrEqual(3);
    }
  });

  test('a pool beyond the largest is refused by name, and its neighbour is served', async () => {
    const port = createFakeNftPort();
    const backends = Array.from({ length: 16_385 }, (_, index) => index);
    const change = completeChange([plainShape, { ...plainShape, name: 'huge', number: 8, backends }]);
    const report = await planeOn(port).apply(change);
    expect(report.failed.get('ns/huge')?.code).toBe('WP_NFT_POOL_TOO_LARGE');
    expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild([plainShape]));
  });
});

describe('what was there before', () => {
  test('[SP-177] a restart with unchanged state sends nothing, whatever slots were given', async () => {
    const { port, sent } = counting(createFakeNftPort());
    const all = [
      ...crowd(20),
      {
        ...plainShape,
        name: 'a',
        number: 900,
        nodePort: 30_001,
        externalLocal: true,
        local: 1,
        affinity: 30,
        ranges: ['198.51.100.0/24'],
      },
    ];
    const plane = planeOn(port);
    await plane.apply(completeChange(all));
    await plane.apply(partialChange([{ ...crowd(1)[0], ...plainShape, name: 's0', number: 0, backends: [5, 2, 1] }]));
    sent.length = 0;
    const again = all.map((one) => (one.name === 's0' ? { ...one, backends: [1, 2, 5] } : one));
    const report = await planeOn(port).apply(completeChange(again));
    expect([report.problem, report.operations, sent]).toEqual([null, 0, []]);
  });

  test("[SP-161] [SP-174] kube-proxy's own table of that name is replaced in one transaction", async () => {
    const { port, sent } = counting(createFakeNftPort());
    const foreign = defineSet({ name: 'service-ips', key: ['ipv4', 'protocol', 'port'], value: 'verdict' });
    const base = { name: 'nat-prerouting', hook: { type: 'nat', hook: 'prerouting', priority: -100 } } as const;
    await port.apply({
      table,
      commands: [
        { kind: 'add-table' },
        { kind: 'add-chain', chain: { name: 'service-x', hook: null } },
        { kind: 'add-chain', chain: base },
        { kind: 'add-set', set: foreign },
        {
          kind: 'add-elements',
          set: foreign,
          elements: [{ key: ['10.96.0.1', 6, 443], value: { kind: 'goto', chain: 'service-x' } }],
        },
        {
          kind: 'add-rule',
          chain: base.name,
          rule: { statements: [{ kind: 'vmap', key: ['ip daddr', 'l4proto', 'dport'], map: foreign.name }] },
        },
      ],
    });
    sent.length = 0;
    let transactions = 0;
    const once: NftPort = { ...port, apply: async (one, generation) => ((transactions += 1), await port.apply(one, generation)) };
    const list = crowd(3000);
    const report = await planeOn(once).apply(completeChange(list));
    expect([report.problem, transactions]).toEqual([null, 1]);
    expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(list));
  });

  test('a table of ours with other rules keeps its elements while they are rewritten', async () => {
    const { port, sent } = counting(createFakeNftPort());
    await planeOn(port).apply(completeChange(crowd(30)));
    await port.apply({
      table,
      commands: [
        { kind: 'flush-chain', chain: 'prerouting' },
        { kind: 'add-chain', chain: { name: 'mine', hook: null } },
      ],
    });
    sent.length = 0;
    await planeOn(port).apply(completeChange(crowd(30)));
    expect([elementsOf(sent), sent.some(({ kind }) => kind === 'delete-table')]).toEqual([0, false]);
    expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(crowd(30)));
  });
});

describe('a restarted agent over a table whose rules are to be others', () => {
  const affine = { ...plainShape, affinity: 60 };
  const other = { ...affine, name: 'other', number: 9 };
  const stray: Command = { kind: 'add-rule', chain: 'refuse_forward', rule: { statements: [{ kind: 'drop' }] } };

  test('writes rules of affinity in the transaction that takes them away, and removes those of Services that are gone', async () => {
    const kernel = createFakeNftPort();
    await planeOn(kernel).apply(completeChange([affine, other]));
    await kernel.apply({ table, commands: [stray] });
    const flushed: (readonly Command[])[] = [];
    const plane = planeOn({
      ...kernel,
      apply: async (transaction, generation) => {
        if (transaction.commands.some(({ kind }) => kind === 'flush-table')) flushed.push(transaction.commands);
        return await kernel.apply(transaction, generation);
      },
    });
    expect(await plane.apply(completeChange([affine]))).toMatchObject({ problem: null, failed: new Map() });
    expect(flushed.map((commands) => commands.some((one) => one.kind === 'add-rule' && one.chain.startsWith('sticky_')))).toEqual(
      [true],
    );
    expect(describePlane(await readPlaneTable(kernel))).toBe(await freshBuild([affine]));
  });

  test('and that hears of some Services only leaves the chains of the others until it hears of them', async () => {
    const kernel = createFakeNftPort();
    await planeOn(kernel).apply(completeChange([affine, other]));
    await kernel.apply({ table, commands: [stray] });
    const plane = planeOn(kernel);
    expect((await plane.apply(partialChange([other]))).problem).toBeNull();
    expect((await plane.apply(completeChange([affine, other]))).problem).toBeNull();
    expect(describePlane(await readPlaneTable(kernel))).toBe(await freshBuild([affine, other]));
  });
});

describe('foreign edits', () => {
  const list = crowd(5);
  const cluster = { name: 'cluster_ips' } as const;
  const edits: readonly (readonly [string, readonly Command[]])[] = [
    ['the table deleted', [{ kind: 'delete-table' }]],
    ['rules flushed', [{ kind: 'flush-table' }]],
    ['an element deleted', [{ kind: 'delete-elements', set: setNamed(cluster.name), elements: [{ key: ['10.96.0.1'] }] }]],
    ['an element added', [{ kind: 'add-elements', set: setNamed(cluster.name), elements: [{ key: ['10.96.99.1'] }] }]],
    ['a chain added', [{ kind: 'add-chain', chain: { name: 'x', hook: null } }]],
    ['a set added', [{ kind: 'add-set', set: defineSet({ name: 'x', key: ['ipv4'] }) }]],
  ];

  test.each(edits)('[SP-158] %s: the next audit repairs it, the one after that does nothing', async (_, commands) => {
    const port = createFakeNftPort();
    const plane = planeOn(port);
    await plane.apply(completeChange(list));
    await port.apply({ table, commands });
    const repaired = await plane.audit();
    expect([repaired.problem, repaired.operations > 0]).toEqual([null, true]);
    expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(list));
    expect((await plane.audit()).operations).toBe(0);
  });

  test.each(edits)('[SP-158] %s: so does the next change, whatever it is about', async (_, commands) => {
    const port = createFakeNftPort();
    const plane = planeOn(port);
    await plane.apply(completeChange(list));
    await port.apply({ table, commands });
    const next = { ...plainShape, name: 's4', number: 4, backends: [77] };
    const report = await plane.apply(partialChange([next]));
    expect([report.problem, report.failed.size]).toEqual([null, 0]);
    expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild([...list.slice(0, 4), next]));
  });

  test('an audit reads nothing while nobody but us changed anything, the other family included', async () => {
    const kernel = createFakeNftPort();
    let reads = 0;
    const port: NftPort = { ...kernel, readTable: async (...which) => ((reads += 1), await kernel.readTable(...which)) };
    const generations = shareGenerations();
    const plane = planeOn(port, 'IPv4', generations);
    const other = planeOn(port, 'IPv6', generations);
    await plane.apply(completeChange(list));
    const plain: DataPlaneSettings = {
      ...planeSettings,
      podTraffic: { kind: 'none' },
      nodePorts: { kind: 'listed', addresses: [] },
    };
    await other.apply(completeChange([], plain));
    await plane.apply(partialChange([{ ...plainShape, name: 's1', number: 1 }]));
    await other.apply(completeChange([], { ...plain, masqueradeBit: 3 }));
    expect([(await plane.audit()).operations, (await other.audit()).operations, reads]).toEqual([0, 0, 2]);
    await kernel.apply({ table: { family: 'ip', name: 'foreign' }, commands: [{ kind: 'add-table' }] });
    expect([(await plane.audit()).operations, reads]).toEqual([0, 3]);
  });

  test('[SP-157] other tables are never named', async () => {
    const port = createFakeNftPort();
    await port.apply({ table: { family: 'ip', name: 'foreign' }, commands: [{ kind: 'add-table' }] });
    const plane = planeOn(port);
    await plane.apply(completeChange(list));
    await plane.cleanup();
    expect((await port.readTable('ip', 'foreign')).ok).toBe(true);
    expect(await readPlaneTable(port)).toBeNull();
    expect(await plane.cleanup()).toEqual({ ok: true, value: [] });
    await plane.apply(partialChange([plainShape]));
    expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild([...list, plainShape]));
  });
});

function setNamed(name: string): SetDefinition {
  return defineSet({ name, key: ['ipv4'], size: null });
}
