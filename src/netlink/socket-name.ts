import { addressBytes, familyOf } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { ByteWriter } from './bytes.ts';

/** AF_INET and AF_INET6. */
export const familyNumbers: Readonly<Record<Family, number>> = { IPv4: 2, IPv6: 10 };

/** `struct sockaddr_in` or `struct sockaddr_in6`. */
export function makeSocketName(address: Address, port: number): Uint8Array {
  const family = familyOf(address);
  const writer = new ByteWriter(28);
  writer.u16(familyNumbers[family]);
  writer.be16(port);
  if (family === 'IPv6') writer.u32(0);
  writer.bytes(addressBytes(address));
  writer.bytes(new Uint8Array(family === 'IPv4' ? 8 : 4));
  return writer.finish();
}
