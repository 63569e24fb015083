import type { PortRange, ServiceKey } from '../model/mod.ts';
import type { PublishedPort } from './published-port.ts';

/** What the ports of a Service are judged by when packets are to keep the port they came to. */
export interface TargetContext {
  /** All published ports of the Service. */
  readonly published: readonly PublishedPort[];
  readonly ranges: readonly PortRange[];
  /** Why no port may be rewritten, as the end of a sentence; null: ports may be. */
  readonly rewritesNot: string | null;
  /** The Service that has the rewritten port on an address of this one, or null. */
  readonly rivalOf: (port: PublishedPort, target: number) => ServiceKey | null;
}

/** The port where all back ends listen; null where there are none, or where they differ. */
function targetOf({ cluster, local }: PublishedPort): number | null {
  const targets = targetsOf([...cluster.backends, ...local.backends]);
  return targets.size === 1 ? ([...targets][0] ?? null) : null;
}

/** The port that packets get before they are balanced with port 0; null: they keep theirs. */
export function rewriteOf(port: PublishedPort): number | null {
  const target = targetOf(port);
  return target === port.port ? null : target;
}

/**
 * Why packets to a port cannot be balanced with the port they have, or get by a rewrite that the answers can be told by
 * (specification of ingress, 6, case 4). The end of a sentence, or null.
 */
export function whyNotKept(port: PublishedPort, context: TargetContext): string | null {
  if (targetsOf([...port.cluster.backends, ...port.local.backends]).size > 1)
    return `the back ends of ${nameOf(port)} listen on different ports`;
  const target = rewriteOf(port);
  if (target === null) return null;
  if (context.rewritesNot !== null) return `${nameOf(port)} goes to port ${target}, and ${context.rewritesNot}`;
  // Its own clients and the rewritten packets could not be told apart.
  if (context.published.some((other) => other.protocol === port.protocol && other.port === target))
    return `${nameOf(port)} goes to port ${target}, which is published too`;
  const twin = context.published.find(
    (other) => other !== port && other.protocol === port.protocol && targetsOf(other.cluster.backends).has(target),
  );
  if (twin !== undefined) return `${nameOf(port)} and ${nameOf(twin)} both go to port ${target}`;
  const range = context.ranges.find(
    ({ protocol, first, last }) => protocol === port.protocol && first <= target && target <= last,
  );
  if (range !== undefined) return `${nameOf(port)} goes to port ${target}, which the range ${nameOfRange(range)} holds`;
  const rival = context.rivalOf(port, target);
  return rival === null ? null : `${nameOf(port)} goes to port ${target}, which Service ${rival} has on the same address`;
}

export function nameOf({ protocol, port }: PublishedPort): string {
  return `${protocol}/${port}`;
}

export function nameOfRange({ protocol, first, last }: PortRange): string {
  return `${protocol}/${first}-${last}`;
}

function targetsOf(backends: readonly { readonly port: number }[]): ReadonlySet<number> {
  return new Set(backends.map(({ port }) => port));
}
