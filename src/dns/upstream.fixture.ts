import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { decode } from 'dns-packet';
import type { DecodedPacket } from 'dns-packet';
import { StreamFrames, frame } from './forward-frames.ts';
import { address } from './forward.fixture.ts';
import type { Upstream } from './settings.ts';

/** A query as the upstream saw it. */
export interface SeenQuery {
  readonly packet: DecodedPacket;
  readonly bytes: Uint8Array;
  /** Where it came from. */
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
  /** Counts TCP connections from 1; 0 over UDP. */
  readonly connection: number;
}

export interface ReplyWays {
  send(bytes: Uint8Array): void;
  /** Octets as they are, without a length in front; over TCP only. */
  raw(bytes: Uint8Array): void;
  /** Ends the sending side, or the connection with a reset; over TCP only. */
  end(): void;
  reset(): void;
}

export type Behaviour = (query: SeenQuery, reply: ReplyWays) => void;

/** A DNS server on loopback whose faults are up to the test. */
export interface RealUpstream extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly seen: readonly SeenQuery[];
  /** TCP connections so far, and those open now. */
  readonly connections: () => number;
  readonly open: () => number;
}

/** Listens on UDP and TCP of one port that the kernel chose; with `udpOnly` the TCP port is refused. */
export async function startUpstream(
  behave: Behaviour,
  options: { udpOnly?: boolean; host?: string } = {},
): Promise<RealUpstream> {
  const host = options.host ?? '127.0.0.1';
  const seen: SeenQuery[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const tcp = createServer({ allowHalfOpen: true });
  const udp = options.udpOnly === true ? await bindUdp(host, 0) : await bindBoth(host, tcp);
  const { port } = udp.address();
  udp.on('message', (bytes, sender) => {
    const query: SeenQuery = { packet: decode(bytes), bytes, port: sender.port, protocol: 'udp', connection: 0 };
    seen.push(query);
    const send = (reply: Uint8Array): void => udp.send(reply, sender.port, sender.address);
    behave(query, { send, raw: send, end() {}, reset() {} });
  });
  tcp.on('connection', (socket) => {
    open.add(socket);
    connections += 1;
    const connection = connections;
    const frames = new StreamFrames();
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      frames.push(chunk, (message) => {
        const bytes = message.slice();
        const packet = decode(Buffer.from(bytes));
        const query: SeenQuery = { packet, bytes, port: socket.remotePort ?? 0, protocol: 'tcp', connection };
        seen.push(query);
        behave(query, {
          send: (reply) => socket.write(frame(reply)),
          raw: (octets) => socket.write(octets),
          end: () => socket.end(),
          reset: () => socket.resetAndDestroy(),
        });
      });
    });
  });
  return {
    upstream: { address: address(host), port },
    seen,
    connections: () => connections,
    open: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      if (tcp.listening) await new Promise<void>((resolve) => tcp.close(() => resolve()));
    },
  };
}

async function bindUdp(host: string, port: number): Promise<UdpSocket> {
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  udp.bind(port, host);
  await once(udp, 'listening');
  return udp;
}

/** A port that is free for one protocol may be in use for the other, by a connection of any test beside this one. */
async function bindBoth(host: string, tcp: Server): Promise<UdpSocket> {
  for (let attempt = 1; ; attempt += 1) {
    tcp.listen(0, host);
    await once(tcp, 'listening');
    const listening = tcp.address();
    if (listening === null || typeof listening === 'string') throw new TypeError('a TCP server without a port');
    try {
      return await bindUdp(host, listening.port);
    } catch (error) {
      if (attempt === 20) throw error;
      await new Promise<void>((resolve) => tcp.close(() => resolve()));
    }
  }
}

/** A port of loopback that was free a moment ago. */
export async function refusedUpstream(): Promise<Upstream> {
  const one = await startUpstream(() => {});
  await one[Symbol.asyncDispose]();
  return one.upstream;
}
