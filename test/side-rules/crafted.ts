import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import type { Family } from '../../src/model/mod.ts';
import { addressBytes } from '../../src/model/mod.ts';
import type { Address } from '../../src/model/mod.ts';
import type { Place } from '../lab/mod.ts';

/**
 * A packet such as Node's own sockets do not send: with a mark, without a checksum, or of any protocol. A program of its own,
 * so that it can be started in another network namespace.
 */
export interface Crafted {
  readonly family: Family;
  /** A datagram of UDP, or what stands behind the IP header of a packet of that protocol. */
  readonly protocol: 'UDP' | number;
  readonly source?: string;
  readonly destination: string;
  /** Of UDP. */
  readonly port: number;
  readonly payload: string;
  /** SO_MARK. */
  readonly mark?: number;
  /** SO_NO_CHECK: UDP over IPv4 may go without. */
  readonly withoutChecksum?: boolean;
}

/** Sends it from a place. The value is what came back within a second; empty for nothing. */
export async function sendCrafted(place: Place, packet: Crafted): Promise<string> {
  const script = fileURLToPath(import.meta.url);
  const { code, stdout, stderr } = await place.exec(process.execPath, [script, JSON.stringify(packet)]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const socketLevel = 1;
const options = { noCheck: 11, receiveTimeout: 20, mark: 36 } as const;

if (import.meta.main) process.stdout.write(send(JSON.parse(process.argv[2] ?? '') as Crafted));

function send(packet: Crafted): string {
  const libc = koffi.load(null);
  const call = {
    socket: libc.func('int socket(int, int, int)'),
    setsockopt: libc.func('int setsockopt(int, int, int, void *, uint)'),
    bind: libc.func('int bind(int, void *, uint)'),
    connect: libc.func('int connect(int, void *, uint)'),
    send: libc.func('intptr_t send(int, void *, size_t, int)'),
    recv: libc.func('intptr_t recv(int, void *, size_t, int)'),
  };
  const must = (what: string, result: number): number => {
    if (result < 0) throw new Error(`${what}: error ${koffi.errno()}`);
    return result;
  };
  const raw = packet.protocol !== 'UDP';
  const fd = must('socket', call.socket(packet.family === 'IPv4' ? 2 : 10, raw ? 3 : 2, raw ? packet.protocol : 0));
  const set = (option: number, value: Uint8Array): number =>
    must('setsockopt', call.setsockopt(fd, socketLevel, option, value, value.length));
  if (packet.mark !== undefined) set(options.mark, numberBytes(packet.mark));
  if (packet.withoutChecksum === true) set(options.noCheck, numberBytes(1));
  set(options.receiveTimeout, new Uint8Array(BigInt64Array.of(1n, 0n).buffer));
  const named = (address: string, port: number): Uint8Array => socketAddress(packet.family, address, raw ? 0 : port);
  if (packet.source !== undefined) {
    const from = named(packet.source, 0);
    must('bind', call.bind(fd, from, from.length));
  }
  const to = named(packet.destination, packet.port);
  must('connect', call.connect(fd, to, to.length));
  const bytes = Buffer.from(packet.payload);
  must('send', call.send(fd, bytes, bytes.length, 0));
  if (raw) return '';
  const reply = Buffer.alloc(2048);
  const length: number = call.recv(fd, reply, reply.length, 0);
  return reply.subarray(0, Math.max(0, length)).toString();
}

function numberBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(family: Family, address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(family === 'IPv4' ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family === 'IPv4' ? 2 : 10, true);
  view.setUint16(2, port);
  bytes.set(addressBytes(address as Address), family === 'IPv4' ? 4 : 8);
  return bytes;
}
