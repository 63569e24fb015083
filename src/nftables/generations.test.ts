import { describe, expect, test } from 'vitest';
import { createFakeNftPort } from './fake.ts';
import { countAsOwn, shareGenerations } from './generations.ts';
import { completeChange, partialChange, plainShape, planeOn } from './plane.fixture.ts';
import type { NftPort } from './port.ts';

test('what others of ours did since is no change of anybody else', () => {
  const ours = shareGenerations();
  expect(ours.latest(7)).toBe(7);
  expect(ours.committed(7)).toBe(8);
  expect(ours.committed(8)).toBe(9);
  expect([ours.latest(7), ours.latest(8), ours.latest(9)]).toEqual([9, 9, 9]);
  expect([ours.latest(6), ours.latest(10)]).toEqual([6, 10]);
});

test('a change of somebody else in between starts anew', () => {
  const ours = shareGenerations();
  ours.committed(7);
  expect(ours.committed(12)).toBe(13);
  expect([ours.latest(7), ours.latest(12)]).toEqual([7, 13]);
});

test('the count goes from the last number to 1', () => {
  const ours = shareGenerations();
  expect(ours.committed(0xff_ff_ff_ff)).toBe(1);
});

test('one call waits for the other, also for one that fails', async () => {
  const ours = shareGenerations();
  const order: string[] = [];
  const first = ours.inTurn(async () => {
    await Promise.resolve();
    order.push('first');
    throw new Error('it fails');
  });
  const second = ours.inTurn(async () => {
    order.push('second');
  });
  await expect(first).rejects.toThrow('it fails');
  await second;
  expect(order).toEqual(['first', 'second']);
});

describe('a port whose transactions count as our own', () => {
  const table = { family: 'inet', name: 'beside' } as const;

  function setUp(): { readonly kernel: NftPort; readonly reads: () => number; readonly port: NftPort } {
    const kernel = createFakeNftPort();
    let reads = 0;
    const port: NftPort = { ...kernel, readTable: async (...which) => ((reads += 1), await kernel.readTable(...which)) };
    return { kernel, reads: () => reads, port };
  }

  test('[SP-158] leaves a data plane in the knowledge of its table', async () => {
    const { kernel, reads, port } = setUp();
    const generations = shareGenerations();
    const plane = planeOn(port, 'IPv4', generations);
    const beside = countAsOwn(kernel, generations);
    await plane.apply(completeChange([plainShape]));
    expect((await beside.apply({ table, commands: [{ kind: 'add-table' }] })).problem).toBeNull();
    expect((await plane.apply(partialChange([{ ...plainShape, backends: [3] }]))).problem).toBeNull();
    expect([(await plane.audit()).operations, reads()]).toEqual([0, 1]);
    // Somebody else's change is noticed all the same.
    await kernel.apply({ table, commands: [{ kind: 'delete-table' }] });
    expect([(await plane.audit()).operations, reads()]).toEqual([0, 2]);
  });

  test('is applied where somebody else changes something at that moment, and hides nothing then', async () => {
    const { kernel, reads, port } = setUp();
    const generations = shareGenerations();
    const plane = planeOn(port, 'IPv4', generations);
    let disturbances = 5;
    const disturbed: NftPort = {
      ...kernel,
      generation: async () => {
        const asked = await kernel.generation?.();
        if (disturbances-- > 0) await kernel.apply({ table: { family: 'ip', name: 'x' }, commands: [{ kind: 'add-table' }] });
        return asked ?? { ok: false, problem: { code: 'WP_NFT_NO_KERNEL', message: 'no count' } };
      },
    };
    await plane.apply(completeChange([plainShape]));
    expect((await countAsOwn(disturbed, generations).apply({ table, commands: [{ kind: 'add-table' }] })).problem).toBeNull();
    expect(await kernel.readTable(table.family, table.name)).toMatchObject({ ok: true, value: { name: 'beside' } });
    expect([(await plane.audit()).operations, reads()]).toEqual([0, 2]);
  });
});
