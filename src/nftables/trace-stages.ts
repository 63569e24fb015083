import type { Family, TraceStage } from '../model/mod.ts';
import type { TableState } from './port.ts';
import { TableWalker } from './trace-table.ts';

/** The base chains of a table as parts that packets of the family pass; none where the table is of another family. */
export function createTableStages(table: TableState, family: Family): readonly TraceStage[] {
  const own = family === 'IPv4' ? 'ip' : 'ip6';
  if (table.family !== own && table.family !== 'inet') return [];
  const walker = new TableWalker(table);
  return [...table.chains].flatMap(([name, state]): TraceStage[] => {
    const hook = state.chain?.hook;
    if (hook === null || hook === undefined) return [];
    return [
      {
        hook: hook.hook,
        priority: hook.priority,
        nat: hook.type === 'nat',
        reroutes: hook.type === 'route',
        walk: (world, host) => walker.enter(name, state, hook.hook, world, host),
      },
    ];
  });
}
