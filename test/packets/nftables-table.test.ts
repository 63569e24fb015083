import { describe, expect, test } from 'vitest';
import { flowsOf } from './flow.ts';
import { isBelowFrontends } from './frontend-tracer.ts';
import { traceNftables } from './nftables-tracer.ts';
import { readWay } from './packet-walk.ts';
import { packetTable } from './table.ts';
import { runTraced } from './tracer.ts';

const traced = await Promise.all(packetTable.map(async (group) => [group.name, group, await traceNftables(group)] as const));

describe.each(traced)('the packet table, traced through the table of nftables mode: %s', (_, group, tracer) => {
  const results = runTraced(group, (flow) => tracer(flow).map((way) => readWay(flow, way)), 'nftables').filter(
    ({ flow }) => !isBelowFrontends(flow),
  );

  test.each(results.map((result) => [result.flow.title, result.problems] as const))('%s', (_title, problems) => {
    expect(problems).toEqual([]);
  });
});

test('[SP-78] every back end of a frontend gets an equal share', () => {
  for (const [, group, tracer] of traced) {
    for (const flow of flowsOf([group], 'nftables').filter(({ expect: { verdict } }) => verdict === 'answered')) {
      const shares = Map.groupBy(tracer(flow), ({ packet }) => `${packet.destination} ${packet.destinationPort}`);
      for (const ways of shares.values()) {
        const share = ways.reduce((sum, { probability }) => sum + probability, 0);
        expect([flow.title, share.toFixed(6)]).toEqual([flow.title, (1 / shares.size).toFixed(6)]);
      }
    }
  }
});
