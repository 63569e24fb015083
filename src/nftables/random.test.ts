import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filledSet, smallCommand, smallWorld } from './arbitrary.fixture.ts';
import { createFakeNftPort } from './fake.ts';
import { createFaultyNftPort } from './faulty.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import type { Namespace } from './namespace.fixture.ts';
import type { NftPort } from './port.ts';
import { formatTable } from './table-text.fixture.ts';
import type { Command } from './transaction.ts';

const table = { family: 'ip', name: 'walk' } as const;

async function readText(port: NftPort): Promise<string> {
  const read = await port.readTable(table.family, table.name);
  if (!read.ok) throw new Error(read.problem.message);
  return read.value === null ? 'none' : formatTable(read.value);
}

interface Outcome {
  readonly code: string | null;
  readonly command: number | null;
  /** The table after it. */
  readonly text: string;
}

async function walk(port: NftPort, transactions: readonly (readonly Command[])[]): Promise<readonly Outcome[]> {
  await port.apply({ table, commands: [{ kind: 'add-table' }, { kind: 'delete-table' }, ...smallWorld] });
  const outcomes: Outcome[] = [];
  for (const commands of transactions) {
    const { problem } = await port.apply({ table, commands });
    outcomes.push({ code: problem?.code ?? null, command: problem?.command ?? null, text: await readText(port) });
  }
  return outcomes;
}

const walks = fc.array(fc.array(smallCommand, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });

describe.skipIf(kernelObstacle !== null)(`random transactions${kernelNote}`, () => {
  let place: Namespace;
  beforeAll(() => {
    place = makeNamespace();
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
  });

  test('fare with the fake as with the kernel through netlink', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(walks, async (transactions) => {
        expect(await walk(createFakeNftPort(), transactions)).toEqual(await walk(place.netlink, transactions));
      }),
      { numRuns: 60 },
    );
  });

  test('are taken or refused through the tool as by the fake', { timeout: 120_000 }, async () => {
    // Of several faults the tool may name another one than the kernel would.
    const judge = (outcomes: readonly Outcome[]): readonly unknown[] => outcomes.map(({ code, text }) => [code === null, text]);
    await fc.assert(
      fc.asyncProperty(walks, async (transactions) => {
        expect(judge(await walk(createFakeNftPort(), transactions))).toEqual(judge(await walk(place.exec, transactions)));
      }),
      { numRuns: 10 },
    );
  });

  test.each([
    ['netlink', 60],
    ['exec', 15],
  ] as const)('of any set and elements are read back through %s', { timeout: 120_000 }, async (driver, numRuns) => {
    const port = place[driver];
    await fc.assert(
      fc.asyncProperty(filledSet, async ({ set, elements }) => {
        const targets = elements.flatMap(({ value }) => (value !== undefined && 'chain' in value ? [value.chain] : []));
        const commands: readonly Command[] = [
          { kind: 'add-table' },
          { kind: 'delete-table' },
          { kind: 'add-table' },
          ...targets.map((name): Command => ({ kind: 'add-chain', chain: { name, hook: null } })),
          { kind: 'add-set', set },
          ...(elements.length === 0 ? [] : [{ kind: 'add-elements', set, elements } as const]),
        ];
        const fake = createFakeNftPort();
        expect((await fake.apply({ table, commands })).problem).toBeNull();
        expect((await port.apply({ table, commands })).problem).toBeNull();
        expect(await readText(port)).toBe(await readText(fake));
        if (elements.length === 0) return;
        const removal = { table, commands: [{ kind: 'delete-elements', set, elements: elements.slice(1) } as const] };
        expect(elements.length === 1 ? null : (await port.apply(removal)).problem).toBeNull();
        expect(elements.length === 1 ? null : (await fake.apply(removal)).problem).toBeNull();
        expect(await readText(port)).toBe(await readText(fake));
      }),
      { numRuns },
    );
  });
});

describe('the faulty port', () => {
  test('fails as often as it is told, and either way tells the truth about nothing being half done', async () => {
    let state = 7;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const fake = createFakeNftPort();
    const port = createFaultyNftPort(fake, { probability: 0.3, random });
    let failed = 0;
    let lied = 0;
    for (let index = 0; index < 400; index += 1) {
      const before = await readText(fake);
      const commands: readonly Command[] = [
        { kind: 'add-table' },
        { kind: 'add-chain', chain: { name: `c${index}`, hook: null } },
      ];
      const { problem } = await port.apply({ table, commands });
      const changed = (await readText(fake)) !== before;
      expect(problem !== null || changed).toBe(true);
      failed += problem === null ? 0 : 1;
      lied += problem !== null && changed ? 1 : 0;
    }
    expect(failed).toBeGreaterThan(80);
    expect(failed).toBeLessThan(160);
    expect(lied).toBeGreaterThan(20);
    expect(lied).toBeLessThan(failed / 2);
    const reads = await Promise.all(Array.from({ length: 100 }, () => port.readTable('ip', 'walk')));
    expect(reads.filter(({ ok }) => !ok).length).toBeGreaterThan(15);
  });
});
