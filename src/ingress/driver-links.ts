import { succeed } from '../model/mod.ts';
import type { Clock, Family, Outcome, Pause, Problem } from '../model/mod.ts';
import { openNeighbourPort, openRoutePort, watchNeighbours } from '../netlink/mod.ts';
import { LinkWatcher } from './link-watcher.ts';

export interface OpenLinksOptions {
  readonly family: Family;
  readonly pause: Pause;
  readonly clock: Clock;
  readonly changed: () => void;
  readonly report: (problem: Problem) => void;
}

/** A watcher over the kernel of the network namespace of this process; `close` ends all of it. Fails with `WP_NETLINK_*`. */
export async function openLinkWatcher(options: OpenLinksOptions): Promise<Outcome<LinkWatcher>> {
  const { family, pause, report } = options;
  await using opened = new AsyncDisposableStack();
  const routes = await openRoutePort({ family, pause });
  if (!routes.ok) return routes;
  opened.defer(() => routes.value.close());
  const neighbours = await openNeighbourPort({ family, pause });
  if (!neighbours.ok) return neighbours;
  opened.defer(() => neighbours.value.close());
  const heard = await watchNeighbours(family, (event) => {
    if (event.kind === 'changed') watcher.note(event.neighbour);
    else if (event.kind === 'failed') report(event.problem);
    else watcher.look();
  });
  if (!heard.ok) return heard;
  opened.defer(() => heard.value.close());
  const parts = opened.move();
  const kernel = { routes: routes.value, neighbours: neighbours.value };
  const watcher = new LinkWatcher({ ...options, kernel, release: () => parts.disposeAsync() });
  return succeed(watcher);
}
