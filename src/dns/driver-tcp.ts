import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { addressBytes, fail, familyOf, parseAddress, succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import { bindStream } from '../netlink/mod.ts';
import type { AnswerMessage, Peer, StreamLimits, StreamListener } from './listen-contract.ts';
import type { ConnectionBudget } from './stream-budget.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamEnd } from './stream-connection.ts';

export interface TcpOptions {
  readonly address: Address;
  /** 0: one of the kernel's choice. */
  readonly port: number;
  /** Other listeners, of other workers, have the same address and port. */
  readonly reusePort: boolean;
  readonly answer: AnswerMessage;
  readonly limits: StreamLimits;
  readonly shared: ConnectionBudget;
  /** Connections that the kernel accepts ahead of this process. */
  readonly backlog?: number;
}

/**
 * Listens for DNS over TCP (RFC 7766). Fails with `WP_DNS_BIND`. Closing takes no more messages, lets those taken have
 * their answers for as long as a message may take, and is done when all connections are closed.
 */
export async function openTcp(options: TcpOptions): Promise<Outcome<StreamListener>> {
  const { address, port, reusePort, backlog = 1024 } = options;
  // Node cannot bind an IPv6 address that is the node's by a route alone; without the FFI there are no such addresses either.
  const bound = familyOf(address) === 'IPv6' ? await bindStream(options) : null;
  if (bound?.ok === false && bound.problem.code !== 'WP_NETLINK_FFI') {
    return fail('WP_DNS_BIND', bound.problem.message.replace('bind TCP', 'listen on TCP'), bound.problem.cause);
  }
  const place = bound?.ok === true ? { fd: bound.value } : { host: address, port, reusePort, ipv6Only: true };
  const connections = new Set<StreamConnection>();
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.on('connection', (socket) => accept(socket, connections, options));
  return await new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(fail('WP_DNS_BIND', `cannot listen on TCP ${address} port ${port}: ${error.code ?? error.message}`, error));
    });
    server.listen({ ...place, backlog, exclusive: true }, () => {
      server.removeAllListeners('error');
      // One connection that could not be accepted; there will be others.
      server.on('error', () => {});
      resolve(succeed(listenerOf(server, address, connections)));
    });
  });
}

function listenerOf(server: Server, address: Address, connections: ReadonlySet<StreamConnection>): StreamListener {
  const bound = server.address();
  return {
    address,
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const connection of connections) connection.retire();
      await closed;
    },
  };
}

function accept(socket: Socket, connections: Set<StreamConnection>, { answer, limits, shared }: TcpOptions): void {
  const peer = peerOf(socket);
  // What becomes of a broken connection is decided when it closes.
  socket.on('error', () => {});
  if (peer === null) return void socket.destroy();
  const local = { port: socket.localPort ?? 0 };
  const connection = new StreamConnection({ end: endOf(socket), peer, local, answer, limits, now: shared.now });
  connections.add(connection);
  shared.admit(connection, limits.connections);
  socket.on('data', (chunk) => connection.take(chunk as Buffer));
  socket.on('end', () => connection.finish());
  socket.on('drain', () => connection.drained());
  socket.once('close', () => {
    connection.closed();
    connections.delete(connection);
    shared.release(connection);
  });
}

function endOf(socket: Socket): StreamEnd {
  return {
    get isFull() {
      return socket.writableNeedDrain;
    },
    get waiting() {
      return socket.writableLength;
    },
    write: (bytes) => void socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => socket.destroySoon(),
    destroy: () => void socket.destroy(),
  };
}

/** Null where the client has gone already. */
function peerOf({ remoteAddress, remotePort }: Socket): Peer | null {
  const address = parseAddress(remoteAddress?.split('%', 1)[0] ?? '');
  if (address === null || remotePort === undefined) return null;
  const buffer = addressBytes(address);
  return { buffer, offset: 0, octets: buffer.length === 4 ? 4 : 16, port: remotePort };
}
