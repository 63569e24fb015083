import { setTimeout as sleep } from 'node:timers/promises';
import type { DirectReturnSettings } from '../config/mod.ts';
import { compareText, familyOf } from '../model/mod.ts';
import type { Address, Family, Pause, PeerSettings, Problem, Snapshot, TunnelProtocol } from '../model/mod.ts';
import { openTunnelPort } from '../netlink/mod.ts';
import { createSysctlPort } from '../ipvs/mod.ts';

/** Names of our receiving devices; whatever is called so is ours. */
const tunnelDevices: Readonly<Record<Family, string>> = { IPv4: 'waypost4', IPv6: 'waypost6' };
/** IPPROTO_IPIP and IPPROTO_IPV6: what comes to a tunnel of the family. */
const carriers: Readonly<Record<Family, 4 | 41>> = { IPv4: 4, IPv6: 41 };

export interface TunnelOptions {
  readonly settings: DirectReturnSettings;
  readonly nodeName: string;
  readonly families: readonly Family[];
  readonly pause: Pause;
  readonly report: (problem: Problem) => void;
}

/** The receiving ends of direct return on this node, made as soon as the node's address is known. */
export class IngressTunnels {
  readonly #options: TunnelOptions;
  readonly #made = new Map<Family, Address>();
  readonly #peers = new Map<Family, { readonly nodes: Snapshot['nodes']; readonly settings: PeerSettings }>();

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** Who may send on to this node, as far as is known: the same value for the same Nodes, since each sync asks. */
  peers(family: Family, { nodes }: Snapshot): PeerSettings {
    const known = this.#peers.get(family);
    if (known?.nodes === nodes) return known.settings;
    const settings = this.#findPeers(family, nodes);
    this.#peers.set(family, { nodes, settings });
    return settings;
  }

  #findPeers(family: Family, nodes: Snapshot['nodes']): PeerSettings {
    const { settings, nodeName } = this.#options;
    const others = [...(nodes ?? [])].filter(([name]) => name !== nodeName);
    const addresses = others.flatMap(([, node]) => node.addresses.filter((address) => familyOf(address) === family));
    const gue: readonly TunnelProtocol[] = settings.method === 'gue' ? [{ udpPort: settings.guePort }] : [];
    return {
      devices: [tunnelDevices[family]],
      protocols: [{ protocol: carriers[family] }, ...gue],
      addresses: [...new Set(addresses)].toSorted(compareText),
    };
  }

  /** Makes what is missing. What fails is reported: the node then still sends on, and takes nothing. */
  async take({ node }: Snapshot): Promise<void> {
    for (const family of this.#options.families) {
      const local = node?.addresses.find((address) => familyOf(address) === family);
      if (local === undefined || this.#made.get(family) === local) continue;
      this.#made.set(family, local);
      await this.#make(family, local);
    }
  }

  async #make(family: Family, local: Address): Promise<void> {
    const { settings, pause, report } = this.#options;
    const opened = await openTunnelPort({ pause, sleep: async (milliseconds) => await sleep(milliseconds) });
    if (!opened.ok) return report(opened.problem);
    const port = opened.value;
    const name = tunnelDevices[family];
    const made = await port.addDevice({ name, local });
    if (!made.ok) report(made.problem);
    if (settings.method === 'gue') {
      const received = await port.addReceivePort({ family, port: settings.guePort });
      if (!received.ok) report(received.problem);
    }
    port.close();
    if (made.ok && family === 'IPv4') await this.#openPath(name);
  }

  /** The source of what comes out of the device is a client, whose route leads elsewhere: a check of it drops the packet. */
  async #openPath(name: string): Promise<void> {
    const sysctls = createSysctlPort();
    const all = await sysctls.read('net/ipv4/conf/all/rp_filter');
    const written = await sysctls.write(`net/ipv4/conf/${name}/rp_filter`, '0');
    if (!written.ok) this.#options.report(written.problem);
    if (all === null || all === '0') return;
    const message = `net.ipv4.conf.all.rp_filter is ${all}, which drops packets of direct return that other nodes send to this one; set it to 0, and set the parameter of each interface instead`;
    this.#options.report({ code: 'WP_INGRESS_RP_FILTER', message });
  }
}
