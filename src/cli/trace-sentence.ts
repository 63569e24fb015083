import { formatEndpoint } from '../model/mod.ts';
import type { TraceEffect, TraceStep } from '../model/mod.ts';
import type { ReportedEnd, TraceReport } from './trace-report.ts';

type Told = Pick<TraceReport, 'source' | 'destination' | 'protocol' | 'frontend' | 'verdict' | 'ends'>;

/** One sentence that says what becomes of the packet, and why. */
export function tellVerdict(report: Told): string {
  const { verdict, ends } = report;
  const [first] = ends;
  if (first === undefined) return 'Nothing became of the packet.';
  if (verdict === 'mixed') return tellMixed(report);
  if (verdict === 'delivered') return tellDelivered(report, ends);
  if (verdict === 'passes') return tellPasses(report, first);
  return `${tellEnd[verdict]}: ${whyNot(report, first)}.`;
}

const tellEnd = { refused: 'Refused', dropped: 'Dropped', unroutable: 'No way' } as const;

function nameOfFrontend({ frontend, destination }: Told): string {
  if (frontend === null) return formatEndpoint(destination.address, destination.port);
  return `${frontend.servicePort.replace(/\/[A-Z]+$/, '').replace(/:$/, '')} (${frontend.kind})`;
}

function nameOfEnd({ address, port, name }: ReportedEnd): string {
  return `${formatEndpoint(address, port)}${name === null ? '' : ` (${name})`}`;
}

function tellDelivered(report: Told, ends: readonly ReportedEnd[]): string {
  const [first] = ends;
  const places = new Map(ends.map((end) => [`${end.address} ${end.port}`, end]));
  const to = places.size === 1 && first !== undefined ? `the back end ${nameOfEnd(first)}` : `one of ${places.size} back ends`;
  const deaf = ends.filter(({ listening }) => listening === false);
  const warning = deaf.map((end) => `; but nothing on this node listens on ${formatEndpoint(end.address, end.port)}`).join('');
  return `Delivered: ${nameOfFrontend(report)} sends it to ${to}, ${tellSource(report, ends, places.size)}${warning}.`;
}

function tellSource({ source }: Told, ends: readonly ReportedEnd[], places: number): string {
  const sees = places === 1 ? 'which sees' : 'which see';
  const masqueraded = ends.filter((end) => end.masqueraded);
  const own = `the client's own address ${source.address}`;
  const addresses = [...new Set(masqueraded.map((end) => end.source))].join(' or ');
  if (masqueraded.length === 0) return `${sees} ${own}`;
  if (masqueraded.length === ends.length) return `${sees} ${addresses} in the place of ${source.address} (masqueraded)`;
  const few = masqueraded.map(nameOfEnd).join(', ');
  return `${sees} ${own}, except ${few}, which sees ${addresses} (masqueraded)`;
}

function tellPasses(report: Told, end: ReportedEnd): string {
  const { frontend, protocol } = report;
  const place = formatEndpoint(end.address, end.port);
  const drift =
    frontend === null
      ? 'no rule or virtual server translates it'
      : `the agent has ${nameOfFrontend(report)} there, but nothing in the kernel translates it`;
  const seen = end.masqueraded ? `, with ${end.source} as its source (masqueraded)` : '';
  if (end.device !== null) return `Passes: ${drift}; it leaves through ${end.device} to ${place}${seen}.`;
  const socket =
    end.listening === null
      ? `a ${protocol} socket of this node gets it, if one is bound there`
      : end.listening
        ? `a ${protocol} socket of this node listens there and gets it`
        : `no ${protocol} socket of this node listens there, so the kernel refuses it`;
  return `Passes: ${drift}; it is for this node itself (${place}), and ${socket}${seen}.`;
}

function tellMixed(report: Told): string {
  const parts = report.ends.map((end) => {
    const share = `${formatShare(end.probability)} `;
    if (end.verdict === 'delivered' || end.verdict === 'passes') return `${share}goes to ${nameOfEnd(end)}`;
    return `${share}is ${end.verdict} (${whyNot(report, end)})`;
  });
  return `Chance decides: ${parts.join('; ')}.`;
}

/** Why an end is none that a client would want. */
function whyNot(report: Told, { steps }: ReportedEnd): string {
  const step = steps.findLast(({ effects }) => effects.some(isRefusal));
  if (step === undefined) return 'the kernel gave no reason';
  const named = nameOfFrontend(report);
  for (const { place, reason } of reasons) if (place.test(step.place)) return reason(named, report.source.address, step);
  return `${step.place} says so: ${step.text}`;
}

function isRefusal({ kind }: TraceEffect): boolean {
  return kind === 'drop' || kind === 'reject' || kind === 'unroutable';
}

interface Reason {
  readonly place: RegExp;
  readonly reason: (frontend: string, source: string, step: TraceStep) => string;
}

const isDrop = ({ effects }: TraceStep): boolean => effects.some(({ kind }) => kind === 'drop');

const withoutEndpoints: Reason['reason'] = (frontend, _, step) =>
  isDrop(step)
    ? `a Local policy of ${frontend} finds no usable endpoint on this node (${step.place})`
    : `${frontend} has no usable endpoint (${step.place})`;

/** Places of our own rules, by what they are for. */
const reasons: readonly Reason[] = [
  {
    place: /KUBE-PROXY-FIREWALL|^nft ip6? waypost guard /,
    reason: (frontend, source, step) => `${source} is not among the loadBalancerSourceRanges of ${frontend} (${step.place})`,
  },
  {
    place: /KUBE-FIREWALL|^nft ip6? waypost input /,
    reason: (_, source, step) => `loopback addresses are not to be reached from elsewhere, as from ${source} (${step.place})`,
  },
  { place: /^ip6?tables filter KUBE-(?!FORWARD)/, reason: withoutEndpoints },
  { place: /^nft ip6? waypost (act|capture_(port|range)|loopback_refused)/, reason: withoutEndpoints },
  {
    place: /^nft ip6? waypost refuse/,
    reason: (frontend, _, step) =>
      `the address belongs to Services, but no virtual server takes this port: ${frontend} is no frontend here (${step.place})`,
  },
  {
    place: /^ipvs /,
    reason: (frontend, _, step) => {
      const said = step.effects.find((effect) => effect.kind === 'other');
      return `${said?.kind === 'other' ? said.words : 'the virtual server took it'}: ${frontend} has no usable endpoint (${step.place})`;
    },
  },
  {
    place: / policy$/,
    reason: (_, __, step) => `no rule of the chain accepts it, and its policy drops (${step.place.replace(/ policy$/, '')})`,
  },
  {
    place: /^routing/,
    reason: (_, __, step) => {
      const said = step.effects.find((effect) => effect.kind === 'unroutable');
      return said?.kind === 'unroutable' && said.reason !== step.text ? `${said.reason} (${step.text})` : step.text;
    },
  },
];

/** A share of all packets in percent. */
export function formatShare(probability: number): string {
  return `${(probability * 100).toFixed(1)} %`;
}
