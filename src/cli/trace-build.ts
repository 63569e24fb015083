import { succeed } from '../model/mod.ts';
import type { Outcome, SentPacket } from '../model/mod.ts';
import type { ConntrackFlow } from '../netlink/mod.ts';
import { summariseWays, verdictOf, walkPacket } from '../trace/mod.ts';
import type { TracedNode, TraceEnd, TraceSummary } from '../trace/mod.ts';
import { findRow, nameEndpoint } from './agent-names.ts';
import type { AgentNames, NamedEndpoint } from './agent-names.ts';
import type { KernelReading } from './driver-trace.ts';
import { listUnfollowed, rememberedOf } from './trace-node.ts';
import type { ReportedEnd, TraceReport } from './trace-report.ts';
import { tellVerdict } from './trace-sentence.ts';
import { isListening } from './trace-sockets.ts';

/** All that a report is made of. */
export interface ReportInput extends Pick<SentPacket, 'packet' | 'inDevice' | 'mark'> {
  readonly given: { readonly from: string; readonly to: string };
  readonly node: TracedNode;
  readonly reading: KernelReading;
  readonly names: AgentNames;
  /** Connections to the same port. */
  readonly flows: Outcome<readonly ConntrackFlow[]>;
}

/** Walks the packet and puts together what is told of it; the value makes the report, with names of endpoints or without. */
export function buildReport(input: ReportInput): Outcome<(endpoints: Outcome<readonly NamedEndpoint[]> | null) => TraceReport> {
  const { node, packet, inDevice, mark, reading } = input;
  const memory = rememberedOf(reading, packet.source);
  const walked = walkPacket(node, { packet, inDevice, mark, link: null, memory });
  if (!walked.ok) return walked;
  const summary = summariseWays(packet, walked.value);
  return succeed((endpoints) => fillReport(input, summary, memory.size, endpoints));
}

function fillReport(
  { given, node, packet, inDevice, reading, names, flows }: ReportInput,
  summary: TraceSummary,
  remembered: number,
  endpoints: Outcome<readonly NamedEndpoint[]> | null,
): TraceReport {
  const { family, protocol, source, sourcePort, destination, destinationPort } = packet;
  const row = findRow(
    names.rows,
    { family, protocol, address: destination, port: destinationPort },
    node.routing.addressType(destination) === 'local',
  );
  const known = endpoints?.ok === true ? endpoints.value : [];
  const base = {
    schema: 'waypost.dev/trace/v1',
    family,
    protocol,
    source: { given: given.from, address: source, port: sourcePort, device: inDevice },
    destination: { given: given.to, address: destination, port: destinationPort },
    frontend: row === null ? null : { service: row.service, servicePort: row.servicePort, kind: row.kind, verdict: row.verdict },
    verdict: summary.verdict,
    ends: summary.ends.map((end) =>
      reportEnd(end, reading, (address) => nameEndpoint(known, address, row?.service ?? null), protocol),
    ),
  } as const;
  return {
    ...base,
    sentence: tellVerdict(base),
    unknown: summary.unknown,
    gaps: [
      ...(names.gap === null ? [] : [names.gap]),
      ...reading.gaps,
      ...listUnfollowed(reading),
      ...(flows.ok ? [] : [`connection tracking: ${flows.problem.message}`]),
    ],
    established: flows.ok
      ? flows.value
          .filter((flow) => flow.source === source && flow.destination === destination)
          .map((flow) => ({ sourcePort: flow.sourcePort, address: flow.replySource, port: flow.replySourcePort }))
      : [],
    notes: remembered === 0 ? [] : ['the client is remembered by session affinity'],
  };
}

function reportEnd(
  end: TraceEnd,
  { sockets }: KernelReading,
  nameOf: (address: string) => string | null,
  protocol: TraceReport['protocol'],
): ReportedEnd {
  const { address, port, probability, source, masqueraded, device, steps } = end;
  const listening = end.end === 'local' ? isListening(sockets, { protocol, address, port }) : null;
  return {
    verdict: verdictOf(end),
    address,
    port,
    name: nameOf(address),
    probability,
    source,
    masqueraded,
    device,
    listening,
    steps,
  };
}
