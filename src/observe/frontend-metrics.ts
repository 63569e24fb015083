import type { Family, RowState } from '../model/mod.ts';
import type { Registry } from './metrics.ts';

/** How far one family has come. */
interface Tally {
  readonly family: Family;
  readonly states: Readonly<Record<RowState, number>>;
  readonly dirty: number;
}

/** Adds `waypost_frontends` and `waypost_dirty_services`, read at each scrape from counts that are kept anyway. */
export function addFrontendMetrics(registry: Registry, tally: () => readonly Tally[]): void {
  const frontends = registry.gauge({
    name: 'waypost_frontends',
    help: 'Frontends by state: Pending, Done or Error.',
    labels: ['ip_family', 'state'],
  });
  const dirty = registry.gauge({
    name: 'waypost_dirty_services',
    help: 'Services with a change that no sync has taken in.',
    labels: ['ip_family'],
  });
  registry.collect(() => {
    for (const { family, states, dirty: waiting } of tally()) {
      for (const [state, count] of Object.entries(states)) frontends.set([family, state], count);
      dirty.set([family], waiting);
    }
  });
}
