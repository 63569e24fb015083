import { masquerade, tellNoMasquerade, translateDestination } from '../model/mod.ts';
import type { PacketWorld, StageEnd, TraceEffect, TraceHost } from '../model/mod.ts';
import type { Target } from './rule.ts';
import { remember } from './trace-match.ts';

type PlainTarget = Exclude<Target, { kind: 'jump' | 'goto' }>;

/** What a target other than a jump does to a packet. */
export interface Followed {
  readonly after: PacketWorld;
  readonly effects: readonly TraceEffect[];
  readonly verdict: StageEnd['verdict'] | 'go on' | 'return';
}

export function followTarget(target: PlainTarget | null, world: PacketWorld, host: TraceHost): Followed {
  if (target === null) return { after: world, effects: [], verdict: 'go on' };
  switch (target.kind) {
    case 'accept':
    case 'drop':
      return { after: world, effects: [{ kind: target.kind }], verdict: target.kind };
    case 'reject':
      return { after: world, effects: [{ kind: 'reject', with: target.with }], verdict: 'reject' };
    case 'return':
      return { after: world, effects: [{ kind: 'return' }], verdict: 'return' };
    case 'mark': {
      // `--set-xmark`: the mask's bits are cleared, then the value's are flipped.
      const mark = ((world.mark & ~target.mask) ^ target.value) >>> 0;
      return { after: { ...world, mark }, effects: [{ kind: 'mark', mark }], verdict: 'go on' };
    }
    case 'remember':
      return { after: remember(world, target.set), effects: [{ kind: 'remember', set: target.set }], verdict: 'go on' };
    case 'dnat': {
      const { address, port } = target;
      return {
        after: translateDestination(world, address, port),
        effects: [{ kind: 'destination', address, port }],
        verdict: 'accept',
      };
    }
    case 'masquerade': {
      const after = masquerade(world, host);
      if (after === null) return { after: world, effects: [tellNoMasquerade(world, host), { kind: 'drop' }], verdict: 'drop' };
      return { after, effects: [{ kind: 'source', address: after.packet.source, port: null }], verdict: 'accept' };
    }
    default:
      return target satisfies never;
  }
}
