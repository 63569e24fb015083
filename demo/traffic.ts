import { families, formatEndpoint } from '../src/model/mod.ts';
import type { Family } from '../src/model/mod.ts';
import { formatTable } from '../src/observe/mod.ts';
import type { Attempt, Lab, Place, SocketProtocol, Target } from '../test/lab/mod.ts';
import { check, sayLines } from './say.ts';

/** Where shop/web is reached. */
export const clusterIp: Readonly<Record<Family, string>> = { IPv4: '10.96.0.80', IPv6: 'fd00:10:96::80' };
export const nodePort = 30_080;

/** Below the ports the kernel gives out by itself. */
let lastPort = 20_000;

const senders = [
  ['pod', 'client'],
  ['node', 'node1'],
  ['outside', 'outside'],
] as const;

interface Question {
  readonly from: string;
  readonly place: string;
  readonly to: 'ClusterIP' | 'NodePort';
  readonly protocol: SocketProtocol;
  readonly family: Family;
}

interface Asked {
  readonly question: Question;
  readonly attempts: readonly Attempt[];
}

/** From everywhere to everywhere, over TCP in both families; UDP once. */
function listQuestions(lab: Lab): readonly Question[] {
  const tcp = families
    .filter((family) => lab.families.includes(family))
    .flatMap((family) =>
      (['ClusterIP', 'NodePort'] as const).flatMap((to) =>
        senders.map(([from, place]) => ({ from, place, to, family, protocol: 'TCP' as const })),
      ),
    );
  return [...tcp, { from: 'pod', place: 'client', to: 'ClusterIP', family: 'IPv4', protocol: 'UDP' }];
}

/** Sends connections from pod, node and outside, prints who answered, and checks that it is as it has to be. */
export async function showTraffic(lab: Lab, backends: readonly string[], count: number): Promise<void> {
  const asked: Asked[] = [];
  for (const question of listQuestions(lab)) {
    const { family, protocol, to } = question;
    const destination = to === 'ClusterIP' ? clusterIp[family] : lab.node1.addresses[family];
    const target: Target = { family, protocol, destination, port: to === 'ClusterIP' ? 80 : nodePort, timeoutMs: 4000 };
    const place = lab.place(question.place);
    // oxlint-disable-next-line no-await-in-loop -- one row at a time keeps the figures apart
    asked.push({
      question,
      attempts: await (protocol === 'TCP' ? place.connect(target, count) : sendDatagrams(place, target, count)),
    });
  }
  sayLines(formatAsked(lab, asked, backends));
  for (const one of asked) checkAsked(lab, one, backends);
}

/** From ports nobody used before: a datagram from a known port belongs to the flow that conntrack remembers. */
async function sendDatagrams(place: Place, target: Target, count: number): Promise<readonly Attempt[]> {
  const ports = Array.from({ length: count }, () => (lastPort += 1));
  const attempts = await Promise.all(ports.map((sourcePort) => place.connect({ ...target, sourcePort })));
  return attempts.flat();
}

function formatAsked(lab: Lab, asked: readonly Asked[], backends: readonly string[]): string {
  const columns = [
    { title: 'FROM' },
    { title: 'TO' },
    { title: 'ADDRESS' },
    { title: 'PROTOCOL' },
    ...['ANSWERED', 'REFUSED', 'LOST', ...backends].map((title) => ({ title, align: 'right' as const })),
    { title: 'SEEN SOURCE' },
  ];
  return formatTable(
    columns,
    asked.map(({ question, attempts }) => {
      const answered = countOf(attempts, 'answered');
      const refused = countOf(attempts, 'refused');
      return [
        question.from,
        question.to,
        addressOf(lab, question),
        question.protocol,
        ...[answered, refused, attempts.length - answered - refused].map(String),
        ...backends.map((backend) => String(attempts.filter(({ answer }) => answer?.backend === backend).length)),
        describeSources(lab, attempts),
      ];
    }),
  );
}

function addressOf(lab: Lab, { to, family }: Question): string {
  return to === 'ClusterIP' ? formatEndpoint(clusterIp[family], 80) : formatEndpoint(lab.node1.addresses[family], nodePort);
}

function countOf(attempts: readonly Attempt[], verdict: Attempt['verdict']): number {
  return attempts.filter((attempt) => attempt.verdict === verdict).length;
}

function describeSources(lab: Lab, attempts: readonly Attempt[]): string {
  const sources = new Set(attempts.flatMap(({ answer }) => answer?.source ?? []));
  if (sources.size === 0) return '-';
  return [...sources].map((source) => `${source} (${ownerOf(lab, source)})`).join(', ');
}

function ownerOf(lab: Lab, address: string): string {
  const owner = [...lab.places.values()].find(({ addresses }) => Object.values(addresses).includes(address));
  return owner?.name ?? 'unknown';
}

function checkAsked(lab: Lab, { question, attempts }: Asked, backends: readonly string[]): void {
  const what = `${question.from} to ${question.to} ${addressOf(lab, question)} over ${question.protocol}`;
  if (backends.length === 0) {
    const refused = countOf(attempts, 'refused');
    check(
      refused === attempts.length,
      `${what}: ${refused} of ${attempts.length} connections were refused, all should have been.`,
    );
    return;
  }
  const answered = countOf(attempts, 'answered');
  check(answered === attempts.length, `${what}: only ${answered} of ${attempts.length} connections were answered.`);
  for (const backend of backends) {
    const hits = attempts.filter(({ answer }) => answer?.backend === backend).length;
    check(hits > 0, `${what}: ${backend} never answered in ${attempts.length} connections.`);
  }
  // A pod is seen as itself behind a ClusterIP; everybody else, and everybody behind a node port, as the node.
  const seen = question.from === 'pod' && question.to === 'ClusterIP' ? 'client' : 'node1';
  for (const { answer } of attempts) {
    const source = answer === null ? 'nobody' : ownerOf(lab, answer.source);
    check(source === seen, `${what}: the back end saw ${source}, expected ${seen}.`);
  }
}
