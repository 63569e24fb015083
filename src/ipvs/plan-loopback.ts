import { isLoopback, repeatByWeight } from '../model/mod.ts';
import type { Frontend } from '../model/mod.ts';
import { addEntry } from './plan-draft.ts';
import type { Draft } from './plan-draft.ts';
import type { PlanContext } from './plan-types.ts';

/**
 * A node port on 127.0.0.0/8. The balancer sends no packet with a loopback source elsewhere, so these are translated without it
 * (specification 6).
 */
export function addLoopback(draft: Draft, { family, protocol, port, routes }: Frontend): void {
  if (family !== 'IPv4' || !servesLoopback(draft.context)) return;
  const { node } = routes;
  const backends = node.verdict === 'forward' ? node.pool.backends : [];
  const targets = repeatByWeight(backends.map((backend) => ({ value: backend, weight: backend.weight })));
  addEntry(draft, {
    kind: 'loopback',
    protocol,
    port,
    // Port 0 of a back end is the port of the packet.
    targets: targets.map((target) => ({ address: target.address, port: target.port || port })),
  });
}

/** Whether node ports are served on 127.0.0.0/8. */
export function servesLoopback({ settings }: Pick<PlanContext, 'settings'>): boolean {
  const { nodePorts } = settings;
  return nodePorts.kind === 'all-local' ? nodePorts.loopback : nodePorts.addresses.some(isLoopback);
}
