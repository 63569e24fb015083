import { encodeQuery } from './encode-query.ts';
import { name } from './forward.fixture.ts';
import { Lane } from './lane.ts';
import type { DatagramSocket, Peer } from './listen-contract.ts';
import type { Name } from './name.ts';
import type { Listening, Server } from './server.ts';
import { toAddress } from './zone.fixture.ts';

/** A server with one listening address, asked as sockets ask it. */
export class Client {
  readonly lanes: Lane[] = [];
  /** Replies that came later. */
  readonly sent: Uint8Array[] = [];
  readonly #server: Server;
  readonly #listening: Listening;
  readonly #out = new Uint8Array(5000);

  constructor(server: Server) {
    this.#server = server;
    this.#listening = server.listen(() => {
      const lane = new Lane();
      this.lanes.push(lane);
      return lane;
    });
  }

  readonly #socket: DatagramSocket = {
    address: toAddress('127.0.0.1'),
    port: 53,
    keepPath: () => 'back',
    send: (path, bytes) => {
      if (path !== 'back') throw new Error('a reply went elsewhere');
      this.sent.push(bytes.slice());
    },
    close() {},
  };

  /** The reply over UDP; null: none, or one that comes later. */
  datagram(message: Uint8Array, peer = peerOf('10.0.0.1')): Uint8Array | null {
    // Messages and replies lie anywhere in the memory of a batch.
    const input = Uint8Array.from([7, 7, ...message, 7]);
    const length = this.#server.answerDatagram(this.#listening, this.#socket, input, 2, message.length, peer, this.#out, 11);
    return length === 0 ? null : this.#out.slice(11, 11 + length);
  }

  /** The replies over TCP so far. */
  message(message: Uint8Array, peer = peerOf('10.0.0.1')): readonly Uint8Array[] {
    const replies: Uint8Array[] = [];
    this.#server.answerMessage(this.#listening, message, peer, (bytes) => replies.push(bytes.slice()));
    return replies;
  }
}

export function peerOf(text: string, port = 4000): Peer {
  return { buffer: Uint8Array.from(text.split('.').map(Number)), offset: 0, octets: 4, port };
}

export function queryOf(
  text: string | { readonly name: Name },
  type = 1,
  over: Partial<Parameters<typeof encodeQuery>[0]> = {},
): Uint8Array {
  const asked = typeof text === 'string' ? name(text) : text.name;
  return encodeQuery({ id: 77, name: asked, type, dnssecOk: false, checkingDisabled: false, udpSize: 1232, ...over });
}

export function codeOf(bytes: Uint8Array | null | undefined): number | null {
  return bytes ? (bytes[3] ?? 0) & 15 : null;
}
