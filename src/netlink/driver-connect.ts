import { fail, familyOf, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome } from '../model/mod.ts';
import { readU32, viewOf } from './bytes.ts';
import { hostInteger, reachLibc } from './driver-libc.ts';
import type { Libc, Poll } from './driver-libc.ts';
import { errnoName, errnos } from './errno.ts';
import { familyNumbers, makeSocketName } from './socket-name.ts';

/** What becomes of a connection. Nothing is called after `failed`, nor after the connection was given up. */
export interface ConnectionEars {
  /** The other side completed the handshake. */
  connected(): void;
  /** There may be something to receive, or the end. */
  readable(): void;
  /** There is no connection: none came about, or (ECONNRESET, EPIPE) it was reset before anybody looked. */
  failed(errno: number): void;
}

export interface Connection {
  /** Octets taken, or a negative error number. */
  send(bytes: Uint8Array): number;
  /** Octets received, 0 at the end of what the other side sends, or a negative error number. */
  receive(into: Uint8Array): number;
  /** Ends it by a reset (RST), so that neither side keeps anything of it, TIME_WAIT included. */
  abort(): void;
}

/** Where a connection goes, in the kernel's form. */
export interface Peer {
  readonly family: Family;
  readonly name: Uint8Array;
}

/** Worth keeping: it costs as much as the system call that it is for. */
export function makePeer(address: Address, port: number): Peer {
  return { family: familyOf(address), name: makeSocketName(address, port) };
}

/**
 * Short TCP connections at a fraction of what `node:net` takes of the processor. A socket is used again after its
 * connection was dissolved (connect(2), AF_UNSPEC), and one epoll file tells of all of them.
 */
export interface Connector {
  /** Begins a connection; what becomes of it is told after the caller's turn. A negative error number where it cannot begin. */
  connect(peer: Peer, ears: ConnectionEars): Connection | number;
  /** Gives up all connections. */
  close(): void;
}

/** SOCK_STREAM with SOCK_CLOEXEC and SOCK_NONBLOCK. */
const socketType = 1 | 0o2_000_000 | 0o4000;
const epollCloseOnExec = 0o2_000_000;
const epollAddOperation = 1;
/** EPOLLOUT, and EPOLLIN, EPOLLERR, EPOLLHUP, EPOLLRDHUP, which are of interest to who reads. */
const writable = 0x4;
const readableEvents = 0x1 | 0x8 | 0x10 | 0x2000;
/** EPOLLET: told once of each change. */
const edgeTriggered = 0x8000_0000;
/** `struct epoll_event` is packed on amd64 alone. */
const eventSize = process.arch === 'x64' ? 12 : 16;
const eventData = eventSize - 8;
const eventsAtOnce = 64;
/** Sockets without a connection that are kept for the next ones. */
const keptSockets = 64;
/** Rounds of events in one turn of the event loop. */
const roundsAtOnce = 4;
const noSignal = 0x4000;
const dontWait = 0x40;
/** AF_UNSPEC. */
const nobody = new Uint8Array(16);

interface Socket {
  readonly fd: number;
  readonly index: number;
  readonly family: Family;
  use: Use | null;
}

interface Use {
  readonly name: Uint8Array;
  readonly ears: ConnectionEars;
  connected: boolean;
}

/** Opens no connection yet. Fails with `WP_NETLINK_FFI`, or with `WP_NETLINK_SOCKET` where the process has no file left. */
export async function openConnector(): Promise<Outcome<Connector>> {
  const libc = await reachLibc();
  if (!libc.ok) return libc;
  const epoll = libc.value.epollCreate(epollCloseOnExec);
  if (epoll < 0) return fail('WP_NETLINK_SOCKET', `cannot watch connections: ${errnoName(libc.value.errno())}`);
  return succeed(new EpollConnector(libc.value, epoll));
}

class EpollConnector implements Connector {
  readonly #libc: Libc;
  readonly #epoll: number;
  readonly #poll: Poll;
  readonly #sockets = new Map<number, Socket>();
  readonly #idle: Readonly<Record<Family, Socket[]>> = { IPv4: [], IPv6: [] };
  readonly #events = new Uint8Array(eventSize * eventsAtOnce);
  readonly #view = viewOf(this.#events);
  #lastIndex = 0;
  #collecting = false;
  #open = true;

  constructor(libc: Libc, epoll: number) {
    this.#libc = libc;
    this.#epoll = epoll;
    this.#poll = libc.poll(epoll, () => this.#collect(), false);
  }

  connect({ family, name }: Peer, ears: ConnectionEars): Connection | number {
    if (!this.#open) throw new TypeError('this connector is closed');
    const socket = this.#idle[family].pop() ?? this.#makeSocket(family);
    if (typeof socket === 'number') return socket;
    const errno = this.#libc.connect(socket.fd, name, name.length) < 0 ? this.#libc.errno() : 0;
    if (errno !== 0 && errno !== errnos.EINPROGRESS) {
      this.#putAway(socket);
      return -errno;
    }
    const use: Use = { name, ears, connected: false };
    socket.use = use;
    // Within a machine the handshake is over by now: looking at once spares the event loop a turn for it.
    if (!this.#collecting) queueMicrotask(() => this.#collect());
    this.#collecting = true;
    return this.#connectionOf(socket, use);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poll.close();
    for (const socket of this.#sockets.values()) {
      if (socket.use !== null) this.#libc.connect(socket.fd, nobody, nobody.length);
      socket.use = null;
      this.#libc.close(socket.fd);
    }
    this.#sockets.clear();
    this.#libc.close(this.#epoll);
  }

  #connectionOf(socket: Socket, use: Use): Connection {
    const libc = this.#libc;
    const check = (): void => {
      if (socket.use !== use) throw new TypeError('this connection is over');
    };
    return {
      send(bytes) {
        check();
        return resultOf(libc, libc.send(socket.fd, bytes, bytes.length, dontWait | noSignal));
      },
      receive(into) {
        check();
        return resultOf(libc, libc.recv(socket.fd, into, into.length, dontWait));
      },
      abort: () => {
        if (socket.use !== use) return;
        socket.use = null;
        if (libc.connect(socket.fd, nobody, nobody.length) === 0) this.#putAway(socket);
        else this.#discard(socket);
      },
    };
  }

  /** What has happened since the last look. More than a few rounds of it wait for the event loop. */
  #collect(): void {
    this.#collecting = false;
    for (let round = 0; round < roundsAtOnce && this.#open; round += 1) {
      const count = this.#libc.epollWait(this.#epoll, this.#events, eventsAtOnce, 0);
      if (count <= 0) return;
      // What is called may begin connections, but collects nothing: the events stay as they are.
      for (let entry = 0; entry < count && this.#open; entry += 1) {
        const at = entry * eventSize;
        const socket = this.#sockets.get(readU32(this.#view, at + eventData));
        if (socket !== undefined) this.#hear(socket, readU32(this.#view, at));
      }
    }
  }

  /** An event may be of the use before this one, so it is a reason to look and nothing more. */
  #hear(socket: Socket, events: number): void {
    const { use } = socket;
    if (use === null) return;
    if (!use.connected) this.#finishHandshake(socket, use);
    if (use.connected && socket.use === use && (events & readableEvents) !== 0) use.ears.readable();
  }

  /** Asked to connect again, the kernel tells what became of the first time, and once. */
  #finishHandshake(socket: Socket, use: Use): void {
    const again = this.#libc.connect(socket.fd, use.name, use.name.length);
    const errno = again < 0 ? this.#libc.errno() : 0;
    if (errno === errnos.EALREADY || errno === errnos.EINPROGRESS) return;
    if (errno === 0 || errno === errnos.EISCONN) {
      use.connected = true;
      use.ears.connected();
      return;
    }
    socket.use = null;
    this.#putAway(socket);
    use.ears.failed(errno);
  }

  #makeSocket(family: Family): Socket | number {
    const fd = this.#libc.socket(familyNumbers[family], socketType, 0);
    if (fd < 0) return -this.#libc.errno();
    this.#lastIndex += 1;
    const event = new Uint8Array(eventSize);
    event.set(hostInteger((writable | 0x1 | 0x2000 | edgeTriggered) >>> 0));
    event.set(hostInteger(this.#lastIndex), eventData);
    if (this.#libc.epollControl(this.#epoll, epollAddOperation, fd, event) < 0) {
      const errno = this.#libc.errno();
      this.#libc.close(fd);
      return -errno;
    }
    const socket: Socket = { fd, index: this.#lastIndex, family, use: null };
    this.#sockets.set(socket.index, socket);
    return socket;
  }

  #putAway(socket: Socket): void {
    const idle = this.#idle[socket.family];
    if (idle.length < keptSockets) idle.push(socket);
    else this.#discard(socket);
  }

  #discard(socket: Socket): void {
    this.#sockets.delete(socket.index);
    this.#libc.close(socket.fd);
  }
}

function resultOf(libc: Libc, result: number): number {
  return result < 0 ? -libc.errno() : result;
}
