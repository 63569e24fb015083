import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { ByteWriter } from './bytes.ts';
import { reachLibc } from './driver-libc.ts';
import { errnoName } from './errno.ts';

/** Sends whole Ethernet frames as they are (packet(7)). It receives none. */
export interface FrameSender {
  /** Sends on the interface of that number. Fails with `WP_NETLINK_FRAME`. No call waits. */
  send(index: number, frame: Uint8Array): Outcome<void>;
}

/** AF_PACKET; SOCK_RAW with SOCK_CLOEXEC. */
const family = 17;
const socketType = 3 | 0o2_000_000;
const dontWait = 0x40;

/** Fails with `WP_NETLINK_FFI` where system calls are out of reach. */
export async function openFrames(): Promise<Outcome<FrameSender>> {
  const reached = await reachLibc();
  if (!reached.ok) return reached;
  const libc = reached.value;
  const refuse = (step: string): Outcome<never> =>
    fail('WP_NETLINK_FRAME', `cannot ${step} a packet socket: ${errnoName(libc.errno())}`);
  return succeed({
    send(index, frame) {
      // Opened for a frame, which is rare: nothing is left open, and protocol 0 hears nothing.
      const fd = libc.socket(family, socketType, 0);
      if (fd < 0) return refuse('open');
      const name = nameInterface(index);
      const outcome =
        libc.bind(fd, name, name.length) < 0
          ? refuse(`bind to interface ${index}`)
          : libc.send(fd, frame, frame.length, dontWait) < 0
            ? refuse(`send ${frame.length} octets on interface ${index} by`)
            : succeed(undefined);
      libc.close(fd);
      return outcome;
    },
  });
}

/** `struct sockaddr_ll` of an interface. */
function nameInterface(index: number): Uint8Array {
  const writer = new ByteWriter(20);
  writer.u16(family);
  writer.be16(0);
  writer.u32(index);
  writer.bytes(new Uint8Array(12));
  return writer.finish();
}
