import { describe, expect, test } from 'vitest';
import type { Address } from '../model/mod.ts';
import { createFakeNftPort } from './fake.ts';
import { completeChange, partialChange, plainShape, planeOn, planeSettings, readPlaneTable } from './plane.fixture.ts';
import type { PlaneShape } from './plane.fixture.ts';
import { tracePacket } from './trace-packet.ts';
import type { TracedPacket } from './trace-packet.ts';

const pod: TracedPacket = {
  source: '10.244.9.9' as Address,
  destination: '10.96.0.7' as Address,
  protocol: 'TCP',
  port: 80,
  inInterface: 'veth0',
  mark: 0,
  localAddresses: new Set(['192.0.2.1' as Address]),
};

async function sharesOf(shape: PlaneShape, packet = pod): Promise<readonly number[]> {
  const port = createFakeNftPort();
  const plane = planeOn(port);
  // Slots are given in more than one step.
  await plane.apply(completeChange([{ ...shape, backends: shape.backends.slice(0, 2) }]));
  await plane.apply(partialChange([shape]));
  const table = await readPlaneTable(port);
  if (table === null) throw new Error('there is no table');
  return tracePacket(table, packet).map(({ probability }) => probability);
}

function list(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('[SP-78] shares of back ends', () => {
  test.each([1, 2, 3, 5, 7, 8])('of %i are equal', async (count) => {
    const shares = await sharesOf({ ...plainShape, backends: list(count) });
    expect(shares).toHaveLength(count);
    for (const share of shares) expect(share * count).toBeCloseTo(1, 9);
  });

  test.each([9, 10, 15, 16, 17, 31, 33, 100, 257])('of %i are equal within 1.6 %', async (count) => {
    const shares = await sharesOf({ ...plainShape, backends: list(count) });
    expect(shares).toHaveLength(count);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    for (const share of shares) expect(Math.abs(share * count - 1)).toBeLessThan(0.016);
  });

  test('follow weights, and are equal with affinity', async () => {
    const weighted = await sharesOf({ ...plainShape, backends: list(3), weight: 3 });
    expect(weighted.toSorted().map((share) => share.toFixed(6))).toEqual(['0.200000', '0.200000', '0.600000']);
    const sticky = await sharesOf({ ...plainShape, backends: list(12), affinity: 60 });
    expect(sticky.map((share) => (share * 12).toFixed(6))).toEqual(list(12).map(() => '1.000000'));
  });
});

test('of two Services that ask for one node port the one with precedence has it, and the other one when that is gone', async () => {
  const port = createFakeNftPort();
  const plane = planeOn(port);
  const older = { ...plainShape, name: 'a', number: 1, nodePort: 30_000, backends: [1] };
  const younger = { ...plainShape, name: 'b', number: 2, nodePort: 30_000, backends: [2] };
  const atNodePort = { ...pod, destination: '192.0.2.1' as Address, port: 30_000 };
  const met = async (): Promise<readonly string[]> => {
    const table = await readPlaneTable(port);
    return table === null ? [] : tracePacket(table, atNodePort).map(({ destination }) => destination);
  };
  await plane.apply(completeChange([younger]));
  expect(await met()).toEqual(['10.244.0.2']);
  await plane.apply(partialChange([older]));
  expect(await met()).toEqual(['10.244.0.1']);
  await plane.apply({ settings: planeSettings, services: new Map([['ns/a', []]]), complete: false });
  expect(await met()).toEqual(['10.244.0.2']);
});
