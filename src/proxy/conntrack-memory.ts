import type { ServiceKey } from '../model/mod.ts';
import { sameUdpPorts } from './conntrack-ports.ts';
import type { FrontendKey, UdpPort } from './conntrack-ports.ts';

const none: readonly UdpPort[] = [];

/** The UDP ports of one family that the kernel was last told of, found by Service and by frontend. */
export class ConntrackMemory {
  readonly #services = new Map<ServiceKey, readonly UdpPort[]>();
  readonly #owners = new Map<FrontendKey, readonly UdpPort[]>();

  /** Services with at least one UDP port. */
  services(): Iterable<ServiceKey> {
    return this.#services.keys();
  }

  frontends(): Iterable<FrontendKey> {
    return this.#owners.keys();
  }

  /** Every port served at a frontend; Services may share an external address. */
  ownersOf(key: FrontendKey): readonly UdpPort[] {
    return this.#owners.get(key) ?? none;
  }

  /** Replaces what is known of a Service. The value names the frontends, old and new, of one that changed. */
  remember(service: ServiceKey, ports: readonly UdpPort[]): readonly FrontendKey[] {
    const before = this.#services.get(service) ?? none;
    if (sameUdpPorts(before, ports)) return [];
    for (const port of before) for (const key of port.frontends) this.#disown(key, port);
    for (const port of ports) for (const key of port.frontends) this.#owners.set(key, [...this.ownersOf(key), port]);
    if (ports.length === 0) this.#services.delete(service);
    else this.#services.set(service, ports);
    return [...before, ...ports].flatMap((port) => port.frontends);
  }

  #disown(key: FrontendKey, port: UdpPort): void {
    const left = this.ownersOf(key).filter((owner) => owner !== port);
    if (left.length === 0) this.#owners.delete(key);
    else this.#owners.set(key, left);
  }
}
