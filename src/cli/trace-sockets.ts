import { addressBytes, familyOf, formatAddress } from '../model/mod.ts';
import type { Address, Protocol } from '../model/mod.ts';

/** States in `/proc/net`: a TCP socket that listens, a UDP socket that is bound (`TCP_LISTEN`, `TCP_CLOSE`). */
const openStates = { TCP: '0A', UDP: '07' } as const;

/**
 * Whether a socket of this network namespace takes what is sent to an address and port, by the texts of `/proc/net/tcp`,
 * `tcp6`, `udp` and `udp6`; null for protocols that are not listed there, and where nothing was read.
 */
export function isListening(
  texts: ReadonlyMap<string, string>,
  { protocol, address, port }: { readonly protocol: Protocol; readonly address: Address; readonly port: number },
): boolean | null {
  if (protocol === 'SCTP') return null;
  const names = [protocol.toLowerCase(), `${protocol.toLowerCase()}6`];
  const lines = names.flatMap((name) => (texts.get(name) ?? '').split('\n').slice(1));
  if (lines.length === 0) return null;
  return lines.some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    if (state !== openStates[protocol]) return false;
    const [hex = '', portHex = ''] = local.split(':');
    return Number.parseInt(portHex, 16) === port && takes(hex, address);
  });
}

/** An IPv6 socket on `::` takes IPv4 too unless it said otherwise, which is not listed. */
function takes(hex: string, address: Address): boolean {
  const bytes = readWords(hex);
  if (bytes.every((byte) => byte === 0)) return bytes.length === 16 || familyOf(address) === 'IPv4';
  return formatAddress(bytes) === formatAddress(addressBytes(address));
}

/** The kernel prints addresses as 32-bit words of the machine, which is little-endian wherever Node runs. */
function readWords(hex: string): Uint8Array {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return bytes;
}
