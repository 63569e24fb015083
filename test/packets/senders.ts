import { secondNodeAddress } from '../lab/addressing.ts';
import type { From } from './flow.ts';
import type { SourceNames } from './judge.ts';
import { hostNamed, plan } from './objects.ts';

/** The host a sender's name stands for. */
export function hostOf(from: From): string {
  const fixed = { pod: 'c1', node: 'node1', outside: 'outside' };
  return from.startsWith('pod:') ? from.slice(4) : fixed[from as keyof typeof fixed];
}

/** The addresses a back end may see from this sender. */
export function namesOf(from: From): SourceNames {
  const node = [...Object.values(plan.node1.addresses), ...Object.values(secondNodeAddress)];
  return { client: from === 'node' ? node : Object.values(hostNamed(hostOf(from)).addresses), node };
}
