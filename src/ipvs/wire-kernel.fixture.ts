import { ByteWriter } from '../netlink/mod.ts';
import type { Wire } from '../netlink/mod.ts';

/** One thing that the kernel answers to a request. */
export type Said =
  | { readonly kind: 'acknowledge'; readonly errno?: number }
  | { readonly kind: 'data'; readonly body: (writer: ByteWriter) => void }
  /** The end of a dump. */
  | { readonly kind: 'end' }
  /** The receive buffer was too small: something was thrown away. */
  | { readonly kind: 'overrun' };

export interface WireKernel {
  readonly open: () => Promise<{ readonly ok: true; readonly value: Wire }>;
  /** Commands of IPVS in the order of their arrival. */
  readonly commands: readonly number[];
  readonly opened: number;
  readonly closed: number;
}

const familyId = 0x21;
const controller = 0x10;
/** `NLM_F_ACK`: refusals come without it too. */
const acknowledgeFlag = 0x4;
const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The controller's answer: the number of the family. */
const named: Said = {
  kind: 'data',
  body: (writer) => {
    writer.u32(0x01);
    writer.u16(6);
    writer.u16(1);
    writer.u16(familyId);
    writer.align();
  },
};

/**
 * The far end of generic netlink sockets: knows the family IPVS unless `hasFamily` says no, and answers its commands
 * with what `answer` gives.
 */
export function createWireKernel(answer: (command: number) => readonly Said[], hasFamily = (): boolean => true): WireKernel {
  const commands: number[] = [];
  const counts = { opened: 0, closed: 0 };

  const respond = (type: number, command: number): readonly Said[] => {
    if (type !== controller) {
      commands.push(command);
      return answer(command);
    }
    if (!hasFamily()) return [{ kind: 'acknowledge', errno: 2 }];
    return [named, { kind: 'acknowledge' }];
  };

  const openOne = (): Wire => {
    const queue: (Uint8Array | number)[] = [];
    counts.opened += 1;
    const wire: Wire = {
      send(bytes) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        for (let at = 0; at < bytes.length;) {
          const sequence = view.getUint32(at + 8, little);
          const asks = (view.getUint16(at + 6, little) & acknowledgeFlag) !== 0;
          for (const said of respond(view.getUint16(at + 4, little), view.getUint8(at + 16))) {
            if (said.kind !== 'acknowledge' || said.errno !== undefined || asks) queue.push(encode(said, sequence));
          }
          at += (view.getUint32(at, little) + 3) & ~3;
        }
        return 0;
      },
      sendAside: async (bytes) => wire.send(bytes),
      receive(into) {
        const said = queue.shift() ?? -11;
        if (typeof said === 'number') return said;
        into.set(said);
        return said.length;
      },
      close() {
        counts.closed += 1;
      },
    };
    return wire;
  };

  return {
    commands,
    get opened() {
      return counts.opened;
    },
    get closed() {
      return counts.closed;
    },
    open: async () => ({ ok: true, value: openOne() }),
  };
}

function encode(said: Said, sequence: number): Uint8Array | number {
  if (said.kind === 'overrun') return -105;
  const writer = new ByteWriter();
  writer.u32(0);
  writer.u16(said.kind === 'acknowledge' ? 2 : said.kind === 'end' ? 3 : familyId);
  writer.u16(said.kind === 'acknowledge' ? 0x1_00 : 0);
  writer.u32(sequence);
  writer.u32(0);
  if (said.kind === 'data') said.body(writer);
  else writer.u32(said.kind === 'acknowledge' ? -(said.errno ?? 0) >>> 0 : 0);
  if (said.kind === 'acknowledge') writer.bytes(new Uint8Array(16));
  writer.patchU32(0, writer.length);
  return writer.finish();
}
