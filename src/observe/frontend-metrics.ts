import type { StatusRow } from '../model/mod.ts';
import type { Registry } from './metrics.ts';

/** Adds `waypost_frontends`: how many frontends are in each state, counted from the status rows at each scrape. */
export function addFrontendMetrics(registry: Registry, rows: () => readonly StatusRow[]): void {
  const frontends = registry.gauge({
    name: 'waypost_frontends',
    help: 'Frontends by state: Pending, Done or Error.',
    labels: ['ip_family', 'state'],
  });
  registry.collect(() => {
    frontends.clear();
    for (const { family, state } of rows()) frontends.add([family, state], 1);
  });
}
