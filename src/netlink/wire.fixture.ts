import { ByteWriter, viewOf } from './bytes.ts';
import { errnos } from './errno.ts';
import { messageFlags, readAnswer, readMessages, writeMessage } from './message.ts';
import type { Message } from './message.ts';
import type { Wire } from './wire.ts';

/** One thing that the kernel has to say: a datagram, or a negative error number. */
export type Said = Uint8Array | number;

/** A socket whose other end is a function. */
export interface ScriptedWire extends Wire {
  readonly sent: Message[];
  readonly closed: boolean;
  /** Datagrams sent on a thread of their own. */
  readonly asides: number;
}

/**
 * `answer` is given each message of each datagram and returns what is to be read next; an acknowledgement that the message does not
 * ask for is kept back, as the kernel does. `sendErrors` fail the first sends.
 */
export function createScriptedWire(
  answer: (message: Message, view: DataView) => readonly Said[],
  sendErrors: number[] = [],
): ScriptedWire {
  const queue: Said[] = [];
  const sent: Message[] = [];
  let closed = false;
  let asides = 0;
  const send = (bytes: Uint8Array): number => {
    const error = sendErrors.shift();
    if (error !== undefined) return error;
    const view = viewOf(bytes);
    for (const message of readMessages(view).messages) {
      sent.push(message);
      queue.push(...answer(message, view).filter((said) => isAskedFor(said, message)));
    }
    return 0;
  };
  return {
    sent,
    get closed() {
      return closed;
    },
    get asides() {
      return asides;
    },
    send,
    async sendAside(bytes) {
      asides += 1;
      // As on a thread: others have their turn before it is done.
      await Promise.resolve();
      return send(bytes);
    },
    receive(into) {
      const said = queue.shift();
      if (said === undefined) return -errnos.EAGAIN;
      if (typeof said === 'number') return said;
      into.set(said.subarray(0, into.length));
      return said.length;
    },
    close() {
      closed = true;
    },
  };
}

function isAskedFor(said: Said, { flags, sequence }: Message): boolean {
  if (typeof said === 'number' || (flags & messageFlags.acknowledge) !== 0) return true;
  const view = viewOf(said);
  const { messages } = readMessages(view);
  return (
    messages.length === 0 || messages.some((one) => one.sequence !== sequence || readAnswer(view, one).kind !== 'acknowledged')
  );
}

/** An acknowledgement, or with an error number a refusal. */
export function acknowledge(sequence: number, errno = 0): Uint8Array {
  return datagram({ type: 2, flags: 0x1_00, sequence }, (writer) => {
    writer.u32(-errno >>> 0);
    writer.bytes(new Uint8Array(16));
  });
}

/** The end of a dump, with its result. */
export function endDump(sequence: number, errno = 0): Uint8Array {
  return datagram({ type: 3, flags: 2, sequence }, (writer) => writer.u32(-errno >>> 0));
}

/** A datagram of one message. */
export function datagram(
  header: { readonly type: number; readonly flags: number; readonly sequence: number },
  body: (writer: ByteWriter) => void,
): Uint8Array {
  const writer = new ByteWriter();
  writeMessage(writer, header, body);
  return writer.finish();
}
