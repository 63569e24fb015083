import { machine } from './hosts.ts';
import { foreignMark } from './kernels.ts';
import type { Way } from './kernels.ts';
import type { Expected, Mode, Packet } from './reference.ts';

/** Differences in words between what must become of a packet and all the ways it can go; none means they agree. */
export function compare(mode: Mode, expected: Expected, packet: Packet, ways: readonly Way[]): readonly string[] {
  if (expected.verdict === 'open') return [];
  if (ways.length === 0) return ['no way at all'];
  const marked = ways.some((way) => way.delivered === 'wire' && way.mark !== foreignMark);
  const problems = marked ? ['the mark was not restored'] : [];
  if (expected.verdict !== 'sent') return [...problems, ...differing(expected.verdict, packet, ways)];
  const shares = Map.groupBy(ways, (way) =>
    isTranslated(packet, way) ? `${way.destination} ${way.destinationPort}` : readVerdict(way),
  );
  for (const end of expected.to) {
    const share = (shares.get(end) ?? []).reduce((sum, way) => sum + way.probability, 0);
    if (Math.abs(share - 1 / expected.to.length) > 1e-6) problems.push(`${end} gets ${share}, not 1/${expected.to.length}`);
  }
  for (const [end, group] of shares) {
    if (!expected.to.includes(end)) problems.push(`goes to ${end} as well`);
    problems.push(...group.flatMap((way) => compareSource(mode, expected.masquerade, packet, way)));
  }
  return problems;
}

function differing(verdict: string, packet: Packet, ways: readonly Way[]): string[] {
  return ways.flatMap((way) => {
    if (isTranslated(packet, way)) return [`sent to ${way.destination} ${way.destinationPort}, not ${verdict}`];
    if (verdict === 'untouched' && way.seenSource !== packet.source) return [`its source became ${way.seenSource}`];
    return readVerdict(way) === verdict ? [] : [`${readVerdict(way)}, not ${verdict}`];
  });
}

/** A back end in the node's own network namespace may see either (specification 4.1). */
function compareSource(mode: Mode, masquerade: boolean, packet: Packet, way: Way): string[] {
  if (way.delivered !== 'wire' || !isTranslated(packet, way)) return [];
  const hairpin = packet.source === way.destination;
  // 3.7: in nftables mode an endpoint of another node that comes by here is not known for what it is.
  if (hairpin && mode === 'nftables' && packet.device === 'eth0') return [];
  const due = masquerade || hairpin ? machine[packet.family] : packet.source;
  return way.seenSource === due ? [] : [`${way.destination} sees ${way.seenSource}, not ${due}`];
}

function isTranslated(packet: Packet, way: Way): boolean {
  return way.destination !== packet.destination || way.destinationPort !== packet.port;
}

function readVerdict({ verdict }: Way): string {
  return { accept: 'untouched', drop: 'dropped', reject: 'refused', unreachable: 'without a route' }[verdict];
}
