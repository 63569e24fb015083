import dgram from 'node:dgram';
import type { Held, Opened } from './attempt.ts';
import { beginExchange, codeOf } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { Attempt, Target } from './protocol.ts';

/** Connects the socket, so that ICMP errors reach it, sends a datagram and waits for the answer. */
export async function openUdp(target: Target): Promise<Opened> {
  const socket = dgram.createSocket(target.family === 'IPv4' ? 'udp4' : 'udp6');
  let current: Exchange | null = null;
  let unusable: string | null = null;
  socket.on('message', (data) => current?.line(data.toString('latin1').trimEnd()));
  socket.on('error', (error) => current?.error(codeOf(error)));
  await connect(socket, target).catch((error: Error) => {
    unusable = codeOf(error);
  });
  const ping = (timeoutMs: number): Promise<Attempt> =>
    new Promise((resolve) => {
      current = beginExchange(timeoutMs, resolve);
      if (unusable !== null) current.error(unusable);
      else socket.send('ping\n', (error) => (error === null ? undefined : current?.error(codeOf(error))));
    });
  const held: Held = { ping, close: () => socket.close() };
  const attempt = await ping(target.timeoutMs);
  if (attempt.verdict === 'answered') return { attempt, held };
  socket.close();
  return { attempt, held: null };
}

function connect(socket: dgram.Socket, target: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const connectNow = (): void =>
      socket.connect(target.port, target.destination, (error?: Error) => (error === undefined ? resolve() : reject(error)));
    if (target.sourceAddress === undefined && target.sourcePort === undefined) connectNow();
    else
      socket.bind(
        {
          port: target.sourcePort ?? 0,
          ...(target.sourceAddress === undefined ? {} : { address: target.sourceAddress }),
        },
        connectNow,
      );
  });
}
