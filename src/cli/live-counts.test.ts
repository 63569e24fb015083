import { expect, test } from 'vitest';
import type { ConnectionsReport } from '../observe/mod.ts';
import { LiveCounts } from './live-counts.ts';

function serverOf(
  service: string | null,
  ...active: readonly number[]
): ConnectionsReport['families'][number]['servers'][number] {
  const destinations = active.map((count, index) => {
    return { endpoint: `10.0.0.${index}:80`, weight: 1, active: count, inactive: 1, persistent: 0, draining: count === 7 };
  });
  return { server: 'TCP 10.96.0.1:80', service, destinations };
}

function reportOf(...servers: readonly ReturnType<typeof serverOf>[]): ConnectionsReport {
  return { mode: 'ipvs', families: [{ family: 'IPv4', servers }], problems: [] };
}

test('adds up the servers of a Service, leaves out those of other programs, and has rates from the second look on', async () => {
  const counts = new LiveCounts(async () => {});
  const first = await counts.take(reportOf(serverOf('shop/web', 1, 2), serverOf('shop/web', 10), serverOf(null, 99)), 1000);
  expect([...first.keys()]).toEqual(['shop/web']);
  expect(JSON.parse(first.get('shop/web') ?? '')).toEqual({
    service: 'shop/web',
    active: 13,
    inactive: 3,
    persistent: 0,
    perSecond: 0,
    draining: false,
    endpoints: [
      { endpoint: '10.0.0.0:80', active: 11, inactive: 2, persistent: 0, perSecond: 0, draining: false },
      { endpoint: '10.0.0.1:80', active: 2, inactive: 1, persistent: 0, perSecond: 0, draining: false },
    ],
  });
  const second = await counts.take(reportOf(serverOf('shop/web', 16, 7), serverOf('shop/new', 3)), 3000);
  expect(JSON.parse(second.get('shop/web') ?? '')).toMatchObject({
    active: 23,
    perSecond: 5,
    draining: true,
    endpoints: [{ perSecond: 2.5 }, { perSecond: 2.5 }],
  });
  expect(JSON.parse(second.get('shop/new') ?? '')).toMatchObject({ perSecond: 1.5 });
});

test('rests after each hundred servers and each hundred Services', async () => {
  let rests = 0;
  const counts = new LiveCounts(async () => void (rests += 1));
  await counts.take(reportOf(...Array.from({ length: 1000 }, (_, index) => serverOf(`shop/${index}`, 1))), 0);
  expect(rests).toBe(20);
});
