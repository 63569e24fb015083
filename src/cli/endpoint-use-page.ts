import type { ServiceKey, Snapshot } from '../model/mod.ts';
import { jsonReply } from '../observe/mod.ts';
import type { Page } from '../observe/mod.ts';
import type { EndpointUse } from '../proxy/mod.ts';

/** What `GET /endpoints/use` answers. */
export interface EndpointUses {
  readonly node: string;
  /** Services and EndpointSlices have each been read in full. */
  readonly listed: boolean;
  /** Services that were asked for by name and that the agent does not proxy. */
  readonly unknown: readonly ServiceKey[];
  readonly endpoints: readonly EndpointUse[];
}

export interface EndpointUseSources {
  readonly node: string;
  readonly snapshot: () => Snapshot | null;
  readonly explain: (services: Iterable<ServiceKey>) => Promise<readonly EndpointUse[]>;
}

/**
 * `/endpoints/use` of the debug address: what became of each endpoint of the Services that `service` names, once or more
 * often, or of all in `namespace`, or of all.
 */
export function makeEndpointUsePages({ node, snapshot, explain }: EndpointUseSources): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    [
      '/endpoints/use',
      async ({ query }) => {
        const known = snapshot();
        const named = query.getAll('service');
        const namespace = query.get('namespace');
        const all = [...(known?.services.keys() ?? [])].toSorted();
        const wanted = named.length > 0 ? named : all.filter((key) => namespace === null || key.startsWith(`${namespace}/`));
        const answer: EndpointUses = {
          node,
          listed: known?.listed ?? false,
          unknown: named.filter((key) => known?.services.get(key) === undefined),
          endpoints: await explain(wanted),
        };
        return jsonReply(200, answer);
      },
    ],
  ]);
}
