import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { familyOf, formatEndpoint, parseAddress } from '../model/mod.ts';
import type { ForwardObserver, ReplyListener, UpstreamTransport } from './forward-ports.ts';
import type { Upstream } from './settings.ts';

/**
 * UDP to upstreams. Each query has a socket of its own, bound by the kernel to a port drawn at random (RFC 5452 9.2) and
 * connected: the kernel drops what comes from elsewhere, and says at once when the port is refused.
 */
export function openUpstreamUdp(observer: Pick<ForwardObserver, 'connMiss'>): UpstreamTransport {
  const open = new Set<() => void>();
  return {
    send(to, query, listener) {
      observer.connMiss(formatEndpoint(to.address, to.port), 'udp');
      const close = sendOnce(to, query, listener, () => open.delete(close));
      open.add(close);
      return close;
    },
    close() {
      for (const close of open) close();
    },
  };
}

/** Addresses are given as such: nothing is looked up. */
function lookupNothing(
  hostname: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, hostname, hostname.includes(':') ? 6 : 4);
}

function sendOnce(to: Upstream, query: Uint8Array, listener: ReplyListener, onClose: () => void): () => void {
  const socket = createSocket({ type: familyOf(to.address) === 'IPv4' ? 'udp4' : 'udp6', lookup: lookupNothing });
  let closed = false;
  let opening = true;
  const close = (): void => {
    if (closed) return;
    closed = true;
    onClose();
    closeQuietly(socket);
  };
  const fail = (error: Error): void => {
    // Without a file descriptor to be had the socket fails while it is opened, before the caller knows of it.
    if (opening) queueMicrotask(() => fail(error));
    if (closed || opening) return;
    close();
    listener.failed(describe(error));
  };
  socket.on('error', fail);
  socket.on('message', (bytes, sender) => {
    if (!closed && isFrom(sender, to) && listener.take(bytes)) close();
  });
  socket.on('connect', () => {
    if (closed) return;
    socket.send(query, (error) => {
      if (error) fail(error);
    });
  });
  socket.connect(to.port, to.address);
  opening = false;
  return close;
}

/** A datagram that came between the binding and the connecting may be anybody's. */
function isFrom(sender: RemoteInfo, { address, port }: Upstream): boolean {
  return sender.port === port && (sender.address === address || parseAddress(sender.address) === address);
}

/** Errors that come behind the end are nobody's. */
function closeQuietly(socket: Socket): void {
  socket.removeAllListeners('message');
  try {
    socket.close();
  } catch {
    // It was not open.
  }
}

function describe(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
