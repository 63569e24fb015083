import { errnoName, errnos, makePeer } from '../netlink/mod.ts';
import type { Connection, Connector, Peer } from '../netlink/mod.ts';
import { StatusReader, writeRequest } from './health-http.ts';
import type { AskBackend, ProbeAnswer, ProbeTarget } from './health-types.ts';

/** One for all: what is received is read at once. */
const received = new Uint8Array(2048);

/** Error numbers that speak of this node and not of the back end. */
const ownLack: ReadonlySet<number> = new Set([errnos.ENOMEM, errnos.ENFILE, errnos.EMFILE, errnos.EADDRNOTAVAIL, errnos.ENOBUFS]);

type Answered = (answer: ProbeAnswer) => void;

/** Checks by TCP and HTTP. Each connection ends by a reset. */
export function askByTcp(connector: Connector): AskBackend {
  const peers = new WeakMap<ProbeTarget, Peer>();
  const peerOf = (target: ProbeTarget): Peer => {
    const peer = peers.get(target) ?? makePeer(target.address, target.port);
    peers.set(target, peer);
    return peer;
  };
  return (target, answered) => {
    const { probe } = target;
    const reader = probe.kind === 'http' ? new StatusReader() : null;
    const finish = (answer: ProbeAnswer): void => {
      stop();
      answered(answer);
    };
    const begun = connector.connect(peerOf(target), {
      connected() {
        if (probe.kind !== 'http') finish({ kind: 'good', text: 'connected' });
        else sendRequest(begun as Connection, writeRequest(probe, target), finish);
      },
      readable() {
        if (reader !== null) readStatus(begun as Connection, reader, finish);
      },
      failed(errno) {
        // A reset instead of a handshake is ECONNREFUSED: this one had been completed.
        const wasConnected = errno === errnos.ECONNRESET || errno === errnos.EPIPE;
        if (reader === null && wasConnected) answered({ kind: 'good', text: 'connected' });
        else answered(explain(errno, target));
      },
    });
    const stop = (): void => {
      if (typeof begun !== 'number') begun.abort();
    };
    if (typeof begun === 'number') answered(explain(-begun, target));
    return stop;
  };
}

/** The first thing in an empty send buffer: it fits as a whole. */
function sendRequest(connection: Connection, request: Uint8Array, finish: Answered): void {
  const sent = connection.send(request);
  if (sent < 0) finish({ kind: 'bad', text: `cannot send the request: ${errnoName(-sent)}` });
}

function readStatus(connection: Connection, reader: StatusReader, finish: Answered): void {
  // Told once of each change: everything is taken, and the reader's limit ends this.
  for (;;) {
    const length = connection.receive(received);
    if (length === -errnos.EAGAIN || length === -errnos.EINTR) return;
    const answer =
      length > 0
        ? reader.take(received.subarray(0, length))
        : length === 0
          ? reader.end()
          : ({ kind: 'bad', text: `no response: ${errnoName(-length)}` } as const);
    if (answer === null) continue;
    finish(answer);
    return;
  }
}

function explain(errno: number, { address, port }: ProbeTarget): ProbeAnswer {
  const kind = ownLack.has(errno) ? 'unasked' : 'bad';
  return { kind, text: `cannot connect to ${address} port ${port}: ${errnoName(errno)}` };
}
