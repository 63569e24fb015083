import type { EndpointRecord } from './records.ts';

/** An endpoint as far as choosing is concerned. */
export type Candidate = Pick<EndpointRecord, 'ready' | 'serving' | 'terminating' | 'nodeName' | 'zoneHints' | 'nodeHints'>;

export interface Vantage {
  /** Null while unknown: then nothing is local. */
  readonly nodeName: string | null;
  /** Null where the node has no zone label, or an empty one. */
  readonly zone: string | null;
}

export interface Choice<E> {
  /** Usable for traffic that may go to any node. */
  readonly cluster: readonly E[];
  /** Usable for traffic that must stay on this node. */
  readonly local: readonly E[];
  /** Something usable exists in the cluster, even if nothing does from here. */
  readonly any: boolean;
}

/**
 * Chooses the endpoints of one service port (specification 3.1 and 3.2; KEP-1669 for terminating
 * endpoints, KEP-2433 and KEP-3015 for hints). The order of the input is kept.
 */
export function chooseEndpoints<E extends Candidate>(
  endpoints: readonly E[],
  vantage: Vantage,
  uses: { readonly cluster: boolean; readonly local: boolean },
): Choice<E> {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const draining = endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
  const usable = ready.length > 0 || draining.length > 0;

  const nearby = uses.cluster ? applyHints(ready, vantage) : [];
  const cluster = uses.cluster && nearby.length === 0 ? draining : nearby;
  const local = uses.local ? preferReady(ready, draining, vantage.nodeName) : [];
  return { cluster, local, any: cluster.length > 0 || (uses.local && usable) };
}

function preferReady<E extends Candidate>(ready: readonly E[], draining: readonly E[], nodeName: string | null): readonly E[] {
  const here = (endpoint: E): boolean => nodeName !== null && endpoint.nodeName === nodeName;
  const localReady = ready.filter(here);
  return localReady.length > 0 ? localReady : draining.filter(here);
}

/** Node hints first, then zone hints; a hint kind counts only if every ready endpoint carries it. */
function applyHints<E extends Candidate>(ready: readonly E[], vantage: Vantage): readonly E[] {
  return (
    filterByHint(ready, vantage.nodeName, (endpoint) => endpoint.nodeHints) ??
    filterByHint(ready, vantage.zone, (endpoint) => endpoint.zoneHints) ??
    ready
  );
}

function filterByHint<E>(
  ready: readonly E[],
  wanted: string | null,
  hintsOf: (endpoint: E) => readonly string[],
): readonly E[] | null {
  if (wanted === null || ready.some((endpoint) => hintsOf(endpoint).length === 0)) return null;
  const matching = ready.filter((endpoint) => hintsOf(endpoint).includes(wanted));
  return matching.length > 0 ? matching : null;
}
