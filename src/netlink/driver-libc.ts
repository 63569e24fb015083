import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { ByteWriter, hostIsLittle, readU32, viewOf } from './bytes.ts';
import { errnoName } from './errno.ts';
import { startPoll } from './driver-poll.ts';
import { filterOthers } from './socket-filter.ts';
import type { Ear, Wire } from './wire.ts';

/**
 * The whole of what is called in C: thirteen functions of libc, by koffi, and its binding of `uv_poll`. No structures; every
 * length is that of the buffer it goes with, since a length above the buffer's is the one thing that could hurt this process.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  /** `send` on a thread of koffi's. 0, or a negative error number. */
  sendAside(fd: number, bytes: Uint8Array, length: number, flags: number): Promise<number>;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  /** `headers`: `struct mmsghdr` for each of `count` datagrams. Their pointers are what {@link addressOf} gave. */
  recvmmsg(fd: number, headers: bigint, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, headers: bigint, count: number, flags: number): number;
  epollCreate(flags: number): number;
  /** `event`: a `struct epoll_event`. */
  epollControl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  /** `events`: room for `count` of them. */
  epollWait(epoll: number, events: Uint8Array, count: number, timeout: number): number;
  close(fd: number): number;
  errno(): number;
  /**
   * Where the memory of an `ArrayBuffer` is. V8 keeps it outside of its heap, so it stays there for as long as somebody
   * holds the buffer; Node's own reads and writes rely on that.
   */
  addressOf(memory: ArrayBuffer): bigint;
  /** Octets of a pointer. */
  readonly pointerSize: number;
  /** Calls back while the file is readable or has an error. The process ends in spite of it unless it `holds`. */
  poll(fd: number, onReadable: () => void, holds: boolean): Poll;
}

export interface Poll {
  close(): void;
}

/** Protocols of AF_NETLINK. */
export const netlinkProtocol = { route: 0, netfilter: 12, generic: 16 } as const;

const family = 16;
/** SOCK_RAW with SOCK_CLOEXEC: a tool that is started must not inherit the socket. */
const socketType = 3 | 0o2_000_000;
const dontWait = 0x40;
/** MSG_TRUNC: tell the true length of a datagram that was cut off. */
const tellLength = 0x20;

export interface Option {
  readonly level: number;
  readonly option: number;
  readonly value: number;
}

const socketLevel = 1;
const netlinkLevel = 270;
/** NETLINK_ADD_MEMBERSHIP: hear a multicast group. */
const addMembership = 1;
/** SO_ATTACH_FILTER. */
const attachFilter = 26;

/** The kernel allots of a buffer only what is used. The plain option first: the other needs privileges in the first user namespace. */
export const bufferOptions = (plain: number, force: number, value: number): readonly Option[] => [
  { level: socketLevel, option: plain, value },
  { level: socketLevel, option: force, value },
];

const options: readonly Option[] = [
  // NETLINK_CAP_ACK, do not repeat the request in a refusal; NETLINK_EXT_ACK, but say what is wrong with it.
  { level: netlinkLevel, option: 10, value: 1 },
  { level: netlinkLevel, option: 11, value: 1 },
  // SO_RCVBUF and SO_RCVBUFFORCE: many refusals of one batch have to fit.
  ...bufferOptions(8, 33, 8 * 1024 * 1024),
  // SO_SNDBUF and SO_SNDBUFFORCE: a transaction is one datagram, however long.
  ...bufferOptions(7, 32, 64 * 1024 * 1024),
];
/** NETLINK_GET_STRICT_CHK: filter route dumps in the kernel. */
const routeOption: Option = { level: netlinkLevel, option: 12, value: 1 };

let loading: Promise<Outcome<Libc>> | null = null;

/** Of the wires that are open on this thread. */
const ownPorts = new Set<number>();

/** Whether a socket of this thread has that number in its network namespace. */
export function isOwnPort(port: number): boolean {
  return ownPorts.has(port);
}

/** What a thread tells those that it starts: koffi is loaded and stays. */
const held = 'waypost: koffi is held';

/** The functions above. Fails with `WP_NETLINK_FFI`. */
export function reachLibc(): Promise<Outcome<Libc>> {
  loading ??= loadLibc();
  return loading;
}

/**
 * To be called on the main thread, and waited for, before worker threads are started that open sockets through here: they
 * fail with `WP_NETLINK_FFI` otherwise. Node unloads koffi with the last thread that loaded it, and what that thread then
 * does at its end kills the process. The main thread ends last.
 */
export async function holdLibc(): Promise<Outcome<null>> {
  const libc = await reachLibc();
  return libc.ok ? succeed(null) : libc;
}

/** Opens a netlink socket in the network namespace of this process. Fails with `WP_NETLINK_FFI` or `WP_NETLINK_SOCKET`. */
export async function openWire(protocol: number): Promise<Outcome<Wire>> {
  const libc = await reachLibc();
  if (!libc.ok) return libc;
  const opened = openSocket(libc.value, protocol, protocol === netlinkProtocol.route ? [...options, routeOption] : options);
  return opened.ok ? succeed(wireOf(libc.value, opened.value)) : opened;
}

/**
 * Opens a socket that hears multicast groups (`RTNLGRP_*`, `NFNLGRP_*`), with `othersOnly` without what the wires that are open
 * now do themselves: the kernel does not even wake us for that. Fails as {@link openWire} does.
 */
export async function openEar(protocol: number, groups: readonly number[], othersOnly = false): Promise<Outcome<Ear>> {
  const libc = await reachLibc();
  if (!libc.ok) return libc;
  const opened = openSocket(libc.value, protocol, options);
  if (!opened.ok) return opened;
  const fd = opened.value;
  // A kernel without it tells more than is wanted, and whoever hears it has to look at the sender.
  if (othersOnly) attachTo(libc.value, fd, filterOthers([...ownPorts]));
  for (const group of groups) {
    if (setOption(libc.value, fd, { level: netlinkLevel, option: addMembership, value: group })) continue;
    const errno = libc.value.errno();
    libc.value.close(fd);
    return socketProblem(`join multicast group ${group} of`, errno);
  }
  return succeed(earOf(libc.value, fd));
}

/** Loaded when first needed: an agent on a platform without a binary of koffi does everything else. */
async function loadLibc(): Promise<Outcome<Libc>> {
  if (!isMainThread && getEnvironmentData(held) !== true) {
    return fail('WP_NETLINK_FFI', 'system calls are out of reach of this thread: the main thread did not load koffi before it');
  }
  try {
    const { default: koffi } = await import('koffi');
    setEnvironmentData(held, true);
    // The symbols this process has already, so that it is the libc that Node itself runs on: glibc or musl.
    const library = koffi.load(null);
    const send = library.func('intptr_t send(int, const uint8_t *, size_t, int)');
    return succeed({
      socket: library.func('int socket(int, int, int)'),
      bind: library.func('int bind(int, const uint8_t *, uint32_t)'),
      connect: library.func('int connect(int, const uint8_t *, uint32_t)'),
      getsockname: library.func('int getsockname(int, _Out_ uint8_t *, _Inout_ uint8_t *)'),
      setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
      send,
      sendAside: (fd, bytes, length, flags) =>
        new Promise((resolve, reject) => {
          send.async(fd, bytes, length, flags, (error: unknown, sent: number) => {
            // The error number is the one of the thread that called, and koffi hands it over for this callback only.
            const errno = koffi.errno();
            if (error !== null) reject(error);
            else resolve(sent < 0 ? -errno : 0);
          });
        }),
      recv: library.func('intptr_t recv(int, _Out_ uint8_t *, size_t, int)'),
      recvmmsg: library.func('int recvmmsg(int, void *, unsigned int, int, void *)'),
      sendmmsg: library.func('int sendmmsg(int, void *, unsigned int, int)'),
      epollCreate: library.func('int epoll_create1(int)'),
      epollControl: library.func('int epoll_ctl(int, int, int, const uint8_t *)'),
      epollWait: library.func('int epoll_wait(int, _Out_ uint8_t *, int, int)'),
      close: library.func('int close(int)'),
      errno: () => koffi.errno(),
      addressOf: (memory) => koffi.address(memory),
      pointerSize: koffi.sizeof('void *'),
      poll: (fd, onReadable, holds) => startPoll(koffi.node.poll, fd, onReadable, holds),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return fail(
      'WP_NETLINK_FFI',
      `system calls are out of reach, so neither netlink nor batches of datagrams: koffi does not load here: ${reason}`,
      cause,
    );
  }
}

function openSocket(libc: Libc, protocol: number, wanted: readonly Option[]): Outcome<number> {
  const fd = libc.socket(family, socketType, protocol);
  if (fd < 0) return socketProblem('open', libc.errno());
  const address = makeAddress();
  if (libc.bind(fd, address, address.length) < 0) {
    const errno = libc.errno();
    libc.close(fd);
    return socketProblem('bind', errno);
  }
  // Each makes answers better; an old kernel that lacks one still answers.
  for (const option of wanted) setOption(libc, fd, option);
  return succeed(fd);
}

export function setOption(libc: Libc, fd: number, { level, option, value }: Option): boolean {
  const bytes = hostInteger(value);
  return libc.setsockopt(fd, level, option, bytes, bytes.length) === 0;
}

/** `struct sock_fprog`: how many instructions, and where they are. The kernel copies them. */
function attachTo(libc: Libc, fd: number, program: Uint8Array<ArrayBuffer>): void {
  const value = new Uint8Array(2 * libc.pointerSize);
  const view = viewOf(value);
  view.setUint16(0, program.length / 8, hostIsLittle);
  const address = libc.addressOf(program.buffer);
  if (libc.pointerSize === 8) view.setBigUint64(8, address, hostIsLittle);
  else view.setUint32(4, Number(address), hostIsLittle);
  libc.setsockopt(fd, socketLevel, attachFilter, value, value.length);
}

function wireOf(libc: Libc, fd: number): Wire {
  let open = true;
  let sending = false;
  const port = portOf(libc, fd);
  ownPorts.add(port);
  return {
    send(bytes) {
      checkOpen(open);
      return libc.send(fd, bytes, bytes.length, dontWait) < 0 ? -libc.errno() : 0;
    },
    async sendAside(bytes) {
      checkOpen(open);
      if (sending) throw new TypeError('this netlink socket is sending already');
      sending = true;
      try {
        return await libc.sendAside(fd, bytes, bytes.length, dontWait);
      } finally {
        sending = false;
        if (!open) libc.close(fd);
      }
    },
    receive(into) {
      checkOpen(open);
      return receive(libc, fd, into);
    },
    close() {
      // While a thread uses the number it must not be given to another file.
      if (open && !sending) libc.close(fd);
      open = false;
      ownPorts.delete(port);
    },
  };
}

function earOf(libc: Libc, fd: number): Ear {
  let open = true;
  let poll: Poll | null = null;
  return {
    receive(into) {
      checkOpen(open);
      return receive(libc, fd, into);
    },
    watch(onReadable) {
      checkOpen(open);
      poll ??= libc.poll(fd, onReadable, false);
    },
    close() {
      poll?.close();
      if (open) libc.close(fd);
      open = false;
    },
  };
}

function receive(libc: Libc, fd: number, into: Uint8Array): number {
  const length = libc.recv(fd, into, into.length, dontWait | tellLength);
  return length < 0 ? -libc.errno() : length;
}

/** The number of a closed socket may belong to another file by now. */
function checkOpen(open: boolean): void {
  if (!open) throw new TypeError('this netlink socket is closed');
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

/** `nl_pid` of the socket's own address. */
function portOf(libc: Libc, fd: number): number {
  const address = makeAddress();
  return libc.getsockname(fd, address, hostInteger(address.length)) < 0 ? 0 : readU32(viewOf(address), 4);
}

export function hostInteger(value: number): Uint8Array {
  const writer = new ByteWriter(4);
  writer.u32(value);
  return writer.finish();
}

function socketProblem(step: string, errno: number): ReturnType<typeof fail> {
  return fail('WP_NETLINK_SOCKET', `cannot ${step} a netlink socket: ${errnoName(errno)}`);
}
