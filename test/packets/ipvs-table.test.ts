import { describe, expect, test } from 'vitest';
import { isBelowFrontends } from './frontend-tracer.ts';
import { traceIpvs } from './ipvs-tracer.ts';
import { packetTable } from './table.ts';
import { runTraced } from './tracer.ts';

const traced = await Promise.all(packetTable.map(async (group) => [group.name, group, await traceIpvs(group)] as const));

describe.each(traced)('the packet table, traced through what IPVS mode writes: %s', (_, group, tracer) => {
  const results = runTraced(group, tracer, 'ipvs').filter(({ flow }) => !isBelowFrontends(flow));

  test.each(results.map((result) => [result.flow.title, result.problems] as const))('%s', (_title, problems) => {
    expect(problems).toEqual([]);
  });
});
