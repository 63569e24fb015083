import { expect, test } from 'vitest';
import { unknownTraffic } from '../model/mod.ts';
import type { DestinationConnections, Family, ServerConnections } from '../model/mod.ts';
import { TrafficGrowth } from './traffic-growth.ts';

/** Numbers of connections by endpoint; null: not told. */
type Look = Readonly<Record<string, number | null>>;

function serverOf(look: Look): ServerConnections {
  const destinations = Object.entries(look).map(([endpoint, connections]): DestinationConnections => {
    const traffic = connections === null ? unknownTraffic : { connections, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
    return { endpoint, weight: 1, active: 0, inactive: 0, persistent: 0, draining: false, ...traffic };
  });
  return { server: 'TCP 10.96.0.1:80', service: 'shop/web', destinations };
}

/** Growth of connections at each look, endpoint by endpoint; null: the family was not looked at. */
function grow(looks: readonly (Look | null)[], family: Family = 'IPv4'): readonly (readonly number[])[] {
  const growth = new TrafficGrowth();
  return looks.map((look) => {
    growth.begin(look === null ? [] : [family]);
    return look === null ? [] : Array.from(growth.grow(family, serverOf(look))).filter((_, index) => index % 5 === 0);
  });
}

const { NaN: unknown } = Number;

test('grows from look to look, whatever the order of the list', () => {
  expect(
    grow([
      { a: 5, b: 7 },
      { a: 6, b: 9 },
      { c: 1, b: 9, a: 7 },
    ]),
  ).toEqual([
    [unknown, unknown],
    [1, 2],
    [1, 0, 1],
  ]);
});

test('begins anew at 0 with a counter that went backwards', () => {
  expect(grow([{ a: 500 }, { a: 3 }])).toEqual([[unknown], [3]]);
});

test('a destination that comes back with what it had makes no jump, and one that begins anew counts', () => {
  expect(grow([{ a: 500, b: 1 }, { b: 1 }, { b: 1 }, { a: 502, b: 1 }])[3]).toEqual([2, 0]);
  expect(grow([{ a: 500, b: 1 }, { b: 1 }, { a: 4, b: 1 }])[2]).toEqual([4, 0]);
});

test('remembers the last 64 that left', () => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`p${index}`, 100]));
  expect(grow([many, {}, { p0: 100, p1: 100, p64: 101 }])[2]).toEqual([100, 0, 1]);
});

test('is not known after a look without the family, nor where the driver is not told', () => {
  expect(grow([{ a: 5 }, null, { a: 900 }, { a: 901 }])).toEqual([[unknown], [], [unknown], [1]]);
  expect(grow([{ a: null }, { a: null }], 'IPv6')).toEqual([[unknown], [unknown]]);
});
