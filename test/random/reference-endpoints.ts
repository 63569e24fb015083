import type { Cluster, RawEndpoint, RawService, RawServicePort, RawSlice } from './cluster.ts';
import { nodeName } from './hosts.ts';

/** An endpoint of one service port, nil conditions filled in (specification 1.3). */
interface Known {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly local: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** `address port` texts. */
export interface Chosen {
  readonly cluster: readonly string[];
  readonly local: readonly string[];
  readonly any: boolean;
  /** The slices contradict each other in a way the specification leaves open. */
  readonly open: boolean;
}

/** Specification 3.1 and 3.2, word by word and for every port afresh. */
export function chooseFor(cluster: Cluster, service: RawService, port: RawServicePort, family: string): Chosen {
  const { endpoints, open } = collect(cluster, service, port, family);
  const ready = endpoints.filter((one) => one.ready);
  const leaving = endpoints.filter((one) => one.serving && one.terminating);
  const zone = cluster.node.metadata.labels['topology.kubernetes.io/zone'] ?? '';
  const near = ready.filter((one) => passesTopology(one, ready, zone));
  const localReady = ready.filter((one) => one.local);
  const texts = (list: readonly Known[]): string[] => list.map((one) => `${one.address} ${one.port}`);
  return {
    cluster: texts(near.length > 0 ? near : leaving),
    local: texts(localReady.length > 0 ? localReady : leaving.filter((one) => one.local)),
    any: ready.length > 0 || leaving.length > 0,
    open,
  };
}

function passesTopology(one: Known, ready: readonly Known[], zone: string): boolean {
  if (ready.every(({ nodes }) => nodes.length > 0) && ready.some(({ nodes }) => nodes.includes(nodeName))) {
    return one.nodes.includes(nodeName);
  }
  if (zone !== '' && ready.every(({ zones }) => zones.length > 0) && ready.some(({ zones }) => zones.includes(zone))) {
    return one.zones.includes(zone);
  }
  return true;
}

function collect(cluster: Cluster, service: RawService, port: RawServicePort, family: string) {
  const found = new Map<string, Known>();
  let open = false;
  for (const slice of cluster.slices.values()) {
    if (!belongs(slice, service) || slice.addressType !== family) continue;
    for (const number of targetPorts(slice, port)) {
      for (const raw of slice.endpoints) {
        const one = readEndpoint(raw, number);
        if (one === null) continue;
        const key = `${one.address} ${one.port}`;
        const before = found.get(key);
        if (before !== undefined && before.terminating === one.terminating) {
          open ||= JSON.stringify(before) !== JSON.stringify(one);
        }
        if (before === undefined || !one.terminating) found.set(key, one);
      }
    }
  }
  return { endpoints: [...found.values()], open };
}

function belongs(slice: RawSlice, service: RawService): boolean {
  const { namespace, labels } = slice.metadata;
  if ('service.kubernetes.io/headless' in labels) return false;
  return namespace === service.metadata.namespace && labels['kubernetes.io/service-name'] === service.metadata.name;
}

function targetPorts(slice: RawSlice, wanted: RawServicePort): number[] {
  return slice.ports.flatMap(({ name, protocol, port }) => {
    const same = name === (wanted.name ?? '') && (protocol ?? 'TCP') === (wanted.protocol ?? 'TCP');
    return same && port !== undefined && port !== 0 ? [port] : [];
  });
}

function readEndpoint(raw: RawEndpoint, port: number): Known | null {
  const address = raw.addresses[0];
  if (address === undefined) return null;
  const { ready = true, serving = true, terminating = false } = raw.conditions ?? {};
  return {
    address,
    port,
    ready,
    serving,
    terminating,
    local: raw.nodeName === nodeName,
    zones: (raw.hints?.forZones ?? []).map(({ name }) => name),
    nodes: (raw.hints?.forNodes ?? []).map(({ name }) => name),
  };
}
