import type { Address, TracedPacket, TraceStep } from '../model/mod.ts';
import type { TracedWay } from './walk-packet.ts';

/** What becomes of a packet. `passes`: nobody translates or refuses it. `mixed`: chance decides between ends of several kinds. */
export type TraceVerdict = 'delivered' | 'passes' | 'refused' | 'dropped' | 'unroutable' | 'mixed';

/** Ways that end alike. */
export interface TraceEnd {
  readonly end: TracedWay['end'];
  /** Where it goes: the back end, or where it was sent to. */
  readonly address: Address;
  readonly port: number;
  /** 0 to 1. */
  readonly probability: number;
  /** Another destination than the one it was sent to. */
  readonly translated: boolean;
  /** The source that is seen there. */
  readonly source: Address;
  readonly masqueraded: boolean;
  /** The device it leaves through; null where it stays on the node or ends before. */
  readonly device: string | null;
  /** Of the likeliest of the ways. */
  readonly steps: readonly TraceStep[];
}

export interface TraceSummary {
  readonly verdict: TraceVerdict;
  /** Likeliest first; ends of one kind in the order in which rules name them. */
  readonly ends: readonly TraceEnd[];
  /** Steps that are not understood, each once: the verdict holds if their rules do not match. */
  readonly unknown: readonly TraceStep[];
}

/** Puts ways that end alike together and says what they come to. */
export function summariseWays(sent: TracedPacket, ways: readonly TracedWay[]): TraceSummary {
  const ends = new Map<string, TraceEnd>();
  const unknown = new Map<string, TraceStep>();
  for (const way of ways.toSorted((a, b) => b.probability - a.probability)) {
    const made = makeEnd(sent, way);
    const key = [made.end, made.address, made.port, made.source, made.device].join(' ');
    const known = ends.get(key);
    ends.set(key, known === undefined ? made : { ...known, probability: known.probability + made.probability });
    for (const step of way.steps) if (step.effects.some(({ kind }) => kind === 'unknown')) unknown.set(step.place, step);
  }
  const sorted = [...ends.values()].toSorted((a, b) => b.probability - a.probability);
  return { verdict: judge(sorted), ends: sorted, unknown: [...unknown.values()] };
}

function makeEnd(sent: TracedPacket, way: TracedWay): TraceEnd {
  const { end, packet, via, probability, masqueraded, outDevice, steps } = way;
  const address = via ?? packet.destination;
  const translated = address !== sent.destination || packet.destinationPort !== sent.destinationPort;
  const { source, destinationPort: port } = packet;
  return { end, address, port, probability, translated, source, masqueraded, device: outDevice, steps };
}

function judge(ends: readonly TraceEnd[]): TraceVerdict {
  const verdicts = new Set(ends.map(verdictOf));
  const [only] = verdicts;
  return verdicts.size === 1 && only !== undefined ? only : 'mixed';
}

/** What one end alone comes to. */
export function verdictOf({ end, translated }: Pick<TraceEnd, 'end' | 'translated'>): Exclude<TraceVerdict, 'mixed'> {
  if (end === 'refused' || end === 'dropped' || end === 'unroutable') return end;
  return translated ? 'delivered' : 'passes';
}
