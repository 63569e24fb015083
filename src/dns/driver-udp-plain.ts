import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket, SocketOptions } from 'node:dgram';
import { addressBytes, fail, familyOf, parseAddress, succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import { largestDatagram } from './listen-contract.ts';
import type { AnswerDatagram, Peer, ReturnPath } from './listen-contract.ts';
import type { UdpCounts, UdpOptions, UdpSocket } from './udp-socket.ts';

/** Replies that wait in this process while the kernel has no room; what comes beyond is lost. */
const mostWaiting = 1024;

/** Every address is a literal: the resolver of the machine is not asked, and no turn of the loop is waited for. */
const takeLiteral: NonNullable<SocketOptions['lookup']> = (host, _options, callback) => {
  callback(null, host, host.includes(':') ? 6 : 4);
};

/**
 * Opens a UDP socket of Node's own, which costs some microseconds more for each datagram. Bound to a wildcard it cannot
 * choose the address that its replies leave from. Fails with `WP_DNS_BIND`.
 */
export function openPlainUdp(options: UdpOptions): Promise<Outcome<UdpSocket>> {
  const { address, port, reusePort } = options;
  const isIpv4 = familyOf(address) === 'IPv4';
  const type = isIpv4 ? 'udp4' : 'udp6';
  const socket = createSocket({ type, reusePort, ipv6Only: !isIpv4, lookup: takeLiteral, recvBufferSize: 8 * 1024 * 1024 });
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(fail('WP_DNS_BIND', `cannot bind UDP ${address} port ${port}: ${error.code ?? error.message}`, error));
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // Errors of single replies; those that matter are counted where they are sent.
      socket.on('error', () => {});
      resolve(succeed(new PlainSocket(socket, options)));
    });
  });
}

/** Reads the octets of the address only if somebody looks. */
class TextPeer implements Peer {
  readonly offset = 0;
  readonly octets: 4 | 16;
  port = 0;
  text = '';

  constructor(octets: 4 | 16) {
    this.octets = octets;
  }

  get buffer(): Uint8Array {
    // A link-local address comes with its zone behind it.
    const address = parseAddress(this.text.split('%', 1)[0] ?? '');
    return address === null ? new Uint8Array(this.octets) : addressBytes(address);
  }
}

class PlainSocket implements UdpSocket {
  readonly address: Address;
  readonly port: number;
  readonly descriptor = null;
  readonly counts: { -readonly [name in keyof UdpCounts]: number } = { received: 0, sent: 0, lost: 0, cutOff: 0 };
  readonly #socket: Socket;
  readonly #answer: AnswerDatagram;
  readonly #peer: TextPeer;
  readonly #out = new Uint8Array(largestDatagram);
  #remote: RemoteInfo | null = null;
  #open = true;

  constructor(socket: Socket, { address, answer }: UdpOptions) {
    this.#socket = socket;
    this.#answer = answer;
    this.#peer = new TextPeer(familyOf(address) === 'IPv4' ? 4 : 16);
    this.address = address;
    this.port = socket.address().port;
    socket.on('message', (message, remote) => this.#take(message, remote));
  }

  keepPath(): ReturnPath {
    if (this.#remote === null) throw new TypeError('there is no message in hand whose way back could be kept');
    return this.#remote;
  }

  send(path: ReturnPath, bytes: Uint8Array): void {
    if (!this.#open) return;
    const { port, address } = path as RemoteInfo;
    if (bytes.length > largestDatagram || this.#socket.getSendQueueCount() >= mostWaiting) {
      this.counts.lost += 1;
      return;
    }
    // A copy, since the kernel may have no room yet. Nothing can be sent to port 0, and Node throws.
    if (port === 0) this.counts.lost += 1;
    else this.#socket.send(Buffer.from(bytes), port, address, this.#sent);
  }

  readonly #sent = (error: Error | null): void => {
    if (error === null) this.counts.sent += 1;
    else this.counts.lost += 1;
  };

  close(): void {
    if (this.#open) this.#socket.close();
    this.#open = false;
  }

  #take(message: Buffer, remote: RemoteInfo): void {
    if (!this.#open) return;
    this.counts.received += 1;
    if (message.length > largestDatagram) {
      this.counts.cutOff += 1;
      return;
    }
    this.#remote = remote;
    this.#peer.text = remote.address;
    this.#peer.port = remote.port;
    const length = this.#answer(this, message, 0, message.length, this.#peer, this.#out, 0);
    this.#remote = null;
    if (length > 0) this.send(remote, this.#out.subarray(0, length));
  }
}
