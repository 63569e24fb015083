import type { Problem } from '../model/mod.ts';
import type { Settings } from './fields.ts';
import { formatMark } from './mark-text.ts';

/** Bits of packet marks that other software on a node is known to use (specification of ingress, 5). */
const takenBits: readonly (readonly [bit: number, use: string])[] = [
  [0x2000, 'CNI port mappings'],
  [0x4000, 'masquerading by Kubernetes'],
  [0x8000, 'dropping by Kubernetes'],
];

/** A warning where ingress is to use bits of the packet mark that have another meaning already. */
export function warnOfMarks(settings: Settings): readonly Problem[] {
  if (!settings['ingress.enabled'] || settings.mode !== 'ipvs') return [];
  const mask = settings['ingress.fwmark.mask'];
  const own = 2 ** settings['iptables.masqueradeBit'];
  const taken = takenBits.some(([bit]) => bit === own) ? takenBits : [...takenBits, [own, 'iptables.masqueradeBit'] as const];
  const shared = taken.filter(([bit]) => (mask & bit) !== 0).map(([bit, use]) => `${formatMark(bit)} (${use})`);
  if (shared.length === 0) return [];
  const message = `ingress.fwmark.mask ${formatMark(mask)} shares bits of the packet mark with others: ${shared.join(', ')}`;
  return [{ code: 'WP_CONFIG_MARK', message }];
}
