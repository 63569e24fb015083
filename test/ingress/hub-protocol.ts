import type { AnnounceWish } from '../../src/ingress/mod.ts';
import type { MemberLease } from '../../src/model/mod.ts';

/** What the hub tells an agent, a line of JSON each. */
export type ToAgent =
  | { readonly kind: 'lease'; readonly lease: MemberLease }
  | { readonly kind: 'listed' }
  | { readonly kind: 'written'; readonly id: number }
  | { readonly kind: 'set'; readonly wanted: readonly AnnounceWish[] }
  | { readonly kind: 'close'; readonly how: 'release' | 'keep' };

export type FromAgent =
  | { readonly kind: 'hello'; readonly node: string }
  | { readonly kind: 'write'; readonly id: number; readonly lease: MemberLease }
  | { readonly kind: 'owners'; readonly node: string; readonly owners: Readonly<Record<string, string | null>> };
