import { isDeepStrictEqual } from 'node:util';
import type { DirectReturnSettings } from '../config/mod.ts';
import { openLinkWatcher } from '../ingress/mod.ts';
import type { LinkWatcher, PeerKnowledge } from '../ingress/mod.ts';
import { createSysctlPort } from '../ipvs/mod.ts';
import { compareText, familyOf } from '../model/mod.ts';
import type { Address, Clock, Family, Pause, PeerSettings, Problem, Snapshot, TunnelProtocol } from '../model/mod.ts';
import { openTunnels } from './remove-tunnels.ts';
import { segmentSizeOf, usualMtu } from './segment-size.ts';
import { describeTunnelProblem, makeTunnel, tunnelDevices } from './tunnel-setup.ts';

/** IPPROTO_IPIP and IPPROTO_IPV6: what comes to a tunnel of the family. */
const carriers: Readonly<Record<Family, 4 | 41>> = { IPv4: 4, IPv6: 41 };

export interface PeersOptions {
  readonly settings: DirectReturnSettings;
  readonly nodeName: string;
  readonly families: readonly Family[];
  readonly pause: Pause;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
  /** Something that published Services depend on is not as it was. */
  readonly changed: () => void;
  /** Name of the interface that has an address of the node. */
  readonly deviceOf: (address: Address) => string | null;
}

/** What was last said of the other nodes, and from what. */
interface Known {
  readonly nodes: Snapshot['nodes'];
  readonly changes: number;
  readonly settings: PeerSettings;
}

/** What direct return needs of this node: the receiving ends of tunnels, and what is known of the other nodes. */
export class IngressPeers implements PeerKnowledge {
  readonly #options: PeersOptions;
  readonly #watchers: ReadonlyMap<Family, LinkWatcher>;
  readonly #made = new Map<Family, Address>();
  readonly #peers = new Map<Family, Known>();
  readonly #links: { changes: number };
  readonly #mtus = new Map<Family, number>();
  #nodes: Snapshot['nodes'] | null = null;
  #working: Promise<void> = Promise.resolve();

  private constructor(options: PeersOptions, watchers: ReadonlyMap<Family, LinkWatcher>, links: { changes: number }) {
    this.#options = options;
    this.#watchers = watchers;
    this.#links = links;
  }

  /** What cannot be opened is reported: direct routing then reaches nobody. */
  static async open(options: PeersOptions): Promise<IngressPeers> {
    const watchers = new Map<Family, LinkWatcher>();
    const links = { changes: 0 };
    const changed = (): void => {
      links.changes += 1;
      options.changed();
    };
    const direct = options.settings.method === 'dr' ? options.families : [];
    for (const family of direct) {
      const opened = await openLinkWatcher({ ...options, family, changed });
      if (opened.ok) watchers.set(family, opened.value);
      else options.report(opened.problem);
    }
    return new IngressPeers(options, watchers, links);
  }

  reach(address: Address): ReturnType<PeerKnowledge['reach']> {
    return this.#watchers.get(familyOf(address))?.reach(address) ?? 'unfit';
  }

  segmentSize(family: Family): number | null {
    const { clampMss, method } = this.#options.settings;
    return clampMss ? segmentSizeOf(family, method, this.#mtus.get(family) ?? usualMtu) : null;
  }

  /** Who may send on to this node, as far as is known: the same value while nothing changes, since each sync asks. */
  peers(family: Family, { nodes }: Snapshot): PeerSettings {
    const known = this.#peers.get(family);
    const { changes } = this.#links;
    // Clusters have thousands of Nodes.
    if (known !== undefined && known.nodes === nodes && known.changes === changes) return known.settings;
    const found = this.#findPeers(family, nodes);
    const settings = known !== undefined && isDeepStrictEqual(known.settings, found) ? known.settings : found;
    this.#peers.set(family, { nodes, changes, settings });
    return settings;
  }

  /** Makes what is missing, one change after the other. What fails is reported: the node then still sends on, and takes nothing. */
  take({ node, nodes }: Snapshot): void {
    if (nodes !== this.#nodes) {
      this.#nodes = nodes;
      for (const [family, watcher] of this.#watchers) watcher.setPeers(this.#others(family, nodes));
    }
    for (const family of this.#options.families) {
      const local = node?.addresses.find((address) => familyOf(address) === family);
      if (local === undefined || this.#made.get(family) === local) continue;
      this.#made.set(family, local);
      this.#working = this.#working.then(() => this.#make(family, local));
    }
  }

  /** The kernel stays as it is. */
  async close(): Promise<void> {
    await Promise.all([this.#working, ...[...this.#watchers.values()].map((watcher) => watcher.close())]);
  }

  #findPeers(family: Family, nodes: Snapshot['nodes']): PeerSettings {
    const { settings } = this.#options;
    const watcher = this.#watchers.get(family);
    const gue: readonly TunnelProtocol[] = settings.method === 'gue' ? [{ udpPort: settings.guePort }] : [];
    const addresses = new Set(this.#others(family, nodes).map(({ address }) => address));
    return {
      devices: [tunnelDevices[family]],
      protocols: [{ protocol: carriers[family] }, ...gue],
      nodes: [...addresses].toSorted(compareText).map((address) => ({ address, link: watcher?.linkOf(address) ?? null })),
    };
  }

  #others(family: Family, nodes: Snapshot['nodes']): readonly { readonly node: string; readonly address: Address }[] {
    return [...(nodes ?? [])].flatMap(([name, { addresses }]) =>
      name === this.#options.nodeName
        ? []
        : addresses.filter((address) => familyOf(address) === family).map((address) => ({ node: name, address })),
    );
  }

  async #make(family: Family, local: Address): Promise<void> {
    const { settings, pause, report, deviceOf, changed } = this.#options;
    const opened = await openTunnels(pause);
    if (!opened.ok) return report(describeTunnelProblem(family, opened.problem));
    const port = opened.value;
    const wish = { family, local, guePort: settings.method === 'gue' ? settings.guePort : null };
    const made = await makeTunnel(port, createSysctlPort(), wish);
    if (!made.ok) report(describeTunnelProblem(family, made.problem));
    const device = await port.findDevice(deviceOf(local) ?? '');
    port.close();
    const mtu = device.ok ? (device.value?.mtu ?? usualMtu) : usualMtu;
    if (mtu === (this.#mtus.get(family) ?? usualMtu)) return;
    this.#mtus.set(family, mtu);
    changed();
  }
}
