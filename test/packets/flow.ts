import { families as allFamilies } from '../../src/model/mod.ts';
import type { Family, Protocol, ProxyMode } from '../../src/model/mod.ts';

/**
 * Who sends: `pod` is a pod on node1 that is no back end of anything, `node` a process of node1,
 * `outside` a machine of no cluster, `pod:<name>` a certain pod.
 */
export type From = 'pod' | 'node' | 'outside' | `pod:${string}`;

/** A destination in one or both families. */
export interface Destination {
  readonly name: string;
  readonly addresses: Readonly<Partial<Record<Family, string>>>;
}

/** Whose address a back end sees. For a client on the node `client` and `node` are the same. */
export type SeenSource = 'client' | 'node' | 'any';

export type Expectation =
  /** By each of these back ends and no other, when asked often enough. `name` means port 8080 of it, else `name:port`. */
  | {
      readonly verdict: 'answered';
      readonly backends: readonly string[];
      readonly source: SeenSource | Readonly<Record<string, SeenSource>>;
    }
  /** A TCP reset or ICMP port-unreachable, at once. */
  | { readonly verdict: 'refused' }
  /** Discarded. */
  | { readonly verdict: 'timeout' }
  /** Not our business: neither translated nor refused by the data plane, whatever then becomes of the packet. */
  | { readonly verdict: 'untouched' };

/** A row of the packet table. Lists multiply: each sender to each destination over each protocol and family. */
export interface FlowSpec {
  /** Items of the specification's checklist that the row proves: `SP-65`. */
  readonly items: readonly string[];
  readonly from: readonly From[];
  readonly to: readonly Destination[];
  readonly port: number;
  /** Default: TCP and UDP. */
  readonly protocols?: readonly Protocol[];
  /** Default: every family the destination has. */
  readonly families?: readonly Family[];
  readonly expect: Expectation;
  /** Where the specification lets the modes differ (3.4); elsewhere all of them do the same. */
  readonly inMode?: Readonly<Partial<Record<ProxyMode, Expectation>>>;
}

/** One question for a data plane. */
export interface Flow {
  readonly title: string;
  readonly scenario: string;
  readonly from: From;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly destination: string;
  readonly port: number;
  readonly expect: Expectation;
}

/** What a cluster holds, as API objects, and what its packets must meet. */
export interface Scenario {
  readonly name: string;
  readonly objects: readonly ApiObject[];
  readonly flows: readonly FlowSpec[];
}

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Scenarios that share one configuration of the agent and one Node object, and so run together. */
export interface Group {
  readonly name: string;
  /** Fields of a KubeProxyConfiguration, over those of the lab. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly Scenario[];
}

/** All questions of a scenario. A row that names a family its destination lacks is a mistake in the table. */
function expandFlows(scenario: Scenario, mode: ProxyMode = 'iptables'): readonly Flow[] {
  return scenario.flows.flatMap((row) => {
    const spec = { ...row, expect: row.inMode?.[mode] ?? row.expect };
    return spec.from.flatMap((from) =>
      spec.to.flatMap((to) =>
        (spec.families ?? allFamilies.filter((family) => to.addresses[family] !== undefined)).flatMap((family) =>
          (spec.protocols ?? ['TCP', 'UDP']).map((protocol) => makeFlow(scenario.name, spec, { from, to, family, protocol })),
        ),
      ),
    );
  });
}

/** All questions of some groups, as a mode has to answer them. */
export function flowsOf(groups: readonly Group[], mode: ProxyMode = 'iptables'): readonly Flow[] {
  return groups.flatMap(({ scenarios }) => scenarios.flatMap((scenario) => expandFlows(scenario, mode)));
}

function makeFlow(
  scenario: string,
  spec: FlowSpec,
  one: { readonly from: From; readonly to: Destination; readonly family: Family; readonly protocol: Protocol },
): Flow {
  const destination = one.to.addresses[one.family];
  if (destination === undefined) throw new RangeError(`${scenario}: ${one.to.name} has no ${one.family} address`);
  const items = spec.items.map((item) => `[${item}] `).join('');
  return {
    title: `${items}${scenario}: ${one.from} to ${one.to.name} port ${spec.port}, ${one.protocol}, ${one.family}: ${describeExpectation(spec.expect)}`,
    scenario,
    from: one.from,
    family: one.family,
    protocol: one.protocol,
    destination,
    port: spec.port,
    expect: spec.expect,
  };
}

function describeExpectation(expect: Expectation): string {
  if (expect.verdict !== 'answered') return expect.verdict;
  const source = typeof expect.source === 'string' ? expect.source : JSON.stringify(expect.source);
  return `answered by ${expect.backends.join(', ')} seeing ${source}`;
}

/** `name` as `name:8080`. */
export function fullBackend(backend: string): string {
  return backend.includes(':') ? backend : `${backend}:8080`;
}
