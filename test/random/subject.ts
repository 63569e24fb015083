import { makeConfig } from '../../src/config/mod.ts';
import type { EffectiveConfig } from '../../src/config/mod.ts';
import { createFakeIptables, createFakeSets, createIptablesDataPlane, trace } from '../../src/iptables/mod.ts';
import type { RulesetState } from '../../src/iptables/mod.ts';
import type { TraceOutcome } from '../../src/iptables/tracer.ts';
import { decodeNode, decodeService, decodeSlice, isProxiedService, isProxiedSlice } from '../../src/kube/decode.ts';
import { createStore } from '../../src/kube/store.ts';
import { families, noDirt, parseAddress, succeed } from '../../src/model/mod.ts';
import type { Address, Change, DataPlaneSettings, Dirty, Family, Frontend } from '../../src/model/mod.ts';
import { resolveNodeAddress, resolveSettings } from '../../src/proxy/settings.ts';
import { deriveFrontends } from '../../src/proxy/view.ts';
import type { Cluster } from './cluster.ts';
import { deviceTo, machine, nodeName } from './hosts.ts';
import type { Packet, RawConfig } from './reference.ts';

/** Mark bits of somebody else (specification 4.3). */
export const foreignMark = 0x0001_0010;

const everyTable = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;

/** The agent's way from API objects to rules, one edit being one incremental change in each family. */
export class Subject {
  readonly #config: EffectiveConfig;
  readonly #store = createStore();
  readonly #planes: Readonly<Record<Family, PlaneUnderTest>>;
  #cluster: Cluster | null = null;

  constructor(config: RawConfig, withSets: boolean) {
    this.#config = readConfig(config);
    this.#planes = { IPv4: makePlane('IPv4', withSets), IPv6: makePlane('IPv6', withSets) };
  }

  /** Takes the cluster over from the one before, handling only the objects that differ. */
  async follow(cluster: Cluster): Promise<void> {
    const before = this.#cluster;
    this.#cluster = cluster;
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
  trace(packet: Packet): readonly TraceOutcome[] {
    const { ruleset } = this.#planes[packet.family];
    if (ruleset === null) throw new Error('nothing was programmed yet');
    const traced = trace(
      ruleset,
      {
        family: packet.family,
        source: asAddress(packet.source),
        destination: asAddress(packet.destination),
        protocol: packet.protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp',
        destinationPort: packet.port,
        inInterface: packet.device,
        mark: foreignMark,
      },
      {
        localAddresses: this.#localAddresses(),
        route: (destination) => ({ outInterface: deviceTo(destination), sourceAddress: asAddress(machine[packet.family]) }),
      },
    );
    if (!traced.ok) throw new Error(traced.problem.message);
    return traced.value.outcomes;
  }

  /** What the kernels hold. */
  dumps(): readonly string[] {
    return families.map((family) => this.#planes[family].port.dump());
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
    await applyTo(this.#planes[family], { settings, services, complete });
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

  #localAddresses(): readonly Address[] {
    return [...Object.values(machine), ...(this.#cluster?.interfaces ?? []), '127.0.0.1', '::1'].map(asAddress);
  }
}

interface PlaneUnderTest {
  readonly port: ReturnType<typeof createFakeIptables>;
  readonly plane: ReturnType<typeof createIptablesDataPlane>;
  ruleset: RulesetState | null;
}

function makePlane(family: Family, withSets: boolean): PlaneUnderTest {
  const port = createFakeIptables(family);
  const plane = createIptablesDataPlane({
    family,
    port,
    sets: withSets ? createFakeSets(() => port.dump()) : null,
    dropInvalid: true,
    strays: null,
    allowLoopbackRouting: () => succeed(undefined),
    degraded: ({ message }) => {
      throw new Error(message);
    },
    pause: () => null,
    now: () => 0,
  });
  return { port, plane, ruleset: null };
}

async function applyTo(target: PlaneUnderTest, change: Change): Promise<void> {
  const { problem, failed, operations } = await target.plane.apply(change);
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  if (operations === 0 && target.ruleset !== null) return;
  const saved = await target.port.save(everyTable);
  if (!saved.ok) throw new Error(saved.problem.message);
  target.ruleset = saved.value;
}

function readConfig(config: RawConfig): EffectiveConfig {
  const document = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
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
