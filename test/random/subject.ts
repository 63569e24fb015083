import { makeConfig } from '../../src/config/mod.ts';
import type { EffectiveConfig } from '../../src/config/mod.ts';
import { decodeNode, decodeService, decodeSlice, isProxiedService, isProxiedSlice } from '../../src/kube/decode.ts';
import { createStore } from '../../src/kube/store.ts';
import { families, familyOf, hostPrefix, noDirt, parseAddress, parsePrefix } from '../../src/model/mod.ts';
import type { Address, DataPlaneSettings, Dirty, Family, Frontend, Prefix, Protocol } from '../../src/model/mod.ts';
import type { Route } from '../../src/netlink/mod.ts';
import { resolveNodeAddress, resolveSettings } from '../../src/proxy/settings.ts';
import { deriveFrontends } from '../../src/proxy/view.ts';
import { createRouting, walkPacket } from '../../src/trace/mod.ts';
import type { Routing, TracedWay } from '../../src/trace/mod.ts';
import type { Cluster } from './cluster.ts';
import { clients, deviceTo, endpointHosts, machine, nodeName } from './hosts.ts';
import { makeIptablesKernel, makeNftablesKernel } from './kernels.ts';
import type { Kernel } from './kernels.ts';
import type { Mode, Packet, RawConfig } from './reference.ts';

/** Mark bits of somebody else (specification 4.3). */
export const foreignMark = 0x0001_0010;

/** The mode, and of the host that it has ipset. */
export interface Stage {
  readonly mode: Mode;
  readonly withSets: boolean;
}

/** The agent's way from API objects to rules, one edit being one incremental change in each family. */
export class Subject {
  readonly #config: EffectiveConfig;
  readonly #store = createStore();
  readonly #kernels: Readonly<Record<Family, Kernel>>;
  #cluster: Cluster | null = null;
  /** As the interfaces of the cluster are now. */
  readonly #routings = new Map<Family, Routing>();

  constructor(config: RawConfig, { mode, withSets }: Stage) {
    this.#config = readConfig(config, mode);
    const make = (family: Family): Kernel =>
      mode === 'nftables' ? makeNftablesKernel(family) : makeIptablesKernel(family, withSets);
    this.#kernels = { IPv4: make('IPv4'), IPv6: make('IPv6') };
  }

  /** Takes the cluster over from the one before, handling only the objects that differ. */
  async follow(cluster: Cluster): Promise<void> {
    const before = this.#cluster;
    this.#cluster = cluster;
    if (before?.interfaces !== cluster.interfaces) this.#routings.clear();
    this.#feed('services', before, cluster);
    this.#feed('slices', before, cluster);
    if (before?.node !== cluster.node) {
      const node = decodeNode({ kind: 'Node', ...cluster.node });
      if (!node.ok) throw new Error(node.problem.message);
      this.#store.nodes.upsert(node.value);
    }
    const dirty = this.#store.commit()?.dirty ?? noDirt;
    const moved = before?.interfaces !== cluster.interfaces;
    for (const family of families) await this.#program(family, dirty, before === null || dirty.node || moved);
  }

  /** Every way a packet can go through the rules as they stand. */
  trace(packet: Packet): readonly TracedWay[] {
    const stages = this.#kernels[packet.family].stages();
    const node = {
      routing: this.#routing(packet.family),
      stages,
      sysctls: { forwarding: true, loopbackRouting: () => true, strictReversePath: () => false },
    };
    const walked = walkPacket(node, {
      packet: {
        family: packet.family,
        protocol: packet.protocol as Protocol,
        source: asAddress(packet.source),
        sourcePort: 40_000,
        destination: asAddress(packet.destination),
        destinationPort: packet.port,
      },
      inDevice: packet.device,
      mark: foreignMark,
      link: null,
      memory: new Map(),
    });
    if (!walked.ok) throw new Error(walked.problem.message);
    return walked.value;
  }

  /** What the kernels hold. */
  dumps(): readonly string[] {
    return families.map((family) => this.#kernels[family].dump());
  }

  #feed(kind: 'services' | 'slices', before: Cluster | null, after: Cluster): void {
    for (const key of before?.[kind].keys() ?? []) if (!after[kind].has(key)) this.#store[kind].remove(key);
    for (const [key, raw] of after[kind]) {
      if (before?.[kind].get(key) === raw) continue;
      if (kind === 'services') {
        const service = isProxiedService(raw) ? decodeService({ kind: 'Service', ...raw }) : null;
        if (service?.ok === true) this.#store.services.upsert(service.value);
        else this.#store.services.remove(key);
      } else {
        const slice = isProxiedSlice(raw) ? decodeSlice({ kind: 'EndpointSlice', ...raw }) : null;
        if (slice?.ok === true) this.#store.slices.upsert(slice.value);
        else this.#store.slices.remove(key);
      }
    }
  }

  async #program(family: Family, dirty: Dirty, complete: boolean): Promise<void> {
    const { snapshot } = this.#store;
    const settings = resolveSettings(this.#config, family, { node: snapshot.node, localAddresses: this.#localAddresses() });
    const keys = complete ? [...snapshot.services.keys()] : dirty.services;
    const services = new Map([...keys].map((key) => [key, this.#frontendsOf(key, family, settings)] as const));
    await this.#kernels[family].apply({ settings, services, complete });
  }

  #frontendsOf(key: string, family: Family, settings: DataPlaneSettings): readonly Frontend[] {
    const { snapshot } = this.#store;
    const service = snapshot.services.get(key);
    if (service === undefined) return [];
    return deriveFrontends(service, snapshot.slices.get(key) ?? [], {
      family,
      nodeName,
      zone: snapshot.node?.zone ?? null,
      nodeAddress: resolveNodeAddress(this.#config, family, snapshot.node),
      detectsPods: settings.podTraffic.kind !== 'none',
      masqueradeAll: this.#config.masqueradeAll,
      externalIps: this.#config.externalIps,
    });
  }

  /** As the machines of the scenarios are wired: pods of this node behind devices of their own. */
  #routing(family: Family): Routing {
    const known = this.#routings.get(family);
    if (known !== undefined) return known;
    const own = this.#localAddresses().filter((address) => familyOf(address) === family);
    const pods = [...endpointHosts, clients.podHere].map((host) => asAddress(host[family]));
    const everywhere = parsePrefix(family === 'IPv4' ? '0.0.0.0/0' : '::/0');
    const rule = { mark: null, protocol: 2, further: false };
    const made = createRouting({
      family,
      routes: [
        ...own.map((address) => route(hostPrefix(address), 255, 'local', 'eth0')),
        ...pods.map((address) => route(hostPrefix(address), 254, 'unicast', deviceTo(address))),
        ...(everywhere === null ? [] : [route(everywhere, 254, 'unicast', 'eth0')]),
      ],
      rules: [
        { ...rule, priority: 0, table: 255 },
        { ...rule, priority: 32_766, table: 254 },
      ],
      addresses: [{ address: asAddress(machine[family]), device: 'eth0', length: family === 'IPv4' ? 24 : 64, scope: 0 }],
    });
    this.#routings.set(family, made);
    return made;
  }

  #localAddresses(): readonly Address[] {
    return [...Object.values(machine), ...(this.#cluster?.interfaces ?? []), '127.0.0.1', '::1'].map(asAddress);
  }
}

function route(destination: Prefix, table: number, type: Route['type'], device: string): Route {
  return { destination, table, type, device, source: null, gateway: null, protocol: 2 };
}

function readConfig(config: RawConfig, mode: Mode): EffectiveConfig {
  const { masqueradeAll, masqueradeBit } = config.iptables;
  const document = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode,
    nftables: { masqueradeAll, masqueradeBit },
    ...config,
  };
  const loaded = makeConfig(new Map(), { name: 'random', text: JSON.stringify(document) });
  if (loaded.ok) return loaded.config;
  throw new Error(loaded.problems.map(({ message }) => message).join('; '));
}

const addresses = new Map<string, Address>();

function asAddress(text: string): Address {
  const known = addresses.get(text);
  if (known !== undefined) return known;
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  addresses.set(text, parsed);
  return parsed;
}
