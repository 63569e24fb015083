import type { Address } from './address.ts';

/** How packets of a tunnel look from outside: 4 is IP in IP, 41 IPv6 in IP; with a port: UDP that carries GUE. */
export type TunnelProtocol = { readonly protocol: 4 | 41 } | { readonly udpPort: number };

/** Other nodes that send on to this one what their clients sent to them (specification of ingress, 8). */
export interface PeerSettings {
  /** Devices out of which such packets come. */
  readonly devices: readonly string[];
  /** What nobody but peers may send here. */
  readonly protocols: readonly TunnelProtocol[];
  /** All other nodes in the family, sorted by address. */
  readonly nodes: readonly PeerNode[];
}

/** Another node: its address, and the link-layer address (`aa:bb:cc:dd:ee:ff`) that what it sends on comes from; null: unknown. */
export interface PeerNode {
  readonly address: Address;
  readonly link: string | null;
}
