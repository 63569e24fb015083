import type { EndpointWeight, Pool, Problem, ServiceRecord } from '../model/mod.ts';
import type { MergedEndpoint } from './merge-endpoints.ts';

/** What annotated weights make of the endpoints of one pool. */
export interface Weighing {
  /** One for each endpoint, in their order; null: each weighs 1. */
  readonly weights: readonly number[] | null;
  /** All of them were 0. That would make a Service of working endpoints refuse its clients, so each weighs 1. */
  readonly idle: boolean;
}

const even: Weighing = { weights: null, idle: false };

/** An entry for an endpoint's node counts before one for its zone; without either it weighs 1. */
export function weigh(
  endpoints: readonly Pick<MergedEndpoint, 'nodeName' | 'zone'>[],
  given: readonly EndpointWeight[],
): Weighing {
  if (given.length === 0 || endpoints.length === 0) return even;
  const nodes = weightsOf(given, 'node');
  const zones = weightsOf(given, 'zone');
  const weights = endpoints.map(({ nodeName, zone }) => nodes.get(nodeName ?? '') ?? zones.get(zone ?? '') ?? 1);
  return weights.every((weight) => weight === 0) ? { weights: null, idle: true } : { weights, idle: false };
}

/** Tells a Service's owner that its weights would leave a pool nobody who takes connections. */
export function describeIdleWeights({ key }: ServiceRecord, pool: Pool['key'], endpoints: number): Problem {
  const message =
    `Service ${key}: annotation waypost.dev/weights gives all ${endpoints} endpoints of ${pool} the weight 0: ` +
    'they weigh 1 each, because new connections would otherwise be refused';
  return { code: 'WP_PROXY_IDLE_WEIGHTS', message, service: key };
}

function weightsOf(given: readonly EndpointWeight[], kind: EndpointWeight['kind']): ReadonlyMap<string, number> {
  return new Map(given.filter((entry) => entry.kind === kind).map(({ name, weight }) => [name, weight]));
}
