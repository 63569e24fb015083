import { describe, expect, test } from 'vitest';
import { hostPrefix } from '../../src/model/mod.ts';
import type { Address, SentPacket } from '../../src/model/mod.ts';
import { createFakeNftPort, createTableStages } from '../../src/nftables/mod.ts';
import type { TableState } from '../../src/nftables/mod.ts';
import {
  completeChange,
  partialChange,
  plainShape,
  planeOn,
  planeSettings,
  readPlaneTable,
} from '../../src/nftables/plane.fixture.ts';
import type { PlaneShape } from '../../src/nftables/plane.fixture.ts';
import { createRouting, walkPacket } from '../../src/trace/mod.ts';
import type { TracedWay } from '../../src/trace/mod.ts';
import { labRouting, openSysctls } from './packet-walk.ts';

/** The node of the fixture. */
const node = '192.0.2.1' as Address;
const lab = labRouting('IPv4');
const routing = createRouting({
  ...lab,
  routes: [
    { destination: hostPrefix(node), table: 255, type: 'local', device: 'eth0', source: null, gateway: null, protocol: 2 },
    ...lab.routes,
  ],
});
const pod: SentPacket = {
  packet: {
    family: 'IPv4',
    protocol: 'TCP',
    source: '10.244.9.9' as Address,
    sourcePort: 40_000,
    destination: '10.96.0.7' as Address,
    destinationPort: 80,
  },
  inDevice: 'veth0',
  mark: 0,
  link: null,
  memory: new Map(),
};

function walk(table: TableState, sent: SentPacket): readonly TracedWay[] {
  const walked = walkPacket({ routing, stages: createTableStages(table, 'IPv4'), sysctls: openSysctls }, sent);
  if (!walked.ok) throw new Error(walked.problem.message);
  return walked.value;
}

async function sharesOf(shape: PlaneShape, packet = pod): Promise<readonly number[]> {
  const port = createFakeNftPort();
  const plane = planeOn(port);
  // Slots are given in more than one step.
  await plane.apply(completeChange([{ ...shape, backends: shape.backends.slice(0, 2) }]));
  await plane.apply(partialChange([shape]));
  const table = await readPlaneTable(port);
  if (table === null) throw new Error('there is no table');
  const shares = Map.groupBy(walk(table, packet), (way) => way.packet.destination);
  return [...shares.values()].map((ways) => ways.reduce((sum, { probability }) => sum + probability, 0));
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
  const atNodePort = { ...pod, packet: { ...pod.packet, destination: node, destinationPort: 30_000 } };
  const met = async (): Promise<readonly string[]> => {
    const table = await readPlaneTable(port);
    return table === null ? [] : walk(table, atNodePort).map(({ packet }) => packet.destination);
  };
  await plane.apply(completeChange([younger]));
  expect(await met()).toEqual(['10.244.0.2']);
  await plane.apply(partialChange([older]));
  expect(await met()).toEqual(['10.244.0.1']);
  await plane.apply({ settings: planeSettings, services: new Map([['ns/a', []]]), complete: false });
  expect(await met()).toEqual(['10.244.0.2']);
});

test('[INGRESS-6] what no port of a published address takes is not sent on, and other addresses are left alone', async () => {
  const port = createFakeNftPort();
  const published = { ...plainShape, nodePort: 30_001, backends: [1] };
  await planeOn(port).apply(completeChange([published]));
  const table = await readPlaneTable(port);
  if (table === null) throw new Error('there is no table');
  const endOf = (destination: string, destinationPort: number): readonly string[] =>
    walk(table, { ...pod, packet: { ...pod.packet, destination: destination as Address, destinationPort } }).map(
      ({ end }) => end,
    );
  const [address, other] = ['203.0.0.7', '203.0.0.8'];
  expect(endOf(address, 80)).toEqual(['sent']);
  expect(endOf(address, 81)).toEqual(['dropped']);
  expect(endOf(other, 81)).toEqual(['sent']);
});
