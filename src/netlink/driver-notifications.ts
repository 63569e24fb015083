import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { viewOf } from './bytes.ts';
import { readSender } from './codec-generation.ts';
import { isOwnPort, openEar } from './driver-libc.ts';
import { errnos } from './errno.ts';
import { readMessages } from './message.ts';
import type { Message } from './message.ts';
import { socketFailure } from './problem.ts';
import type { Ear } from './wire.ts';

/** Something the kernel told, or failed to. */
export type Notification =
  /** The view is good only during the call. */
  | { readonly kind: 'message'; readonly view: DataView; readonly message: Message }
  /** Notifications were lost: whoever keeps a picture of the kernel has to read everything again. */
  | { readonly kind: 'overrun' }
  /** There will be no more. */
  | { readonly kind: 'failed'; readonly problem: Problem };

export interface NotificationOptions {
  /** One of `netlinkProtocol`. */
  readonly protocol: number;
  /** Multicast groups of that protocol. */
  readonly groups: readonly number[];
  /** Tells nothing of what sockets of this thread did. */
  readonly othersOnly?: boolean;
  /** Opens the socket; for tests. */
  readonly open?: (protocol: number, groups: readonly number[], othersOnly: boolean) => Promise<Outcome<Ear>>;
}

/** An open subscription; `close` may be called at any time, also by the receiver. */
export interface Subscription extends Disposable {
  close(): void;
}

/** The longest message to listeners is one page; the kernel lets a datagram grow to two. */
const bufferLength = 32 * 1024;
/** Datagrams taken before others have their turn. */
const mostAtOnce = 64;

/**
 * Hears multicast groups from the event loop: no thread waits, nothing is asked again and again, and the process may
 * end at any time. What happens after this call has returned is delivered, so a picture read after it misses nothing.
 */
export async function openNotifications(
  { protocol, groups, othersOnly = false, open = openEar }: NotificationOptions,
  deliver: (notification: Notification) => void,
): Promise<Outcome<Subscription>> {
  const opened = await open(protocol, groups, othersOnly);
  if (!opened.ok) return opened;
  const ear = opened.value;
  const state = { closed: false, overrun: false };
  const close = (): void => {
    state.closed = true;
    ear.close();
  };
  const hand = (notification: Notification): void => {
    if (!state.closed && !(othersOnly && isOurs(notification))) deliver(notification);
  };
  const buffer = new Uint8Array(bufferLength);
  ear.watch(() => {
    for (let count = 0; count < mostAtOnce && !state.closed; count += 1) {
      const length = ear.receive(buffer);
      if (length === -errnos.EAGAIN) {
        // Told only now: until its queue is empty the kernel throws away everything for this socket, and says so once.
        if (state.overrun) deliver({ kind: 'overrun' });
        state.overrun = false;
        return;
      }
      if (length === -errnos.ENOBUFS || length > buffer.length) state.overrun = true;
      else if (length >= 0) {
        if (!deliverAll(viewOf(buffer.subarray(0, length)), hand)) state.overrun = true;
      } else if (length !== -errnos.EINTR) {
        close();
        deliver({ kind: 'failed', problem: socketFailure('hear what the kernel tells', -length).problem });
      }
    }
  });
  return succeed({ close, [Symbol.dispose]: close });
}

/** Sockets that were opened later than the ear are not in its filter. */
function isOurs(notification: Notification): boolean {
  return notification.kind === 'message' && isOwnPort(readSender(notification.view, notification.message));
}

/** False where the datagram is cut off. */
function deliverAll(view: DataView, deliver: (notification: Notification) => void): boolean {
  const { messages, whole } = readMessages(view);
  for (const message of messages) deliver({ kind: 'message', view, message });
  return whole;
}
