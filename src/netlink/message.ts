import { walkAttributes } from './attributes.ts';
import { alignUp, readI32, readText, readU16, readU32 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';

/** Flags of `struct nlmsghdr` (uapi/linux/netlink.h). */
export const messageFlags = {
  request: 0x1,
  acknowledge: 0x4,
  /** NLM_F_ROOT and NLM_F_MATCH. */
  dump: 0x3_00,
  /** The table changed during a dump: what was listed may lack or repeat entries. */
  dumpInterrupted: 0x10,
  replace: 0x1_00,
  exclusive: 0x2_00,
  create: 0x4_00,
  append: 0x8_00,
} as const;

/** Control messages; the types below 16 are netlink's own. */
const controlType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** Flags of an error message: the request was cut off after its header; attributes follow. */
const cappedFlag = 0x1_00;
const attributesFlag = 0x2_00;

/** `NLMSGERR_ATTR_*`. */
const errorAttribute = { text: 1, offset: 2, missingType: 5 } as const;

const headerLength = 16;

export interface RequestHeader {
  readonly type: number;
  readonly flags: number;
  /** Repeated in every answer. */
  readonly sequence: number;
}

/** Writes a message whose payload `body` writes. The sending port is left to the kernel. */
export function writeMessage(writer: ByteWriter, header: RequestHeader, body: (writer: ByteWriter) => void): void {
  const start = writer.length;
  writer.u32(0);
  writer.u16(header.type);
  writer.u16(header.flags);
  writer.u32(header.sequence);
  writer.u32(0);
  body(writer);
  writer.patchU32(start, writer.length - start);
  writer.align();
}

/** One message of a datagram. `start` and `end` are the payload's offsets in the view it was read from. */
export interface Message extends RequestHeader {
  readonly start: number;
  readonly end: number;
}

/** The messages of a datagram, and whether its bytes were used up by them. */
export interface Datagram {
  readonly messages: readonly Message[];
  readonly whole: boolean;
}

/** Cuts a datagram into messages. */
export function readMessages(view: DataView): Datagram {
  const messages: Message[] = [];
  let at = 0;
  while (at + headerLength <= view.byteLength) {
    const length = readU32(view, at);
    if (length < headerLength || at + length > view.byteLength) return { messages, whole: false };
    messages.push({
      type: readU16(view, at + 4),
      flags: readU16(view, at + 6),
      sequence: readU32(view, at + 8),
      start: at + headerLength,
      end: at + length,
    });
    at += alignUp(length);
  }
  return { messages, whole: at >= view.byteLength };
}

/** What the kernel adds to a refusal (extended acknowledgement). */
export interface Refusal {
  /** Positive errno. */
  readonly errno: number;
  /** The kernel's own sentence, or empty. */
  readonly text: string;
  /** Offset of the offending attribute in the request, header included; null where the kernel names none. */
  readonly offset: number | null;
  /** Type of an attribute that was missing, or null. */
  readonly missing: number | null;
}

/** What a message means for the request that it answers. */
export type Answer =
  | { readonly kind: 'data' }
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** End of a dump, refused or not. */
  | { readonly kind: 'done'; readonly refusal: Refusal | null }
  /** Says nothing. */
  | { readonly kind: 'idle' }
  /** The kernel had no room for all it had to say. */
  | { readonly kind: 'lost' };

/** Tells control messages from data. A control message too short for its own fields counts as `lost`. */
export function readAnswer(view: DataView, message: Message): Answer {
  switch (message.type) {
    case controlType.noop:
      return { kind: 'idle' };
    case controlType.overrun:
      return { kind: 'lost' };
    case controlType.error: {
      const refusal = readRefusal(view, message);
      if (refusal === null) return { kind: 'lost' };
      return refusal.errno === 0 ? { kind: 'acknowledged' } : { kind: 'refused', refusal };
    }
    case controlType.done:
      // Only some dumps give a result; it is negative for a dump that failed on its way.
      return { kind: 'done', refusal: readDone(view, message) };
    default:
      return { kind: 'data' };
  }
}

function readRefusal(view: DataView, { start, end, flags }: Message): Refusal | null {
  if (end - start < 4 + headerLength) return null;
  const request = start + 4;
  const echoed = (flags & cappedFlag) === 0 ? alignUp(Math.max(headerLength, readU32(view, request))) : headerLength;
  return readRefusalAt(view, start, request + echoed, end, flags);
}

function readDone(view: DataView, { start, end, flags }: Message): Refusal | null {
  if (end - start < 4) return null;
  const refusal = readRefusalAt(view, start, start + 4, end, flags);
  return refusal.errno === 0 ? null : refusal;
}

function readRefusalAt(view: DataView, start: number, attributes: number, end: number, flags: number): Refusal {
  let text = '';
  let offset: number | null = null;
  let missing: number | null = null;
  if ((flags & attributesFlag) !== 0) {
    walkAttributes(view, attributes, end, (type, from, to) => {
      if (type === errorAttribute.text) text = readText(view, from, to);
      else if (to - from < 4) return;
      else if (type === errorAttribute.offset) offset = readU32(view, from);
      else if (type === errorAttribute.missingType) missing = readU32(view, from);
    });
  }
  return { errno: Math.abs(readI32(view, start)), text, offset, missing };
}
