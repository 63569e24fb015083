/** True where the machine stores the low byte first, as every machine Waypost is built for does. */
export const hostIsLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Builds messages in one growing buffer. Numbers are in host order unless the name says `be`: netlink's own headers
 * are host order, most of what nfnetlink carries is network order.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, hostIsLittle);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, hostIsLittle);
  }

  be16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value);
  }

  be32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** Zero bytes up to a multiple of four, as both NLMSG_ALIGN and NLA_ALIGN want it. */
  align(): void {
    this.#reserve(alignUp(this.#length) - this.#length);
  }

  /** Overwrites a field of a header written earlier. */
  patchU16(at: number, value: number): void {
    this.#view.setUint16(at, value, hostIsLittle);
  }

  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, hostIsLittle);
  }

  /** What was written, without a copy: the writer must not be used any more. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room. Called before the buffer is looked at: it may be another one afterwards. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  #grow(): void {
    const bytes = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** The next multiple of four. */
export function alignUp(length: number): number {
  return (length + 3) & ~3;
}

/** A view of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes from `start` to before `end`, without a copy. */
export function bytesOf(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

/** Text up to a zero byte, or to the end. */
export function readText(view: DataView, start: number, end: number): string {
  const bytes = bytesOf(view, start, end);
  const zero = bytes.indexOf(0);
  return new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
}

export function readU16(view: DataView, at: number): number {
  return view.getUint16(at, hostIsLittle);
}

export function readU32(view: DataView, at: number): number {
  return view.getUint32(at, hostIsLittle);
}

export function readI32(view: DataView, at: number): number {
  return view.getInt32(at, hostIsLittle);
}
