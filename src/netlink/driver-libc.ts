import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { ByteWriter } from './bytes.ts';
import { errnoName } from './errno.ts';
import type { Wire } from './wire.ts';

/**
 * The whole of what is called in C: six functions of libc, by koffi. No structures and no callbacks; every length is
 * that of the buffer it goes with, since a length above the buffer's is the one thing that could hurt this process.
 */
interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  close(fd: number): number;
  errno(): number;
}

/** Protocols of AF_NETLINK. */
export const netlinkProtocol = { route: 0, netfilter: 12, generic: 16 } as const;

const family = 16;
/** SOCK_RAW with SOCK_CLOEXEC: a tool that is started must not inherit the socket. */
const socketType = 3 | 0o2_000_000;
const dontWait = 0x40;
/** MSG_TRUNC: tell the true length of a datagram that was cut off. */
const tellLength = 0x20;

const options = [
  // SOL_NETLINK: NETLINK_CAP_ACK, do not repeat the request in a refusal; NETLINK_EXT_ACK, but say what is wrong with it.
  { level: 270, option: 10, value: 1 },
  { level: 270, option: 11, value: 1 },
  // SO_RCVBUFFORCE: many refusals of one batch have to fit; the kernel allots only what is used.
  { level: 1, option: 33, value: 8 * 1024 * 1024 },
] as const;

let loading: Promise<Outcome<Libc>> | null = null;

/** Opens a netlink socket in the network namespace of this process. Fails with `WP_NETLINK_FFI` or `WP_NETLINK_SOCKET`. */
export async function openWire(protocol: number): Promise<Outcome<Wire>> {
  loading ??= loadLibc();
  const libc = await loading;
  return libc.ok ? openSocket(libc.value, protocol) : libc;
}

/** Loaded when first needed: an agent on a platform without a binary of koffi does everything else. */
async function loadLibc(): Promise<Outcome<Libc>> {
  try {
    const { default: koffi } = await import('koffi');
    // The symbols this process has already, so that it is the libc that Node itself runs on: glibc or musl.
    const library = koffi.load(null);
    return succeed({
      socket: library.func('int socket(int, int, int)'),
      bind: library.func('int bind(int, const uint8_t *, uint32_t)'),
      setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
      send: library.func('intptr_t send(int, const uint8_t *, size_t, int)'),
      recv: library.func('intptr_t recv(int, _Out_ uint8_t *, size_t, int)'),
      close: library.func('int close(int)'),
      errno: () => koffi.errno(),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return fail('WP_NETLINK_FFI', `system calls are out of reach, so no netlink: koffi does not load here: ${reason}`, cause);
  }
}

function openSocket(libc: Libc, protocol: number): Outcome<Wire> {
  const fd = libc.socket(family, socketType, protocol);
  if (fd < 0) return socketProblem('open', libc.errno());
  const address = makeAddress();
  if (libc.bind(fd, address, address.length) < 0) {
    const errno = libc.errno();
    libc.close(fd);
    return socketProblem('bind', errno);
  }
  for (const { level, option, value } of options) {
    const bytes = hostInteger(value);
    // Each makes answers better; an old kernel that lacks one still answers.
    libc.setsockopt(fd, level, option, bytes, bytes.length);
  }
  return succeed(wireOf(libc, fd));
}

function wireOf(libc: Libc, fd: number): Wire {
  let open = true;
  const check = (): void => {
    // The number may belong to another file by now.
    if (!open) throw new TypeError('this netlink socket is closed');
  };
  return {
    send(bytes) {
      check();
      return libc.send(fd, bytes, bytes.length, dontWait) < 0 ? -libc.errno() : 0;
    },
    receive(into) {
      check();
      const length = libc.recv(fd, into, into.length, dontWait | tellLength);
      return length < 0 ? -libc.errno() : length;
    },
    close() {
      if (open) libc.close(fd);
      open = false;
    },
  };
}

/** `struct sockaddr_nl`: a port of the kernel's choice, no multicast groups. */
function makeAddress(): Uint8Array {
  const writer = new ByteWriter(12);
  writer.u16(family);
  writer.u16(0);
  writer.u32(0);
  writer.u32(0);
  return writer.finish();
}

function hostInteger(value: number): Uint8Array {
  const writer = new ByteWriter(4);
  writer.u32(value);
  return writer.finish();
}

function socketProblem(step: string, errno: number): Outcome<Wire> {
  return fail('WP_NETLINK_SOCKET', `cannot ${step} a netlink socket: ${errnoName(errno)}`);
}
