import type { PortRange } from '../model/mod.ts';
import type { Claim } from './claims.ts';
import type { Grouping } from './group-ports.ts';
import { rewriteOf } from './port-target.ts';
import type { PublishedPort } from './published-port.ts';

/** What a Service asks of its addresses: the ports that clients connect to, and those that packets are rewritten to. */
export function planClaims(
  ports: readonly PublishedPort[],
  ranges: readonly PortRange[],
  { groups }: Pick<Grouping, 'groups'>,
): readonly Claim[] {
  const addresses = [...new Set(ports.flatMap(({ frontends }) => frontends.map(({ address }) => address)))];
  const published = ports.flatMap(({ frontends, protocol, port }) =>
    claimAt(
      frontends.map(({ address }) => address),
      { use: 'published', protocol, first: port, last: port },
    ),
  );
  const rewritten = groups
    .filter(({ keepsPorts }) => keepsPorts)
    .flatMap((group) => group.ports)
    .flatMap((port) => {
      const target = rewriteOf(port);
      return target === null ? [] : claimsOfRewrite(port, target);
    });
  const ranged = ranges.flatMap(({ protocol, first, last }) => claimAt(addresses, { use: 'published', protocol, first, last }));
  return [...published, ...ranged, ...rewritten];
}

/** What a rewrite of the port to `target` asks for. */
export function claimsOfRewrite({ frontends, protocol }: PublishedPort, target: number): readonly Claim[] {
  const addresses = frontends.map(({ address }) => address);
  return claimAt(addresses, { use: 'rewrite', protocol, first: target, last: target });
}

function claimAt(addresses: readonly (Claim['address'] | null)[], claim: Omit<Claim, 'address'>): Claim[] {
  return [...new Set(addresses)].flatMap((address) => (address === null ? [] : [{ ...claim, address }]));
}
