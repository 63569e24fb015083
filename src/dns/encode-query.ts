import { classIn, recordType } from './constants.ts';
import type { Name } from './name.ts';

export interface QueryFields {
  readonly id: number;
  /** Sent in this spelling. */
  readonly name: Name;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** The largest UDP reply that we take, for the OPT record. */
  readonly udpSize: number;
}

/** A question to an upstream: recursion desired, one OPT record without options (specification 7.6). */
export function encodeQuery({ id, name, type, dnssecOk, checkingDisabled, udpSize }: QueryFields): Uint8Array {
  const bytes = new Uint8Array(12 + name.length + 4 + 11);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(2, 0x0100 | (checkingDisabled ? 0x0010 : 0));
  view.setUint16(4, 1);
  view.setUint16(10, 1);
  for (let index = 0; index < name.length; index += 1) bytes[12 + index] = name.charCodeAt(index);
  const behind = 12 + name.length;
  view.setUint16(behind, type);
  view.setUint16(behind + 2, classIn);
  view.setUint16(behind + 5, recordType.OPT);
  view.setUint16(behind + 7, udpSize);
  view.setUint16(behind + 11, dnssecOk ? 0x8000 : 0);
  return bytes;
}
