import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';

export interface LineSplitter {
  /** Takes the next bytes; gives the lines they complete, without line ends. Blank lines are left out. */
  push(chunk: Uint8Array): Outcome<readonly Buffer[]>;
  /** Bytes of a line that has not ended. */
  pendingBytes(): number;
}

const newline = 0x0a;

/**
 * Cuts a byte stream into lines of at most `limit` bytes. Works on bytes, so a character cut by a
 * chunk border stays whole: 0x0a never occurs inside a multi-byte UTF-8 sequence (RFC 3629).
 * Fails with `WP_KUBE_TOO_LARGE`; the stream is of no use after that.
 */
export function createLineSplitter(limit: number): LineSplitter {
  let pieces: Buffer[] = [];
  let pending = 0;

  function complete(last: Buffer): Buffer {
    const line = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    pending = 0;
    return line;
  }

  return {
    pendingBytes: () => pending,
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const lines: Buffer[] = [];
      let start = 0;
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
        if (pending + end - start > limit) return tooLarge(limit);
        const line = complete(bytes.subarray(start, end));
        if (!isBlank(line)) lines.push(line);
        start = end + 1;
      }
      if (start < bytes.length) {
        pieces.push(bytes.subarray(start));
        pending += bytes.length - start;
      }
      return pending > limit ? tooLarge(limit) : succeed(lines);
    },
  };
}

function isBlank(line: Buffer): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}

function tooLarge(limit: number): Outcome<never> {
  return fail('WP_KUBE_TOO_LARGE', `the API server sent a watch event of more than ${limit} bytes`);
}
