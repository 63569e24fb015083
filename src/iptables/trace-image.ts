import { addressBytes, protocolNumbers } from '../model/mod.ts';
import type { TracedPacket } from '../model/mod.ts';

/** The packet's IP header without options, and its two ports. */
export function packetImage({ family, source, destination, protocol, sourcePort, destinationPort }: TracedPacket): Uint8Array {
  const six = family === 'IPv6';
  const ports = six ? 40 : 20;
  const bytes = new Uint8Array(ports + 8);
  const view = new DataView(bytes.buffer);
  bytes[0] = six ? 0x60 : 0x45;
  view.setUint16(six ? 4 : 2, six ? 8 : bytes.length);
  bytes[six ? 7 : 8] = 64;
  bytes[six ? 6 : 9] = protocolNumbers[protocol];
  bytes.set(addressBytes(source), six ? 8 : 12);
  bytes.set(addressBytes(destination), six ? 24 : 16);
  view.setUint16(ports, sourcePort);
  view.setUint16(ports + 2, destinationPort);
  return bytes;
}
