import { expect, test } from 'vitest';
import type { ConnectionsReport } from '../observe/mod.ts';
import { LiveCounts } from './live-counts.ts';

function serverOf(
  service: string | null,
  ...active: readonly number[]
): ConnectionsReport['families'][number]['servers'][number] {
  const destinations = active.map((count, index) => {
    const traffic = { connections: count * 10, inPackets: 0, outPackets: 1, inBytes: count * 1000, outBytes: 0 };
    const draining = count === 7;
    return { endpoint: `10.0.0.${index}:80`, weight: 1, active: count, inactive: 1, persistent: 0, draining, ...traffic };
  });
  return { server: 'TCP 10.96.0.1:80', service, destinations };
}

function at(server: string, ...[service, ...active]: Parameters<typeof serverOf>): ReturnType<typeof serverOf> {
  return { ...serverOf(service, ...active), server };
}

function reportOf(...servers: readonly ReturnType<typeof serverOf>[]): ConnectionsReport {
  return { mode: 'ipvs', families: [{ family: 'IPv4', servers }], problems: [] };
}

test('adds up the servers of a Service, leaves out those of other programs, and has rates from the second look on', async () => {
  const counts = new LiveCounts(async () => {});
  const first = await counts.take(
    reportOf(serverOf('shop/web', 1, 2), at('TCP 10.96.0.3:80', 'shop/web', 10), at('FWM 9 IPv4', null, 99)),
    1000,
  );
  expect([...first.keys()]).toEqual(['shop/web']);
  expect(JSON.parse(first.get('shop/web') ?? '')).toEqual({
    service: 'shop/web',
    active: 13,
    inactive: 3,
    persistent: 0,
    perSecond: 0,
    traffic: null,
    draining: false,
    endpoints: [
      { endpoint: '10.0.0.0:80', active: 11, inactive: 2, persistent: 0, perSecond: 0, traffic: null, draining: false },
      { endpoint: '10.0.0.1:80', active: 2, inactive: 1, persistent: 0, perSecond: 0, traffic: null, draining: false },
    ],
  });
  const second = await counts.take(reportOf(serverOf('shop/web', 16, 7), at('TCP 10.96.0.2:80', 'shop/new', 3)), 3000);
  expect(JSON.parse(second.get('shop/web') ?? '')).toMatchObject({
    active: 23,
    perSecond: 5,
    draining: true,
    endpoints: [
      { perSecond: 2.5, traffic: [75, 0, 0, 7500, 0] },
      { perSecond: 2.5, traffic: [25, 0, 0, 2500, 0] },
    ],
  });
  expect(JSON.parse(second.get('shop/new') ?? '')).toMatchObject({ perSecond: 1.5, traffic: [15, 0, 0.5, 1500, 0] });
});

test('makes no rates over a time in which nobody looked', async () => {
  const counts = new LiveCounts(async () => {});
  await counts.take(reportOf(serverOf('shop/web', 1)), 1000);
  const late = await counts.take(reportOf(serverOf('shop/web', 900)), 301_001);
  expect(JSON.parse(late.get('shop/web') ?? '')).toMatchObject({ active: 900, perSecond: 0, traffic: null });
  const next = await counts.take(reportOf(serverOf('shop/web', 910)), 303_001);
  expect(JSON.parse(next.get('shop/web') ?? '')).toMatchObject({ perSecond: 5, traffic: [50, 0, 0, 5000, 0] });
});

test('rests after each hundred servers and each hundred Services', async () => {
  let rests = 0;
  const counts = new LiveCounts(async () => void (rests += 1));
  await counts.take(reportOf(...Array.from({ length: 1000 }, (_, index) => serverOf(`shop/${index}`, 1))), 0);
  expect(rests).toBe(20);
});
