import type { Family, Frontend, ServiceKey } from '../model/mod.ts';

/** What ingress made of a frontend, as `waypost ingress` shows it. */
export interface PublicationRow {
  readonly service: ServiceKey;
  readonly family: Family;
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
  /** `port` itself where it is one port. */
  readonly lastPort: number;
  /** The port of the back ends where packets are rewritten to it; null: they keep theirs. */
  readonly rewritePort: number | null;
  /** Ports with one group share a mark; null: served by address. */
  readonly group: string | null;
  readonly capture: string | null;
  /** Null: clients are not remembered by the balancer. */
  readonly affinitySeconds: number | null;
  /** Back ends for clients from outside. */
  readonly backends: number;
  readonly verdict: string;
}

/** Remembers what the publisher last made of each Service. */
export class PublicationBook {
  readonly #rows = new Map<string, readonly PublicationRow[]>();

  note(service: ServiceKey, family: Family, frontends: readonly Frontend[]): void {
    const rows = frontends.filter(({ kind }) => kind === 'LoadBalancerIP' || kind === 'ExternalIP').map(rowOf);
    this.#rows.set(`${family} ${service}`, rows);
  }

  forget(service: ServiceKey, family: Family): void {
    this.#rows.delete(`${family} ${service}`);
  }

  /** Some Service has every packet to the address taken, whatever its port. */
  takesWhole(address: string): boolean {
    return this.rows().some((row) => row.address === address && row.capture === 'local');
  }

  rows(): readonly PublicationRow[] {
    return [...this.#rows.values()].flat();
  }

  /** Services that ingress has to do with, those of which every address is refused included. */
  services(): ReadonlySet<ServiceKey> {
    return new Set([...this.#rows.keys()].map((key) => key.slice(key.indexOf(' ') + 1)));
  }
}

function rowOf({ service, family, address, protocol, port, publication, routes }: Frontend): PublicationRow {
  const { outside } = routes;
  return {
    service,
    family,
    address: address ?? '*',
    protocol,
    port,
    lastPort: publication?.lastPort ?? port,
    rewritePort: publication?.rewritePort ?? null,
    group: publication?.group ?? null,
    capture: publication?.capture ?? null,
    affinitySeconds: publication?.persistence?.timeoutSeconds ?? null,
    backends: outside.verdict === 'forward' ? outside.pool.backends.length : 0,
    verdict: outside.verdict,
  };
}
