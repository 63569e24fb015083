import { ByteWriter, viewOf } from './bytes.ts';

/** `struct sock_filter` instructions (uapi/linux/filter.h): load a word at an offset, jump if equal, return. */
const opcode = { loadWord: 0x20, jumpIfEqual: 0x15, return: 0x06 } as const;
/** Of `nlmsg_pid` in `struct nlmsghdr`. What the kernel tells of one request, be it several messages, has one sender. */
const senderOffset = 12;
/** How much of a datagram passes: nothing, or all of it. */
const verdict = { drop: 0, pass: 0xff_ff_ff_ff } as const;
/** Jumps are of at most 255 instructions; a process with more netlink sockets hears of the rest itself. */
const mostSenders = 250;

/**
 * A program of classic BPF for a netlink socket that hears multicast groups: datagrams about what these sockets did are
 * dropped. Eight octets for each instruction, at the beginning of a buffer of their own.
 */
export function filterOthers(senders: readonly number[]): Uint8Array<ArrayBuffer> {
  const known = senders.slice(0, mostSenders);
  const writer = new ByteWriter(8 * (known.length + 3));
  const write = (code: number, onTrue: number, value: number): void => {
    writer.u16(code);
    writer.u8(onTrue);
    writer.u8(0);
    writer.u32(value);
  };
  write(opcode.loadWord, 0, senderOffset);
  for (const [index, sender] of known.entries()) write(opcode.jumpIfEqual, known.length - index, asLoaded(sender));
  write(opcode.return, 0, verdict.pass);
  write(opcode.return, 0, verdict.drop);
  return Uint8Array.from(writer.finish());
}

/** Packets are in network order, so that is how a word is loaded; netlink's header is in that of the host. */
function asLoaded(port: number): number {
  const writer = new ByteWriter(4);
  writer.u32(port);
  return viewOf(writer.finish()).getUint32(0);
}
