import net from 'node:net';
import type { Held, Opened } from './attempt.ts';
import { beginExchange, codeOf } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { Attempt, Target } from './protocol.ts';

/** Connects and waits for the greeting line. */
export function openTcp(target: Target): Promise<Opened> {
  const socket = net.connect({
    host: target.destination,
    port: target.port,
    family: target.family === 'IPv4' ? 4 : 6,
    noDelay: true,
    ...(target.sourceAddress === undefined ? {} : { localAddress: target.sourceAddress }),
    ...(target.sourcePort === undefined ? {} : { localPort: target.sourcePort }),
  });
  let failure: string | null = null;
  let current: Exchange;
  let received = '';
  socket.on('data', (data) => {
    received += data.toString('latin1');
    for (let end = received.indexOf('\n'); end >= 0; end = received.indexOf('\n')) {
      current.line(received.slice(0, end));
      received = received.slice(end + 1);
    }
  });
  socket.on('error', (error) => fail(codeOf(error)));
  socket.on('close', () => fail('CLOSED'));
  const fail = (code: string): void => {
    failure ??= code;
    current.error(failure);
  };
  const ping = (timeoutMs: number): Promise<Attempt> =>
    new Promise((resolve) => {
      current = beginExchange(timeoutMs, resolve);
      if (failure === null) socket.write('ping\n');
      else current.error(failure);
    });
  const held: Held = { ping, close: () => socket.resetAndDestroy() };
  return new Promise((resolve) => {
    current = beginExchange(target.timeoutMs, (attempt) => {
      if (attempt.verdict !== 'answered') socket.destroy();
      resolve({ attempt, held: attempt.verdict === 'answered' ? held : null });
    });
  });
}
