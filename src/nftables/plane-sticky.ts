import { createHash } from 'node:crypto';
import { formatEndpoint, protocolNumbers } from '../model/mod.ts';
import type { Family, Protocol } from '../model/mod.ts';
import { inSet, match } from './expression.ts';
import type { Statement } from './expression.ts';
import { planeFields } from './plane-sets.ts';
import type { Target } from './plane-slots.ts';

/** A pool whose clients stay with the back end that they had. */
export interface StickyPool {
  readonly chain: string;
  readonly servicePort: string;
  readonly protocol: Protocol;
  readonly timeoutSeconds: number;
  /** Each as often as its weight asks for; never empty. */
  readonly targets: readonly Target[];
}

const chainPrefix = 'sticky_';
const setPrefix = 'clients_';

/** All frontends of a service port that forward to one pool share the chain. */
export function stickyChainName(poolKey: string): string {
  return chainPrefix + hash(poolKey);
}

/** All pools of a service port share what is remembered of a back end. */
function clientsSetName(servicePort: string, { address, port }: Target): string {
  return setPrefix + hash(`${servicePort} ${formatEndpoint(address, port)}`);
}

export function isStickyChain(name: string): boolean {
  return name.startsWith(chainPrefix);
}

export function isClientsSet(name: string): boolean {
  return name.startsWith(setPrefix);
}

/** 80 bits. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}

/**
 * The one layout with rules for a Service: packets cannot say which back end a map gave them, so each has a set of the clients
 * that it was given, and a rule that asks it. Whoever is in none gets a back end at random, rule i taking its share
 * of what the rules before it left. A new connection starts the client's time again; only such packets come here.
 */
export function planStickyRules(family: Family, pool: StickyPool): readonly (readonly Statement[])[] {
  const { saddr } = planeFields(family);
  const { protocol, timeoutSeconds, targets, servicePort } = pool;
  const isProtocol = match('l4proto', protocolNumbers[protocol]);
  const send = (target: Target): readonly Statement[] => [
    {
      kind: 'update',
      operation: 'update',
      set: clientsSetName(servicePort, target),
      key: [saddr],
      timeoutSeconds,
      value: null,
    },
    { kind: 'dnat', to: { address: target.address, port: target.port } },
  ];
  const known = uniqueTargets(targets).map((target) => [
    isProtocol,
    inSet([saddr], clientsSetName(servicePort, target)),
    ...send(target),
  ]);
  const drawn = targets.map((target, index) => {
    const left = targets.length - index;
    const chance: readonly Statement[] = left === 1 ? [] : [inSet([{ kind: 'random', modulus: left }], 'zero')];
    return [isProtocol, ...chance, ...send(target)];
  });
  return [...known, ...drawn];
}

/** The sets that the rules of a pool name. */
export function clientsSetsOf({ servicePort, targets }: StickyPool): readonly string[] {
  return uniqueTargets(targets).map((target) => clientsSetName(servicePort, target));
}

function uniqueTargets(targets: readonly Target[]): readonly Target[] {
  return [...new Map(targets.map((target) => [formatEndpoint(target.address, target.port), target])).values()];
}
