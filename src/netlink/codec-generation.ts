import { walkAttributes } from './attributes.ts';
import { readText, readU32 } from './bytes.ts';
import { subsystems, writeNetfilterHeader } from './codec-batch.ts';
import type { ByteWriter } from './bytes.ts';
import type { Message } from './message.ts';

/** `NFT_MSG_NEWGEN` and `NFT_MSG_GETGEN` with their subsystem (uapi/linux/netfilter/nf_tables.h). */
export const generationTypes = { new: (subsystems.nftables << 8) | 15, get: (subsystems.nftables << 8) | 16 } as const;

/** `NFTA_GEN_*`. */
const attribute = { id: 1, processId: 2, processName: 3 } as const;

/** How often the rules of nftables have changed, and who did it the last time. */
export interface Generation {
  /** Counts up by one with every transaction of anyone in the network namespace. 32 bits, never 0. */
  readonly id: number;
  /** The thread that made the change, in the kernel's own pid namespace: not `process.pid` where a thread sent it. */
  readonly threadId: number;
  /** Name of that thread, at most 15 characters. */
  readonly threadName: string;
}

/** The payload that asks for the present generation. */
export function writeGenerationQuery(writer: ByteWriter): void {
  writeNetfilterHeader(writer, 0);
}

/** What a message of type `generationTypes.new` says, or null where it says too little. */
export function readGeneration(view: DataView, { start, end }: Message): Generation | null {
  let id: number | null = null;
  let threadId = 0;
  let threadName = '';
  walkAttributes(view, start + 4, end, (type, from, to) => {
    if (type === attribute.processName) threadName = readText(view, from, to);
    else if (to - from < 4) return;
    else if (type === attribute.id) id = view.getUint32(from);
    else if (type === attribute.processId) threadId = view.getUint32(from);
  });
  return id === null ? null : { id, threadId, threadName };
}

/** The port of the socket that made the change a message tells of; 0 in what the kernel did by itself. */
export function readSender(view: DataView, { start }: Message): number {
  return readU32(view, start - 4);
}
