import { findHintKind } from '../model/mod.ts';
import type { Address, Choice, Family, Protocol, Publisher, ServiceKey, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { chooseForPort } from './choose-for-port.ts';
import type { ChoicePlace } from './choose-for-port.ts';
import type { MergedEndpoint } from './merge-endpoints.ts';
import { weigh } from './view-weights.ts';

/** Why an endpoint gets no new connections of some clients. */
export type UnusedReason =
  | 'not-ready'
  /** An active check of this agent found it dead. */
  | 'check-failed'
  /** It terminates, and others are ready. */
  | 'terminating'
  | 'not-local'
  /** Hints keep it for other zones, or for other nodes. */
  | 'other-zone'
  | 'other-node'
  /** The Service gives it the weight 0. */
  | 'no-weight';

export type EndpointPart =
  | { readonly used: true; readonly weight: number }
  | { readonly used: false; readonly why: UnusedReason };

/** One endpoint of one service port, and for whom it is used. */
export interface EndpointUse {
  readonly service: ServiceKey;
  readonly family: Family;
  /** Name of the Service's port; empty where it has none. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly address: Address;
  readonly port: number;
  readonly node: string | null;
  readonly zone: string | null;
  /** On this node. */
  readonly local: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** For clients of the ClusterIP. */
  readonly inside: EndpointPart;
  /** For clients that come by a node port or an external address; null: the Service has neither in this family. */
  readonly outside: EndpointPart | null;
}

/**
 * Says of each endpoint of a Service what became of it, from the same choice that frontends are derived from. Pods and the
 * node itself that use an external address are not kept to a Local policy (specification 3.3), and are not told apart here.
 */
export function explainEndpoints(
  service: ServiceRecord,
  slices: readonly SliceRecord[],
  from: ChoicePlace,
  publisher: Publisher | null,
): readonly EndpointUse[] {
  const { family } = from;
  if (service.clusterIps[family] === undefined || service.headless || service.type === 'ExternalName') return [];
  return service.ports.flatMap((port) => {
    const { known, endpoints, choice, outer, externalLocal } = chooseForPort(service, port, slices, from, publisher);
    const basis = { service, endpoints, choice, known, from };
    const inside = judgeAll(basis, service.internalLocal);
    const outside = outer.length === 0 ? [] : judgeAll(basis, externalLocal);
    return endpoints.map((endpoint, index): EndpointUse => {
      const { address, port: number, nodeName, zone } = endpoint;
      const { ready, serving, terminating } = known[index] ?? endpoint;
      return {
        service: service.key,
        family,
        portName: port.name,
        protocol: port.protocol,
        address,
        port: number,
        node: nodeName,
        zone,
        local: nodeName === from.nodeName,
        ready,
        serving,
        terminating,
        inside: inside[index] ?? { used: false, why: 'not-ready' },
        outside: outside[index] ?? null,
      };
    });
  });
}

interface Basis {
  readonly service: ServiceRecord;
  readonly endpoints: readonly MergedEndpoint[];
  readonly choice: Choice<MergedEndpoint>;
  /** The endpoints as the cluster tells them, in the same order. */
  readonly known: readonly MergedEndpoint[];
  readonly from: ChoicePlace;
}

/** Of each endpoint, whether it is used where traffic has to stay on this node, or may go to any. */
function judgeAll({ service, endpoints, choice, known, from }: Basis, isLocal: boolean): readonly EndpointPart[] {
  const chosen = isLocal ? choice.local : choice.cluster;
  const places = new Map(chosen.map((endpoint, at) => [endpoint, at]));
  const { weights } = weigh(chosen, service.tuning.weights);
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const reserved = findHintKind(ready, from) === 'node' ? 'other-node' : 'other-zone';
  return endpoints.map((endpoint, index): EndpointPart => {
    const at = places.get(endpoint);
    if (at !== undefined) {
      const weight = weights?.[at] ?? 1;
      return weight === 0 ? { used: false, why: 'no-weight' } : { used: true, weight };
    }
    // A copy was made where a check of ours changed what the cluster says.
    if (known[index]?.ready !== endpoint.ready || known[index]?.serving !== endpoint.serving)
      return { used: false, why: 'check-failed' };
    if (isLocal && endpoint.nodeName !== from.nodeName) return { used: false, why: 'not-local' };
    if (endpoint.ready) return { used: false, why: reserved };
    return { used: false, why: endpoint.serving && endpoint.terminating ? 'terminating' : 'not-ready' };
  });
}
