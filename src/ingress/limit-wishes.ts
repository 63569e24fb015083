import type { PortRange } from '../model/mod.ts';
import type { Tell } from './notice-board.ts';
import type { PublishedPort } from './published-port.ts';
import type { PublishingLimits } from './publisher-settings.ts';

/** Ports and ranges of one Service that marks may serve (specification of ingress, 12: bounds of resources). */
export interface Limited {
  readonly ports: readonly PublishedPort[];
  /** Served by address. */
  readonly surplus: readonly PublishedPort[];
  readonly ranges: readonly PortRange[];
}

export function limitWishes(
  ports: readonly PublishedPort[],
  ranges: readonly PortRange[],
  { portsPerService, rangesPerService }: PublishingLimits,
  tell: Tell,
): Limited {
  if (ports.length > portsPerService) {
    const limit = `ingress.limits.portsPerService is ${portsPerService}`;
    tell('MarkExhausted', `${limit}: of ${ports.length} ports those behind are served by address, without shared affinity`);
  }
  if (ranges.length > rangesPerService) {
    const limit = `ingress.limits.rangesPerService is ${rangesPerService}`;
    tell(
      'InvalidAnnotation',
      `annotation waypost.dev/port-ranges: ${limit}, of ${ranges.length} ranges those behind are left out`,
    );
  }
  return {
    ports: ports.slice(0, portsPerService),
    surplus: ports.slice(portsPerService),
    ranges: ranges.slice(0, rangesPerService),
  };
}
