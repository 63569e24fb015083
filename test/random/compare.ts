import type { TracedWay } from '../../src/trace/mod.ts';
import { machine } from './hosts.ts';
import type { Expected, Packet } from './reference.ts';
import { foreignMark } from './subject.ts';

/**
 * Differences in words between what must become of a packet and all the ways it can go; none means they agree. `knownHere`
 * says of an endpoint whether the data plane can know that what comes from it comes from this node.
 */
export function compare(
  knownHere: (address: string) => boolean,
  expected: Expected,
  packet: Packet,
  ways: readonly TracedWay[],
): readonly string[] {
  if (expected.verdict === 'open') return [];
  if (ways.length === 0) return ['no way at all'];
  const marked = ways.some((way) => way.end === 'sent' && way.mark !== foreignMark);
  const problems = marked ? ['the mark was not restored'] : [];
  if (expected.verdict !== 'sent') return [...problems, ...differing(expected.verdict, packet, ways)];
  const shares = Map.groupBy(ways, (way) =>
    isTranslated(packet, way) ? `${way.packet.destination} ${way.packet.destinationPort}` : readVerdict(way),
  );
  for (const end of expected.to) {
    const share = (shares.get(end) ?? []).reduce((sum, way) => sum + way.probability, 0);
    if (Math.abs(share - 1 / expected.to.length) > 1e-6) problems.push(`${end} gets ${share}, not 1/${expected.to.length}`);
  }
  for (const [end, group] of shares) {
    if (!expected.to.includes(end)) problems.push(`goes to ${end} as well`);
    problems.push(...group.flatMap((way) => compareSource(knownHere, expected.masquerade, packet, way)));
  }
  return problems;
}

function differing(verdict: string, packet: Packet, ways: readonly TracedWay[]): string[] {
  return ways.flatMap((way) => {
    if (isTranslated(packet, way)) return [`sent to ${way.packet.destination} ${way.packet.destinationPort}, not ${verdict}`];
    if (verdict === 'untouched' && way.packet.source !== packet.source) return [`its source became ${way.packet.source}`];
    return readVerdict(way) === verdict ? [] : [`${readVerdict(way)}, not ${verdict}`];
  });
}

/** A back end in the node's own network namespace may see either (specification 4.1). */
function compareSource(knownHere: (address: string) => boolean, masquerade: boolean, packet: Packet, way: TracedWay): string[] {
  if (way.end !== 'sent' || !isTranslated(packet, way)) return [];
  const hairpin = packet.source === way.packet.destination;
  if (hairpin && !knownHere(packet.source)) return [];
  const due = masquerade || hairpin ? machine[packet.family] : packet.source;
  return way.packet.source === due ? [] : [`${way.packet.destination} sees ${way.packet.source}, not ${due}`];
}

function isTranslated(packet: Packet, way: TracedWay): boolean {
  return way.packet.destination !== packet.destination || way.packet.destinationPort !== packet.port;
}

function readVerdict({ end }: TracedWay): string {
  return { local: 'untouched', sent: 'untouched', dropped: 'dropped', refused: 'refused', unroutable: 'without a route' }[end];
}
