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
  const kind = findHintKind(ready, vantage);
  return kind === null ? ready : ready.filter((endpoint) => isHinted(endpoint, kind, vantage));
}

/** Which kind of hint decides among ready endpoints from here; null: neither does. */
export function findHintKind(ready: readonly Candidate[], vantage: Vantage): 'node' | 'zone' | null {
  const decides = (kind: 'node' | 'zone'): boolean =>
    ready.every((endpoint) => hintsOf(endpoint, kind).length > 0) && ready.some((endpoint) => isHinted(endpoint, kind, vantage));
  return (['node', 'zone'] as const).find(decides) ?? null;
}

function isHinted(endpoint: Candidate, kind: 'node' | 'zone', { nodeName, zone }: Vantage): boolean {
  const wanted = kind === 'node' ? nodeName : zone;
  return wanted !== null && hintsOf(endpoint, kind).includes(wanted);
}

function hintsOf({ nodeHints, zoneHints }: Candidate, kind: 'node' | 'zone'): readonly string[] {
  return kind === 'node' ? nodeHints : zoneHints;
}
