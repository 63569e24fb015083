import dgram from 'node:dgram';
import net from 'node:net';
import { formatAnswer, plainAddress } from './protocol.ts';
import type { Listener } from './protocol.ts';

/**
 * Answers every TCP connection with one line at once and one more for each line received, and every
 * datagram with one. Rejects where the socket cannot be bound.
 */
export async function listen(name: string, listener: Listener): Promise<void> {
  await (listener.protocol === 'TCP' ? listenTcp(name, listener) : listenUdp(name, listener));
}

function listenTcp(name: string, listener: Listener): Promise<void> {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const line = formatAnswer({
      backend: name,
      source: plainAddress(socket.remoteAddress ?? '?'),
      sourcePort: socket.remotePort ?? 0,
      port: listener.port,
    });
    // A client that has what it wanted resets the connection.
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      for (const byte of data) if (byte === 10) socket.write(line);
    });
    socket.write(line);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: listener.address, port: listener.port, backlog: 1024 }, () => resolve());
  });
}

function listenUdp(name: string, listener: Listener): Promise<void> {
  const socket = dgram.createSocket(listener.address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (_, from) => {
    const answer = { backend: name, source: plainAddress(from.address), sourcePort: from.port, port: listener.port };
    socket.send(formatAnswer(answer), from.port, from.address, () => {});
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: listener.address, port: listener.port }, () => {
      socket.removeAllListeners('error');
      // An ICMP error for an earlier answer is no reason to stop answering.
      socket.on('error', () => {});
      resolve();
    });
  });
}
