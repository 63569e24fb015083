/** Attributes carry numbers in the byte order of the machine. */
const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export function readU16(view: DataView, at: number): number {
  return view.getUint16(at, little);
}

export function readU32(view: DataView, at: number): number {
  return view.getUint32(at, little);
}

/** As a number: exact up to 2^53 - 1, which stands for all above. */
export function readU64(view: DataView, at: number): number {
  const low = readU32(view, little ? at : at + 4);
  const high = readU32(view, little ? at + 4 : at);
  return high === 0 ? low : Math.min(high * 2 ** 32 + low, Number.MAX_SAFE_INTEGER);
}

/** Text up to a zero byte, or to the end. */
export function readText(view: DataView, start: number, end: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
  const zero = bytes.indexOf(0);
  return new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
}
