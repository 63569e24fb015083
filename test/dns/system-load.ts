import dgram from 'node:dgram';
import { randomInt } from 'node:crypto';
import dnsPacket from 'dns-packet';

/**
 * Asks for the A record of a name again and again, each time from a socket of its own as a stub resolver does, and tells at
 * SIGTERM who answered what: a line of JSON, {@link LoadOutcome}.
 */
export interface LoadOutcome {
  readonly asked: number;
  /** No answer within the time-out. */
  readonly lost: number;
  /** By address or, without one, by response code. */
  readonly byAnswer: Readonly<Record<string, number>>;
}

const [server = '', name = '', pauseMs = '2', patienceMs = '2000'] = process.argv.slice(2);
const outcome = { asked: 0, lost: 0, byAnswer: {} as Record<string, number> };
let open = 0;
let stopping = false;

function ask(): void {
  const socket = dgram.createSocket(server.includes(':') ? 'udp6' : 'udp4');
  const id = randomInt(65_536);
  const done = (answer: string | null): void => {
    clearTimeout(timer);
    socket.close();
    open -= 1;
    if (answer === null) outcome.lost += 1;
    else outcome.byAnswer[answer] = (outcome.byAnswer[answer] ?? 0) + 1;
    if (stopping && open === 0) tell();
  };
  const timer = setTimeout(() => done(null), Number(patienceMs));
  outcome.asked += 1;
  open += 1;
  socket.once('error', () => done(null));
  socket.on('message', (bytes, from) => {
    const reply = dnsPacket.decode(bytes);
    if (reply.id !== id || from.address !== server) return;
    const [first] = reply.answers ?? [];
    done(first?.type === 'A' ? first.data : `rcode ${(reply.flags ?? 0) & 15}`);
  });
  const query = dnsPacket.encode({ type: 'query', id, flags: 0x0100, questions: [{ type: 'A', name }] });
  // Connected, so that a port that refuses is told.
  socket.connect(53, server, () => socket.send(query, () => {}));
}

function tell(): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
  process.exit(0);
}

const timer = setInterval(ask, Number(pauseMs));
process.stdout.write('started\n');
process.on('SIGTERM', () => {
  stopping = true;
  clearInterval(timer);
  if (open === 0) tell();
});
