import { connect } from 'node:net';
import { StatusReader, writeRequest } from './health-http.ts';
import type { AskBackend, ProbeAnswer } from './health-types.ts';

/** Error codes that speak of this node and not of the back end. */
const ownLack: ReadonlySet<string> = new Set(['ENOMEM', 'ENFILE', 'EMFILE', 'EADDRNOTAVAIL', 'ENOBUFS']);

/** Checks by TCP and HTTP where system calls are out of reach, at three times the cost. Each connection ends by a reset. */
export const askPlainly: AskBackend = (target, answered) => {
  const { probe, address, port } = target;
  const socket = connect({ host: address, port, noDelay: true });
  const reader = probe.kind === 'http' ? new StatusReader() : null;
  let over = false;
  const stop = (): void => {
    over = true;
    // Node keeps a socket that is to be reset until it is connected, which may be never.
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
  };
  const finish = (answer: ProbeAnswer): void => {
    if (over) return;
    stop();
    answered(answer);
  };
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const code = error.code ?? error.message;
    // A reset instead of a handshake is ECONNREFUSED: this one had been completed.
    if (reader === null && code === 'ECONNRESET') finish({ kind: 'good', text: 'connected' });
    else finish({ kind: ownLack.has(code) ? 'unasked' : 'bad', text: `cannot connect to ${address} port ${port}: ${code}` });
  });
  if (probe.kind !== 'http' || reader === null) {
    socket.on('connect', () => finish({ kind: 'good', text: 'connected' }));
    return stop;
  }
  socket.on('connect', () => socket.write(writeRequest(probe, target)));
  socket.on('data', (bytes) => {
    const answer = reader.take(bytes);
    if (answer !== null) finish(answer);
  });
  socket.on('end', () => finish(reader.end()));
  return stop;
};
