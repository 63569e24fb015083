import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { Outcome } from '../model/mod.ts';
import type { AnswerDatagram } from './listen-contract.ts';

/** Gives back what came, with the QR bit set and the sender's port behind it. */
export const echo: AnswerDatagram = (_socket, input, start, length, peer, out, outStart) => {
  out.set(input.subarray(start, start + length), outStart);
  out[outStart + 2] = (out[outStart + 2] ?? 0) | 0x80;
  out[outStart + length] = peer.port >> 8;
  out[outStart + length + 1] = peer.port & 0xff;
  return length + 2;
};

export interface UdpClient extends Disposable {
  readonly port: number;
  send(message: Uint8Array): void;
  /** Waits until so many replies are there, and gives all. */
  replies(count: number): Promise<readonly Buffer[]>;
}

/** A connected socket: the kernel lets only replies in that come from the very address and port that was asked. */
export async function openClient(address: string, port: number, local?: string): Promise<UdpClient> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  const received: Buffer[] = [];
  const changed = new EventTarget();
  socket.on('message', (message) => {
    received.push(message);
    changed.dispatchEvent(new Event('message'));
  });
  socket.bind(0, local);
  await once(socket, 'listening');
  socket.connect(port, address);
  await once(socket, 'connect');
  return {
    port: socket.address().port,
    send: (message) => socket.send(message),
    async replies(count) {
      while (received.length < count) await once(changed, 'message');
      return received;
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}

/** The value, or the problem as an exception. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.problem.code}: ${outcome.problem.message}`);
  return outcome.value;
}

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1') === true);
if (!hasIpv6) process.stderr.write('SKIPPED: sockets of IPv6: this machine has no address ::1\n');

/** Those of the addresses that sockets can have here: all, or without IPv6 those of IPv4. */
export function usable(addresses: readonly string[]): readonly string[] {
  return hasIpv6 ? addresses : addresses.filter((address) => !address.includes(':'));
}
