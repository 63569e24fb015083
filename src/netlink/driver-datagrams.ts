import { closeSync, fstatSync, readdirSync } from 'node:fs';
import { addressBytes, fail, familyOf, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome } from '../model/mod.ts';
import { DatagramMemory, datagramSlots } from './datagram-memory.ts';
import { bufferOptions, hostInteger, reachLibc, setOption } from './driver-libc.ts';
import type { Libc, Option, Poll } from './driver-libc.ts';
import { errnoName, errnos } from './errno.ts';
import { familyNumbers, makeSocketName } from './socket-name.ts';

/**
 * An open UDP socket that takes and sends datagrams in batches. Slots hold what one `receive` took, with their octets in
 * `bytes`; entries are what is to be sent, of what was written over a slot. Negative results are error numbers; no call waits.
 */
export interface Datagrams {
  readonly port: number;
  /** Names the open file within this process, for {@link closeDescriptors}. No other ever has the same. */
  readonly descriptor: number;
  readonly bytes: Uint8Array;
  /** Of an address of the socket's family. */
  readonly octets: 4 | 16;
  /** Takes what has come, {@link datagramSlots} at most, into the slots from 0. Their number. */
  receive(): number;
  /** Where the octets of a slot begin; there is room for {@link datagramRoom}. */
  datagramAt(slot: number): number;
  /** Octets received, or -1 for a datagram that was cut off. */
  lengthOf(slot: number): number;
  /** Where the octets of the sender's address begin. */
  addressAt(slot: number): number;
  portOf(slot: number): number;
  /** Makes an entry of `length` octets in a slot: a reply to its sender, from the address that was asked. */
  stage(entry: number, slot: number, length: number): void;
  /** Sends entries. How many the kernel took; a refusal of the first is an error number. */
  send(first: number, count: number): number;
  /** A copy of the way back to the sender of a slot. */
  keepPath(slot: number): Uint8Array;
  /** Sends one reply. 1, or a negative error number. */
  sendLate(path: Uint8Array, reply: Uint8Array): number;
  /** Calls back from the event loop while there is something to receive, until closed. Called once at most. */
  watch(onReadable: () => void): void;
  close(): void;
}

export interface DatagramsOptions {
  readonly address: Address;
  /** 0: one of the kernel's choice. */
  readonly port: number;
  /** Several sockets share the address and port, and the kernel spreads the senders over them. */
  readonly reusePort: boolean;
}

/** SOCK_DGRAM and SOCK_STREAM, with SOCK_CLOEXEC. */
const socketTypes = { udp: 2 | 0o2_000_000, tcp: 1 | 0o2_000_000 } as const;
const dontWait = 0x40;

const reusePortOption: Option = { level: 1, option: 15, value: 1 };
/** IPV6_V6ONLY: IPv4 has sockets of its own. */
const onlyIpv6: Option = { level: 41, option: 26, value: 1 };
/** IPV6_FREEBIND: an address that is the node's by a route alone is refused to IPv6 sockets otherwise, unlike to those of IPv4. */
const bindFreely: Option = { level: 41, option: 78, value: 1 };
/** SO_REUSEADDR: connections of a listener before this one do not keep it from its port. */
const reuseAddress: Option = { level: 1, option: 2, value: 1 };
/** IP_PKTINFO and IPV6_RECVPKTINFO: tell the address that a datagram came to. */
const tellAddress: Readonly<Record<Family, Option>> = {
  IPv4: { level: 0, option: 8, value: 1 },
  IPv6: { level: 41, option: 49, value: 1 },
};
/** IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, PMTUDISC_OMIT: a forged ICMP error must not make replies fall to pieces. */
const ignorePathMtu: Readonly<Record<Family, Option>> = {
  IPv4: { level: 0, option: 10, value: 5 },
  IPv6: { level: 41, option: 23, value: 5 },
};
/** Bursts wait in the receive buffer; memory is used only by what waits. */
const buffers: readonly Option[] = [...bufferOptions(8, 33, 8 * 1024 * 1024), ...bufferOptions(7, 32, 4 * 1024 * 1024)];

/**
 * Opens a UDP socket in the network namespace of this process. Fails with `WP_NETLINK_FFI` where system calls are out of
 * reach, or with `WP_NETLINK_BIND`.
 */
export async function openDatagrams(options: DatagramsOptions): Promise<Outcome<Datagrams>> {
  const reached = await reachLibc();
  if (!reached.ok) return reached;
  const libc = reached.value;
  if (libc.pointerSize !== 8) return fail('WP_NETLINK_FFI', 'batches of datagrams need a 64-bit machine');
  const { address } = options;
  const family = familyOf(address);
  const isWildcard = addressBytes(address).every((byte) => byte === 0);
  const bound = bindSocket(libc, 'udp', options, isWildcard ? [tellAddress[family]] : []);
  if (!bound.ok) return bound;
  const fd = bound.value;
  const name = makeSocketName(address, options.port);
  for (const option of [...buffers, ignorePathMtu[family]]) setOption(libc, fd, option);
  libc.getsockname(fd, name, hostInteger(name.length));
  return succeed(
    datagramsOf(libc, fd, ((name[2] ?? 0) << 8) | (name[3] ?? 0), new DatagramMemory(libc.addressOf, family, isWildcard)),
  );
}

/**
 * Binds a TCP socket for Node to listen on, where an address may be the node's by a route alone. Gives its file number,
 * which is the caller's to close. Fails as {@link openDatagrams} does.
 */
export async function bindStream(options: DatagramsOptions): Promise<Outcome<number>> {
  const reached = await reachLibc();
  return reached.ok ? bindSocket(reached.value, 'tcp', options, [reuseAddress]) : reached;
}

function bindSocket(libc: Libc, kind: 'udp' | 'tcp', options: DatagramsOptions, more: readonly Option[]): Outcome<number> {
  const { address, port, reusePort } = options;
  const family = familyOf(address);
  const fd = libc.socket(familyNumbers[family], socketTypes[kind], 0);
  if (fd < 0) return refuse('open', kind, options, libc.errno());
  const needed = [...(reusePort ? [reusePortOption] : []), ...(family === 'IPv6' ? [onlyIpv6, bindFreely] : []), ...more];
  const name = makeSocketName(address, port);
  if (needed.every((option) => setOption(libc, fd, option)) && libc.bind(fd, name, name.length) === 0) return succeed(fd);
  const errno = libc.errno();
  libc.close(fd);
  return refuse('bind', kind, options, errno);
}

/**
 * Closes what is still open of the sockets of a worker thread that was ended by `terminate()`, which leaves no occasion to
 * do it itself. The names are inodes and not file numbers, which may have been given to other files since.
 */
export function closeDescriptors(descriptors: readonly number[]): void {
  if (descriptors.length === 0) return;
  const wanted = new Set(descriptors);
  for (const fd of readdirSync('/proc/self/fd').map(Number)) if (wanted.has(socketAt(fd))) closeSync(fd);
}

/** The inode of a socket; -1 for another file or none. */
function socketAt(fd: number): number {
  try {
    const found = fstatSync(fd);
    return found.isSocket() ? found.ino : -1;
  } catch {
    // Closed by another thread since the list was read, as the file that is that list is.
    return -1;
  }
}

/**
 * Sockets of this thread. A worker thread that ends by an exception leaves its files open, and the kernel would go on
 * giving a part of the questions to a socket that nobody reads.
 */
const openSockets = new Set<Pick<Datagrams, 'close'>>();
const closeAll = (): void => {
  for (const socket of openSockets) socket.close();
};

function keepUntilExit(socket: Datagrams): Datagrams {
  if (openSockets.size === 0) process.once('exit', closeAll);
  openSockets.add(socket);
  return socket;
}

function forget(socket: Datagrams): void {
  openSockets.delete(socket);
  if (openSockets.size === 0) process.off('exit', closeAll);
}

function datagramsOf(libc: Libc, fd: number, port: number, memory: DatagramMemory): Datagrams {
  let open = true;
  let poll: Poll | null = null;
  let used = datagramSlots;
  const { received, staged } = memory;
  const headerOf = (index: number): bigint => staged[index] ?? received;
  const datagrams: Datagrams = {
    port,
    descriptor: socketAt(fd),
    bytes: memory.bytes,
    octets: memory.octets,
    receive() {
      checkOpen(open);
      memory.reset(used);
      const count = libc.recvmmsg(fd, received, datagramSlots, dontWait, null);
      used = Math.max(count, 1);
      return count < 0 ? -libc.errno() : count;
    },
    datagramAt: (slot) => memory.datagramAt(slot),
    lengthOf: (slot) => memory.lengthOf(slot),
    addressAt: (slot) => memory.addressAt(slot),
    portOf: (slot) => memory.portOf(slot),
    stage: (entry, slot, length) => memory.stage(entry, slot, length),
    send(first, count) {
      checkOpen(open);
      const sent = libc.sendmmsg(fd, headerOf(first), Math.min(count, datagramSlots - first), dontWait);
      return sent < 0 ? -libc.errno() : sent;
    },
    keepPath: (slot) => memory.keepPath(slot),
    sendLate(path, reply) {
      checkOpen(open);
      if (!memory.stageLate(path, reply)) return -errnos.EMSGSIZE;
      return libc.sendmmsg(fd, headerOf(datagramSlots), 1, dontWait) < 0 ? -libc.errno() : 1;
    },
    watch(onReadable) {
      poll ??= libc.poll(fd, onReadable, true);
    },
    close() {
      if (!open) return;
      open = false;
      poll?.close();
      libc.close(fd);
      forget(datagrams);
    },
  };
  return keepUntilExit(datagrams);
}

/** The number of a closed socket may belong to another file by now. */
function checkOpen(open: boolean): void {
  if (!open) throw new TypeError('this UDP socket is closed');
}

function refuse(step: string, kind: 'udp' | 'tcp', { address, port }: DatagramsOptions, errno: number): ReturnType<typeof fail> {
  return fail('WP_NETLINK_BIND', `cannot ${step} ${kind.toUpperCase()} ${address} port ${port}: ${errnoName(errno)}`);
}
