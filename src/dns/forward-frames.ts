/** Puts the length that TCP wants in front of a message (RFC 1035 4.2.2), in one piece so that it goes in one segment. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  framed[0] = message.length >> 8;
  framed[1] = message.length & 0xff;
  framed.set(message, 2);
  return framed;
}

/** Cuts a stream into messages, wherever the segments were cut. */
export class StreamFrames {
  #chunks: Uint8Array[] = [];
  #length = 0;
  /** Octets without which there is nothing to be cut off. */
  #wanted = 2;

  push(chunk: Uint8Array, each: (message: Uint8Array) => void): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return;
    let rest = this.#chunks.length === 1 ? chunk : concatenate(this.#chunks, this.#length);
    let wanted = framedLength(rest);
    while (rest.length >= wanted) {
      each(rest.subarray(2, wanted));
      rest = rest.subarray(wanted);
      wanted = framedLength(rest);
    }
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    this.#wanted = wanted;
  }
}

/** Octets of the first message with its length; 2 where not even that has come. */
function framedLength(octets: Uint8Array): number {
  return octets.length < 2 ? 2 : 2 + (((octets[0] ?? 0) << 8) | (octets[1] ?? 0));
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
