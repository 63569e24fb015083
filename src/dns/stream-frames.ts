/** Room that a message gets before its octets are there: who announces much and sends little shall cost little. */
const firstRoom = 512;

/**
 * Cuts a stream into messages by the two-octet length before each (RFC 1035 4.2.2), however the stream was split on its
 * way. A message that came in one piece is not copied.
 */
export class FrameReader {
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Octets of the length that were read. */
  #prefix = 0;
  #length = 0;
  /** The beginning of a message whose end is to come. */
  #body: Uint8Array = new Uint8Array(0);
  #filled = 0;

  /** A message has begun that is not complete. */
  get isPartial(): boolean {
    return this.#prefix > 0;
  }

  /** Takes what came next. */
  push(chunk: Uint8Array): void {
    if (this.#at >= this.#chunk.length) {
      this.#chunk = chunk;
      this.#at = 0;
      return;
    }
    const rest = this.#chunk.subarray(this.#at);
    const both = new Uint8Array(rest.length + chunk.length);
    both.set(rest);
    both.set(chunk, rest.length);
    this.#chunk = both;
    this.#at = 0;
  }

  /** The next complete message, which may be empty; null where there is none yet. */
  next(): Uint8Array | null {
    for (; this.#prefix < 2; this.#prefix += 1) {
      const octet = this.#chunk[this.#at];
      if (octet === undefined) return null;
      this.#length = (this.#length << 8) | octet;
      this.#at += 1;
    }
    const missing = this.#length - this.#filled;
    const piece = this.#chunk.subarray(this.#at, this.#at + missing);
    this.#at += piece.length;
    if (piece.length < missing || this.#filled > 0) this.#keep(piece);
    if (piece.length < missing) return null;
    const message = this.#filled > 0 ? this.#body.subarray(0, this.#length) : piece;
    this.#prefix = 0;
    this.#length = 0;
    this.#filled = 0;
    this.#body = new Uint8Array(0);
    return message;
  }

  #keep(piece: Uint8Array): void {
    const filled = this.#filled + piece.length;
    if (filled > this.#body.length) {
      const larger = new Uint8Array(Math.min(this.#length, Math.max(firstRoom, 2 * filled)));
      larger.set(this.#body.subarray(0, this.#filled));
      this.#body = larger;
    }
    this.#body.set(piece, this.#filled);
    this.#filled = filled;
  }
}
