/** Reads one command's output from a stream that goes on after it. */
export interface MarkerReader {
  /** Takes what arrived. */
  feed(chunk: Buffer): void;
  /** Resolves with the whole output once the marker was met. */
  readonly ended: Promise<Buffer>;
}

/**
 * The guest writes `marker`, which nobody can guess, behind the last byte of a command's output. `onData` gets the
 * output as it comes; only what may be the beginning of the marker is held back.
 */
export function createMarkerReader(marker: string, onData: (chunk: Buffer) => void): MarkerReader {
  const end = Buffer.from(marker);
  const parts: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  let held: Buffer = Buffer.alloc(0);
  const pass = (part: Buffer): void => {
    if (part.length === 0) return;
    parts.push(part);
    onData(part);
  };
  return {
    feed: (chunk) => {
      const joined = Buffer.concat([held, chunk]);
      const at = joined.indexOf(end);
      if (at >= 0) {
        pass(joined.subarray(0, at));
        resolve(Buffer.concat(parts));
        return;
      }
      const safe = Math.max(0, joined.length - end.length + 1);
      pass(joined.subarray(0, safe));
      held = joined.subarray(safe);
    },
    ended: promise,
  };
}
