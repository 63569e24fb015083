import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { decode } from 'dns-packet';
import type { DecodedPacket } from 'dns-packet';
import { openTcpClient } from '../../src/dns/driver-tcp.fixture.ts';
import { octetsOf } from '../../src/dns/read-name.ts';
import type { Name } from '../../src/dns/name.ts';
import { loopback } from './live-thread.ts';

/** A reply, as octets and as the independent library reads them. */
export interface Reply {
  readonly bytes: Buffer;
  readonly packet: DecodedPacket;
}

/** Asks with messages of any shape; replies are told apart by their id. */
export interface Asker extends Disposable {
  ask(message: Uint8Array): Promise<Reply>;
  /** Sends without waiting. */
  send(message: Uint8Array): void;
  /** Replies to nothing that was asked for here. */
  readonly others: readonly Buffer[];
}

export type Transport = 'udp' | 'tcp';
export const transports: readonly Transport[] = ['udp', 'tcp'];

export function openAsker(transport: Transport, port: number): Promise<Asker> {
  return transport === 'udp' ? openUdpAsker(port) : openTcpAsker(port);
}

class Waiting {
  readonly others: Buffer[] = [];
  readonly #asked = new Map<number, (reply: Reply) => void>();

  wait(message: Uint8Array): Promise<Reply> {
    const id = ((message[0] ?? 0) << 8) | (message[1] ?? 0);
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
    });
  }

  take(bytes: Buffer): void {
    const id = bytes.readUInt16BE(0);
    const give = this.#asked.get(id);
    this.#asked.delete(id);
    if (give === undefined) this.others.push(bytes);
    else give({ bytes, packet: decode(bytes) });
  }
}

async function openUdpAsker(port: number): Promise<Asker> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  const waiting = new Waiting();
  socket.on('message', (bytes) => waiting.take(bytes));
  // A thread that is lost and started again leaves the port closed for a moment.
  socket.on('error', () => undefined);
  socket.connect(port, loopback);
  await once(socket, 'connect');
  return {
    others: waiting.others,
    send: (message) => socket.send(message),
    ask(message) {
      const reply = waiting.wait(message);
      socket.send(message);
      return reply;
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}

async function openTcpAsker(port: number): Promise<Asker> {
  const client = await openTcpClient(loopback, port);
  const waiting = new Waiting();
  let taken = 0;
  const pump = async (): Promise<void> => {
    for (;;) {
      const all = await client.answers(taken + 1);
      for (const bytes of all.slice(taken)) waiting.take(Buffer.from(bytes));
      taken = all.length;
    }
  };
  pump().catch(() => undefined);
  return {
    others: waiting.others,
    send: (message) => client.ask(message),
    ask(message) {
      const reply = waiting.wait(message);
      client.ask(message);
      return reply;
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

export interface Edns {
  readonly size?: number;
  readonly version?: number;
  /** The 16 bits behind the version: DO and Z. */
  readonly flags?: number;
  /** The upper bits of the response code. */
  readonly code?: number;
  /** Options in wire form. */
  readonly options?: string;
}

export interface QueryParts {
  readonly id?: number;
  /** The second 16 bits of the header. */
  readonly flags?: number;
  readonly type?: number;
  readonly class?: number;
  readonly edns?: Edns | null;
}

/** A query octet by octet, so that no library has a say in what can be asked. */
export function makeQuery(name: Name, parts: QueryParts = {}): Buffer {
  const { id = 1, flags = 0x0100, type = 1, class: number = 1, edns = null } = parts;
  const head = [id, flags, 1, 0, 0, edns === null ? 0 : 1];
  const opt = edns === null ? [] : [octetsOf(makeOpt(edns))];
  return Buffer.concat([words(...head), octetsOf(name), words(type, number), ...opt]);
}

/** An OPT record in wire form, one octet to a character. */
export function makeOpt({ size = 1232, version = 0, flags = 0, code = 0, options = '' }: Edns): string {
  const numbers = words(41, size, (code << 8) | version, flags, options.length);
  return `\0${numbers.toString('latin1')}${options}`;
}

function words(...numbers: readonly number[]): Buffer {
  return Buffer.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}
