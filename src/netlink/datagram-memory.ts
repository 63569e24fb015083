import type { Family } from '../model/mod.ts';
import { hostIsLittle } from './bytes.ts';

/** Datagrams that one system call takes or sends. */
export const datagramSlots = 64;
/** Octets of a datagram, received or sent; what is longer was cut off. */
export const datagramRoom = 4096;

/** A cache line more than the room: slots a whole page apart would push each other out of the same lines of the cache. */
const stride = datagramRoom + 64;
/** `struct mmsghdr` and `struct iovec` of the 64-bit ABIs, which glibc and musl lay out alike. */
const headerSize = 64;
const vectorSize = 16;
/** Room for a `struct sockaddr_in` or `sockaddr_in6`. */
const nameSize = 32;
/** Room for one control message. */
const controlSize = 64;

/** Offsets within a header, in octets. */
const nameField = 0;
const nameLengthField = 8;
const vectorField = 16;
const vectorCountField = 24;
const controlField = 32;
const controlLengthField = 40;
const flagsField = 48;
const lengthField = 56;

/** MSG_TRUNC in `msg_flags`: the datagram was longer than its slot. */
const cutOff = 0x20;
/** Data of a control message begin behind its header, CMSG_LEN(0). */
const controlData = 16;

/** Sizes and places that differ between the families. */
interface Shape {
  readonly octets: 4 | 16;
  readonly nameLength: number;
  /** Of the address within the name. */
  readonly addressAt: number;
  /** CMSG_SPACE of `in_pktinfo` or `in6_pktinfo`. */
  readonly controlLength: number;
  /** Of the index of the interface within the control message. */
  readonly interfaceAt: number;
}

const shapes: Readonly<Record<Family, Shape>> = {
  IPv4: { octets: 4, nameLength: 16, addressAt: 4, controlLength: 32, interfaceAt: controlData },
  IPv6: { octets: 16, nameLength: 28, addressAt: 8, controlLength: 40, interfaceAt: controlData + 16 },
};

/**
 * What `recvmmsg` and `sendmmsg` read and write: headers, vectors, addresses, control messages and the datagrams, all in
 * one piece of memory that does not move, with the pointers between them set once. A reply is written over the datagram that it
 * answers, whose address it borrows. One slot more than the calls take serves replies that come later.
 */
export class DatagramMemory {
  readonly bytes: Uint8Array;
  readonly octets: 4 | 16;
  /** Where the headers of the slots begin. */
  readonly received: bigint;
  /** Where the header of each entry is; a call may begin in the middle. The last is the one of {@link stageLate}. */
  readonly staged: readonly bigint[];

  readonly #words: Uint32Array;
  readonly #shape: Shape;
  readonly #withControl: boolean;
  readonly #base: bigint;
  readonly #staged: number;
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #datagrams: number;
  /** Whose address and datagram an entry to be sent has. */
  readonly #borrowed: Int32Array = new Int32Array(datagramSlots + 1).fill(-1);

  /** `withControl`: to each datagram belongs a control message that tells the address it came to. */
  constructor(addressOf: (memory: ArrayBuffer) => bigint, family: Family, withControl: boolean) {
    const all = datagramSlots + 1;
    this.#shape = shapes[family];
    this.octets = this.#shape.octets;
    this.#withControl = withControl;
    this.#staged = headerSize * all;
    this.#vectors = this.#staged + headerSize * all;
    this.#names = this.#vectors + 2 * vectorSize * all;
    this.#controls = this.#names + nameSize * all;
    this.#datagrams = this.#controls + controlSize * all;
    const memory = new ArrayBuffer(this.#datagrams + stride * all);
    this.bytes = new Uint8Array(memory);
    this.#words = new Uint32Array(memory);
    this.#base = addressOf(memory);
    this.received = this.#base;
    this.staged = Array.from({ length: all }, (_, entry) => this.#base + BigInt(this.#staged + headerSize * entry));
    for (let slot = 0; slot < all; slot += 1) this.#layOut(slot);
  }

  #layOut(slot: number): void {
    const received = headerSize * slot;
    const staged = this.#staged + headerSize * slot;
    const vector = this.#vectors + 2 * vectorSize * slot;
    this.#point(received + vectorField, vector);
    this.#point(staged + vectorField, vector + vectorSize);
    this.#point(vector, this.datagramAt(slot));
    this.#setSize(vector + 8, datagramRoom);
    this.#setSize(received + vectorCountField, 1);
    this.#setSize(staged + vectorCountField, 1);
    this.#point(received + nameField, this.#names + nameSize * slot);
    if (this.#withControl) this.#point(received + controlField, this.#controls + controlSize * slot);
    this.#words[(staged + nameLengthField) >> 2] = this.#shape.nameLength;
  }

  /** The kernel writes true lengths over the room there was: to be called before these are received into again. */
  reset(count: number): void {
    const words = this.#words;
    for (let slot = 0; slot < count; slot += 1) {
      const header = headerSize * slot;
      words[(header + nameLengthField) >> 2] = nameSize;
      if (this.#withControl) this.#setSize(header + controlLengthField, controlSize);
    }
  }

  datagramAt(slot: number): number {
    return this.#datagrams + stride * slot;
  }

  /** Where the octets of the sender's address begin. */
  addressAt(slot: number): number {
    return this.#names + nameSize * slot + this.#shape.addressAt;
  }

  /** Octets received, or -1 for a datagram that was cut off. */
  lengthOf(slot: number): number {
    const header = headerSize * slot;
    if (((this.#words[(header + flagsField) >> 2] ?? 0) & cutOff) !== 0) return -1;
    return this.#words[(header + lengthField) >> 2] ?? 0;
  }

  portOf(slot: number): number {
    const at = this.#names + nameSize * slot + 2;
    return ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0);
  }

  /** Makes an entry to be sent of what stands in a slot: to its sender, from the address that it asked. */
  stage(entry: number, slot: number, length: number): void {
    const header = this.#staged + headerSize * entry;
    const vector = this.#vectors + 2 * vectorSize * entry + vectorSize;
    this.#setSize(vector + 8, length);
    if (this.#borrowed[entry] !== slot) {
      this.#borrowed[entry] = slot;
      this.#point(vector, this.datagramAt(slot));
      this.#point(header + nameField, this.#names + nameSize * slot);
      if (this.#withControl) this.#point(header + controlField, this.#controls + controlSize * slot);
    }
    if (this.#withControl) this.#setSize(header + controlLengthField, this.#prepareControl(slot));
  }

  /** A copy of the way back to the sender of a slot. */
  keepPath(slot: number): Uint8Array {
    const name = this.#names + nameSize * slot;
    const length = this.#withControl ? this.#prepareControl(slot) : 0;
    const path = new Uint8Array(nameSize + length);
    path.set(this.bytes.subarray(name, name + nameSize));
    const control = this.#controls + controlSize * slot;
    path.set(this.bytes.subarray(control, control + length), nameSize);
    return path;
  }

  /** Fills the entry for late replies. False where the reply is too long. */
  stageLate(path: Uint8Array, reply: Uint8Array): boolean {
    if (reply.length > datagramRoom) return false;
    const slot = datagramSlots;
    this.bytes.set(reply, this.datagramAt(slot));
    this.bytes.set(path.subarray(0, nameSize), this.#names + nameSize * slot);
    this.bytes.set(path.subarray(nameSize), this.#controls + controlSize * slot);
    this.#setSize(headerSize * slot + controlLengthField, path.length - nameSize);
    this.stage(slot, slot, reply.length);
    return true;
  }

  /** Makes the control message of a received datagram that of its reply. Its length; 0 where there is none. */
  #prepareControl(slot: number): number {
    const seen = this.#words[this.#low(headerSize * slot + controlLengthField)] ?? 0;
    if (seen < this.#shape.controlLength) return 0;
    const control = this.#controls + controlSize * slot;
    const address = control + controlData;
    // The reply takes whatever way the routes say; but a link-local address means nothing without its interface.
    const linkLocal = this.octets === 16 && this.bytes[address] === 0xfe && ((this.bytes[address + 1] ?? 0) & 0xc0) === 0x80;
    if (!linkLocal) this.#words[(control + this.#shape.interfaceAt) >> 2] = 0;
    return this.#shape.controlLength;
  }

  #point(at: number, target: number): void {
    const pointer = this.#base + BigInt(target);
    this.#words[this.#low(at)] = Number(pointer & 0xff_ff_ff_ffn);
    this.#words[this.#low(at) ^ 1] = Number(pointer >> 32n);
  }

  /** A `size_t` whose upper half is zero and stays so. */
  #setSize(at: number, value: number): void {
    this.#words[this.#low(at)] = value;
  }

  /** The index of the lower half of a 64-bit number. */
  #low(at: number): number {
    return (at >> 2) + (hostIsLittle ? 0 : 1);
  }
}
