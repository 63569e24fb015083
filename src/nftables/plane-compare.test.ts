import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DataPlane, Difference } from '../model/mod.ts';
import { createFakeNftPort } from './fake.ts';
import {
  completeChange,
  describePlane,
  partialChange,
  planeOn,
  planeShapes,
  plainShape,
  readPlaneTable,
} from './plane.fixture.ts';
import { planeSets } from './plane-sets.ts';
import type { NftPort } from './port.ts';
import { defineSet } from './transaction.ts';
import type { Command, Element, SetDefinition } from './transaction.ts';

const table = { family: 'ip', name: 'kube-proxy' } as const;
const service = `ns/${plainShape.name}`;
const address = '10.96.0.7';

function setOf(name: string): SetDefinition {
  const set = planeSets('IPv4').get(name);
  if (set === undefined) throw new Error(`no set ${name}`);
  return set;
}

async function compare(plane: DataPlane): Promise<readonly Difference[]> {
  const compared = await plane.compare();
  if (!compared.ok) throw new Error(compared.problem.message);
  return compared.value;
}

interface Kernel extends NftPort {
  readonly writes: number;
}

/** A kernel that counts what is written to it. */
function countingPort(): Kernel {
  const port = createFakeNftPort();
  let writes = 0;
  return {
    ...port,
    get writes() {
      return writes;
    },
    apply: async (transaction, generation) => {
      writes += 1;
      return await port.apply(transaction, generation);
    },
  };
}

async function written(
  shape = plainShape,
): Promise<{ readonly port: Kernel; readonly plane: DataPlane; readonly right: string }> {
  const port = countingPort();
  const plane = planeOn(port);
  expect((await plane.apply(completeChange([shape]))).problem).toBeNull();
  expect(await compare(plane)).toEqual([]);
  return { port, plane, right: describePlane(await readPlaneTable(port)) };
}

async function meddle(port: NftPort, ...commands: readonly Command[]): Promise<void> {
  expect((await port.apply({ table, commands })).problem).toBeNull();
}

/** Nothing is written by looking, an audit puts all of it right although somebody looked before, and then there is nothing to tell. */
async function expectRepair(port: Kernel, plane: DataPlane, right: string): Promise<void> {
  const before = port.writes;
  const first = await compare(plane);
  expect([await compare(plane), port.writes]).toEqual([first, before]);
  expect((await plane.audit()).problem).toBeNull();
  expect(describePlane(await readPlaneTable(port))).toBe(right);
  expect(await compare(plane)).toEqual([]);
}

const elementOf = (set: string, element: string): string => `element ip kube-proxy ${set} { ${element} }`;

describe('what an audit would put right is told', () => {
  test('of an element that was deleted', async () => {
    const { port, plane, right } = await written();
    await meddle(port, { kind: 'delete-elements', set: setOf('cluster_ips'), elements: [{ key: [address] }] });
    expect(await compare(plane)).toEqual([{ service, place: 'nftables', held: null, wanted: elementOf('cluster_ips', address) }]);
    await expectRepair(port, plane, right);
  });

  test('of a back end that was changed', async () => {
    const { port, plane, right } = await written();
    const found = (await readPlaneTable(port))?.sets.get('service_tcp')?.elements[1];
    if (found === undefined) throw new Error('there is no second back end');
    const element: Element = { key: found.key, value: ['10.244.0.99', 8080] };
    const set = setOf('service_tcp');
    await meddle(port, { kind: 'delete-elements', set, elements: [found] }, { kind: 'add-elements', set, elements: [element] });
    const text = (value: string): string => elementOf('service_tcp', `${found.key.join(' . ')} : ${value} . 8080`);
    const [was = ''] = [found.value].flatMap((value) => (value !== undefined && !('kind' in value) ? [String(value[0])] : []));
    expect(await compare(plane)).toEqual([{ service, place: 'nftables', held: text('10.244.0.99'), wanted: text(was) }]);
    await expectRepair(port, plane, right);
  });

  test('of elements, a set and a chain that a stranger added', async () => {
    const { port, plane, right } = await written();
    const set = defineSet({ name: 'theirs', key: ['ipv4'] });
    await meddle(
      port,
      { kind: 'add-elements', set: setOf('hairpin'), elements: [{ key: ['10.244.0.9', '10.244.0.9'] }] },
      { kind: 'add-set', set },
      { kind: 'add-chain', chain: { name: 'theirs', hook: null } },
    );
    expect((await compare(plane)).map(({ held, wanted, ...rest }) => [rest, held, wanted])).toEqual([
      [{ service: null, place: 'nftables' }, expect.stringMatching(/^set ip kube-proxy theirs \{ type ipv4_addr/), null],
      [{ service: null, place: 'nftables' }, 'chain ip kube-proxy theirs', null],
      [{ service: null, place: 'nftables' }, elementOf('hairpin', '10.244.0.9 . 10.244.0.9'), null],
    ]);
    await expectRepair(port, plane, right);
  });

  test('of a rule that was deleted, one that was added, and one that was changed', async () => {
    const { port, plane, right } = await written();
    const chains = (await readPlaneTable(port))?.chains;
    const [rule] = chains?.get('refuse_forward')?.rules ?? [];
    if (rule === undefined) throw new Error('there is no rule');
    await meddle(port, { kind: 'delete-rule', chain: 'refuse_forward', handle: rule.handle });
    expect(await compare(plane)).toEqual([
      {
        service: null,
        place: 'nftables',
        held: null,
        wanted: expect.stringMatching(/^rule ip kube-proxy refuse_forward ct state.*jump refuse$/),
      },
    ]);
    await expectRepair(port, plane, right);
    const drop = { statements: [{ kind: 'drop' }] } as const;
    await meddle(port, { kind: 'add-rule', chain: 'refuse_forward', rule: { ...drop, comment: 'theirs' } });
    expect(await compare(plane)).toEqual([
      { service: null, place: 'nftables', held: 'rule ip kube-proxy refuse_forward drop comment "theirs"', wanted: null },
    ]);
    await expectRepair(port, plane, right);
    await meddle(
      port,
      { kind: 'flush-chain', chain: 'firewall_output' },
      { kind: 'add-rule', chain: 'firewall_output', rule: drop },
    );
    expect(await compare(plane)).toEqual([
      {
        service: null,
        place: 'nftables',
        held: 'rule ip kube-proxy firewall_output drop',
        wanted: expect.stringMatching(/^rule ip kube-proxy firewall_output .*goto firewall$/),
      },
    ]);
    await expectRepair(port, plane, right);
  });

  test('of the rules of a Service with affinity', async () => {
    const { port, plane, right } = await written({ ...plainShape, affinity: 60 });
    const sticky = [...((await readPlaneTable(port))?.chains.keys() ?? [])].find((name) => name.startsWith('sticky_')) ?? '';
    const [rule] = (await readPlaneTable(port))?.chains.get(sticky)?.rules ?? [];
    if (rule === undefined) throw new Error('there is no rule of affinity');
    await meddle(port, { kind: 'delete-rule', chain: sticky, handle: rule.handle });
    expect(await compare(plane)).toEqual([
      { service, place: 'nftables', held: null, wanted: expect.stringMatching(/^rule ip kube-proxy sticky_\w+ .*dnat/) },
    ]);
    await expectRepair(port, plane, right);
  });

  test('of a table that is gone', async () => {
    const { port, plane } = await written();
    await meddle(port, { kind: 'delete-table' });
    const found = await compare(plane);
    expect(found[0]).toEqual({ service: null, place: 'nftables', held: null, wanted: 'table ip kube-proxy' });
    expect(found.every(({ held }) => held === null)).toBe(true);
    expect(found.some((one) => one.service === service)).toBe(true);
    await plane.audit();
    expect(await compare(plane)).toEqual([]);
  });
});

test('a set and a chain of ours that somebody made otherwise are told with both texts', async () => {
  const { port, plane, right } = await written();
  const hook = { type: 'filter', hook: 'input', priority: 7 } as const;
  await meddle(
    port,
    { kind: 'delete-table' },
    { kind: 'add-table' },
    { kind: 'add-set', set: defineSet({ name: 'cluster_ips', key: ['port'] }) },
    { kind: 'add-chain', chain: { name: 'prerouting', hook } },
  );
  expect((await compare(plane)).filter(({ held }) => held !== null)).toEqual([
    {
      service: null,
      place: 'nftables',
      held: expect.stringMatching(/^set ip kube-proxy cluster_ips \{ type inet_service;/),
      wanted: expect.stringMatching(/^set ip kube-proxy cluster_ips \{ type ipv4_addr;/),
    },
    {
      service: null,
      place: 'nftables',
      held: 'chain ip kube-proxy prerouting { type filter hook input priority 7; policy accept; }',
      wanted: 'chain ip kube-proxy prerouting { type nat hook prerouting priority -100; policy accept; }',
    },
  ]);
  await expectRepair(port, plane, right);
});

describe('comparing', () => {
  test('says nothing before anything was applied, and tells when the kernel cannot be read', async () => {
    expect(await compare(planeOn(createFakeNftPort()))).toEqual([]);
    const port = createFakeNftPort();
    const problem = { code: 'WP_NFT_TOOL', message: 'no answer' } as const;
    let broken = false;
    const plane = planeOn({
      ...port,
      readTable: async (family, name) => (broken ? { ok: false, problem } : await port.readTable(family, name)),
    });
    await plane.apply(completeChange([plainShape]));
    broken = true;
    expect(await plane.compare()).toEqual({ ok: false, problem });
  });

  test('does not hide from the next change that somebody else changed the table', async () => {
    const { port, plane } = await written();
    await meddle(port, { kind: 'delete-elements', set: setOf('cluster_ips'), elements: [{ key: [address] }] });
    expect((await compare(plane)).length).toBe(1);
    const other = { ...plainShape, name: 'other', number: 9 };
    expect((await plane.apply(partialChange([other]))).problem).toBeNull();
    expect(await compare(plane)).toEqual([]);
  });

  test('property: finds nothing after any change, and all elements that were taken away', async () => {
    const states = fc.uniqueArray(planeShapes, { selector: (one) => one.name, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(states, states, fc.array(fc.nat(), { maxLength: 4 }), async (before, after, picks) => {
        const port = countingPort();
        const plane = planeOn(port);
        for (const list of [before, after]) {
          await plane.apply(completeChange(list));
          expect(await compare(plane)).toEqual([]);
        }
        const listed = [...((await readPlaneTable(port))?.sets.values() ?? [])].flatMap(({ set, elements }) =>
          set === null || set.dynamic ? [] : elements.map((element) => ({ set, element })),
        );
        const gone = new Set(picks.flatMap((at) => listed[at % Math.max(1, listed.length)] ?? []));
        for (const { set, element } of gone) await meddle(port, { kind: 'delete-elements', set, elements: [element] });
        const told = await compare(plane);
        expect(told.length > 0).toBe(gone.size > 0);
        expect(told.length).toBeGreaterThanOrEqual(gone.size);
        await plane.audit();
        expect(await compare(plane)).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });
});
