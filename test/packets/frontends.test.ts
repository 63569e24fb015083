import { describe, expect, test } from 'vitest';
import { isBelowFrontends, traceFrontends } from './frontend-tracer.ts';
import { packetTable } from './table.ts';
import { runTraced } from './tracer.ts';

describe.each(packetTable)('the packet table, answered from frontends: $name', (group) => {
  const results = runTraced(group, traceFrontends(group)).filter(({ flow }) => !isBelowFrontends(flow));

  test.each(results.map((result) => [result.flow.title, result.problems] as const))('%s', (_, problems) => {
    expect(problems).toEqual([]);
  });
});
