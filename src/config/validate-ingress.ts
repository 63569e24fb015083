import { markLayout } from '../model/mod.ts';
import { parseAddressRange, prefixesCover } from './address-range.ts';
import type { FieldPath, Settings } from './fields.ts';
import { formatMark } from './mark-text.ts';
import { parsePrefixes } from './parse-prefixes.ts';

/** The rules of the section `ingress` that need more than one field. Nothing is asked of a section that is off. */
export function checkIngress(settings: Settings, report: (path: FieldPath, what: string) => void): void {
  if (!settings['ingress.enabled']) return;
  const mask = settings['ingress.fwmark.mask'];
  const numbers = 2 ** countBits(mask);
  if (mask > 0 && settings['ingress.fwmark.first'] >= numbers) {
    report('ingress.fwmark.first', `must be below ${formatMark(numbers)}, as ingress.fwmark.mask has ${countBits(mask)} bits`);
  }
  if (settings.mode === 'ipvs' && (mask & markLayout.prefix) >>> 0 === markLayout.prefix) {
    const own = formatMark(markLayout.prefix);
    report('ingress.fwmark.mask', `must not hold all bits that the other marks of virtual servers have (${own})`);
  }
  const captureBit = settings['ipvs.captureBit'];
  // Routing leads whatever has that bit to addresses that the node takes packets for: no mark of another meaning may have it.
  if (settings.mode === 'ipvs' && ((mask >>> captureBit) & 1) === 1) {
    report('ingress.fwmark.mask', `must not hold bit ${captureBit}, which is ipvs.captureBit`);
  }
  checkPools(settings, report);
}

/** An address that is given to a Service and refused when it is to be published helps nobody. */
function checkPools(settings: Settings, report: (path: FieldPath, what: string) => void): void {
  const allowed = settings['ingress.vipCIDRs'];
  if (allowed === null) return;
  const prefixes = parsePrefixes(allowed);
  const outside = settings['ingress.pool']
    .flatMap(({ addresses }) => addresses)
    .filter((text) => {
      const range = parseAddressRange(text);
      return range !== null && !prefixesCover(prefixes, range);
    });
  if (outside.length > 0) report('ingress.pool', `must be within ingress.vipCIDRs (${outside.join(', ')} is not)`);
}

function countBits(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length;
}
