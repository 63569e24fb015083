import type { Family, SideEntry, SideSettings } from '../model/mod.ts';
import { makeSideContext, plainChain } from './side-context.ts';
import type { SideChain } from './side-context.ts';
import { planLoopbackChain } from './side-group-chains.ts';
import { planClampChain, planSctpRewrite } from './side-rewrite.ts';
import { clampChainName, loopbackChainName } from './side-sets.ts';

/** A chain that is there as long as some entry needs it, however many do. */
export type SharedChain =
  | { readonly kind: 'loopback'; readonly targets: number }
  | { readonly kind: 'clamp'; readonly size: number | null }
  | { readonly kind: 'sctp'; readonly way: 'rewrite' | 'restore' };

export function sharedChainsOf(entry: SideEntry): readonly SharedChain[] {
  switch (entry.kind) {
    case 'loopback':
      return entry.targets.length === 0 ? [] : [{ kind: 'loopback', targets: entry.targets.length }];
    case 'clamp':
      return [{ kind: 'clamp', size: entry.size }];
    case 'rewrite':
      if (entry.protocol !== 'SCTP') return [];
      return (['rewrite', 'restore'] as const).map((way) => ({ kind: 'sctp', way }));
    default:
      return [];
  }
}

export function sharedChainName(shared: SharedChain): string {
  switch (shared.kind) {
    case 'loopback':
      return loopbackChainName(shared.targets);
    case 'clamp':
      return clampChainName(shared.size);
    case 'sctp':
      return `${shared.way}_sctp`;
  }
}

export function planSharedChain(family: Family, settings: SideSettings, shared: SharedChain): SideChain {
  switch (shared.kind) {
    case 'loopback':
      return planLoopbackChain(shared.targets, settings.masqueradeBit);
    case 'clamp':
      return planClampChain(shared.size);
    case 'sctp': {
      const end = shared.way === 'rewrite' ? 'dport' : 'sport';
      return plainChain(sharedChainName(shared), planSctpRewrite(makeSideContext(family, settings), end));
    }
  }
}
