import { prefixContains } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import type { MemberVerdict } from './announce-members.ts';

/** An address that one of these nodes is to answer for. */
export interface AnnounceWish {
  readonly address: Address;
  /** Names of the nodes that accept packets for it. */
  readonly eligible: readonly string[];
}

/** `undecided`: the node that would own it may be dead already, so whatever is the case stays as it is. */
export type Ownership =
  | { readonly kind: 'owner'; readonly node: string }
  | { readonly kind: 'undecided'; readonly node: string }
  | { readonly kind: 'none' };

/**
 * Who answers for an address: of the members that live, accept and have a suitable interface, the one with the highest
 * weight (rendezvous hashing). Whoever sees the same Leases finds the same owner, and a member that goes moves only what it had.
 */
export function electOwner({ address, eligible }: AnnounceWish, members: readonly MemberVerdict[]): Ownership {
  const accepting = new Set(eligible);
  let best: MemberVerdict | null = null;
  for (const member of members) {
    if (member.state === 'dead' || !accepting.has(member.node)) continue;
    if (!member.networks.some((network) => prefixContains(network, address))) continue;
    if (best === null || outranks(member.node, best.node, address)) best = member;
  }
  if (best === null) return { kind: 'none' };
  return { kind: best.state === 'unproved' ? 'undecided' : 'owner', node: best.node };
}

function outranks(one: string, other: string, address: Address): boolean {
  const difference = weigh(one, address) - weigh(other, address);
  return difference === 0 ? one < other : difference > 0;
}

/**
 * FNV-1a over both names, then MurmurHash3's last step: FNV alone leaves names that differ in their last letter side by side.
 * Must never change: agents of two versions would disagree.
 */
function weigh(node: string, address: Address): number {
  let hash = 0x81_1c_9d_c5;
  for (const octet of new TextEncoder().encode(`${address}\0${node}`)) hash = Math.imul(hash ^ octet, 0x01_00_01_93);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
