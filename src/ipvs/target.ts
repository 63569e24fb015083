import type { Address, Frontend, Protocol } from '../model/mod.ts';

/** A destination of packets; `address` null: every address that accepts node ports. */
export interface Target {
  readonly address: Address | null;
  readonly protocol: Protocol;
  readonly port: number;
  /** Absent for a single port. */
  readonly lastPort?: number;
}

/** Text that is equal for equal targets: `TCP 10.96.0.1:443`, `UDP *:30053`, `TCP 192.0.2.1:40000-40100`. */
export function spotOf({ address, protocol, port, lastPort }: Target): string {
  const ports = lastPort === undefined ? port : `${port}-${lastPort}`;
  return `${protocol} ${address?.includes(':') === true ? `[${address}]` : (address ?? '*')}:${ports}`;
}

/** What clients of a frontend send to. */
export function targetOf({ address, protocol, port, publication }: Frontend): Target {
  const lastPort = publication?.lastPort ?? port;
  return lastPort > port ? { address, protocol, port, lastPort } : { address, protocol, port };
}

/**
 * What the packets of a frontend are sent to once their port has been rewritten; null where it is not. Node ports keep theirs:
 * the addresses that have them are known to the packet filter alone.
 */
export function rewriteTarget({ address, protocol, port, publication }: Frontend): Target | null {
  const to = publication?.rewritePort ?? port;
  return address === null || to === port ? null : { address, protocol, port: to };
}

/** Whether some packet is for both. */
export function overlaps(one: Target, other: Target): boolean {
  const samePlace = one.protocol === other.protocol && one.address === other.address;
  return samePlace && one.port <= (other.lastPort ?? other.port) && other.port <= (one.lastPort ?? one.port);
}
