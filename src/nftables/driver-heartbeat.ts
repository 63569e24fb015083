import { createSocket } from 'node:dgram';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import type { Heartbeat } from './intercept-rules.ts';

const loopback = '127.0.0.1';

/**
 * Opens a socket on a free port of the loopback address of this network namespace. Nobody else can send from that port
 * as long as the socket is open. Fails with `WP_NFT_HEARTBEAT`.
 */
export function openHeartbeat(): Promise<Outcome<Heartbeat>> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', (cause) => resolve(fail('WP_NFT_HEARTBEAT', `no UDP socket on ${loopback}: ${cause.message}`, cause)));
    socket.bind({ address: loopback, port: 0, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // A beat that was lost shows when the lease ends, and in nothing else.
      socket.on('error', () => {});
      // Beats come back here and are read and forgotten by Node.
      socket.unref();
      const { port } = socket.address();
      resolve(
        succeed({
          port,
          send: () => socket.send('.', port, loopback, () => {}),
          close: () => new Promise((closed) => socket.close(() => closed())),
        }),
      );
    });
  });
}
