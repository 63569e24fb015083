import type { Family } from '../model/mod.ts';

/**
 * `-m bpf --bytecode` programs that match packets whose source address equals the destination: after
 * DNAT, a client that was sent back to itself. Offsets count from the IP header; the accumulator is
 * compared with X, and a non-zero return value is a match (xt_bpf).
 *
 * IPv4: `ld [12]; tax; ld [16]; jeq x, 0, 1; ret 65535; ret 0`.
 * IPv6: the same for each of the four words, source at 8, destination at 24.
 */
const programs: Readonly<Record<Family, string>> = {
  IPv4: '6,32 0 0 12,7 0 0 0,32 0 0 16,29 0 1 0,6 0 0 65535,6 0 0 0',
  IPv6:
    '18,32 0 0 20,7 0 0 0,32 0 0 36,29 0 13 0,32 0 0 16,7 0 0 0,32 0 0 32,29 0 9 0,' +
    '32 0 0 12,7 0 0 0,32 0 0 28,29 0 5 0,32 0 0 8,7 0 0 0,32 0 0 24,29 0 1 0,6 0 0 65535,6 0 0 0',
};

/** The bytecode that recognises a packet from an address to itself. */
export function hairpinProgram(family: Family): string {
  return programs[family];
}
