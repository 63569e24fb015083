import { writeAttribute } from './attributes.ts';
import type { ByteWriter } from './bytes.ts';
import { errnos } from './errno.ts';
import { messageFlags, writeMessage } from './message.ts';
import type { Refusal } from './message.ts';

/** `NFNL_MSG_BATCH_*` and `NFNL_BATCH_GENID` (uapi/linux/netfilter/nfnetlink.h). */
const batchType = { begin: 0x10, end: 0x11 } as const;
const generationAttribute = 1;

/** Which part of nfnetlink a batch is for (`NFNL_SUBSYS_*`), and in network order whatever the machine's is. */
export const subsystems = { nftables: 10 } as const;

/** Writes `struct nfgenmsg`, which begins every message of nfnetlink. `family` is an AF or NFPROTO number. */
export function writeNetfilterHeader(writer: ByteWriter, family: number, resource = 0): void {
  writer.u8(family);
  writer.u8(0);
  writer.be16(resource);
}

/** Opens a batch. With a generation the kernel refuses it with ERESTART if the rules have changed since. */
export function writeBatchBegin(writer: ByteWriter, sequence: number, subsystem: number, generation: number | null): void {
  writeMessage(writer, { type: batchType.begin, flags: messageFlags.request, sequence }, () => {
    writeNetfilterHeader(writer, 0, subsystem);
    if (generation !== null) writeAttribute(writer, generationAttribute, () => writer.be32(generation));
  });
}

/** Closes a batch. Without it the kernel would apply nothing and say nothing. */
export function writeBatchEnd(writer: ByteWriter, sequence: number, subsystem: number): void {
  writeMessage(writer, { type: batchType.end, flags: messageFlags.request, sequence }, () =>
    writeNetfilterHeader(writer, 0, subsystem),
  );
}

/** What became of a transaction, which is applied as a whole or not at all. */
export type BatchVerdict =
  | { readonly kind: 'done' }
  /** Not applied: the generation that was given is not the present one any more. */
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'refused';
      /** What the kernel minded, by index of the message. */
      readonly refusals: readonly { readonly index: number; readonly refusal: Refusal }[];
      /** What it had against the batch itself, for example a lack of privileges or memory. */
      readonly batch: Refusal | null;
      /** False where there was no room for all that the kernel had to say. */
      readonly complete: boolean;
    };

/**
 * Judges a batch by what the kernel said to it, `index` -1 being its beginning and `count` its end. A kernel that said
 * nothing has applied it: acknowledgements are not asked for, since older kernels give none for a batch.
 */
export function judgeBatch(
  said: readonly { readonly index: number; readonly refusal: Refusal }[],
  count: number,
  overrun: boolean,
): BatchVerdict {
  const refusals = said.filter(({ index }) => index >= 0 && index < count);
  const batch = said.find(({ index }) => index === -1 || index === count)?.refusal ?? null;
  if (batch?.errno === errnos.ERESTART) return { kind: 'stale' };
  if (refusals.length === 0 && batch === null && !overrun) return { kind: 'done' };
  return { kind: 'refused', refusals, batch, complete: !overrun };
}
