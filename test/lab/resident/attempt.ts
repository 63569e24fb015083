import type { Attempt, Target } from './protocol.ts';
import { openTcp } from './tcp.ts';
import { openUdp } from './udp.ts';

/** A connection, or for UDP a connected socket, that is kept. */
export interface Held {
  /** Asks the back end for one more line. */
  ping(timeoutMs: number): Promise<Attempt>;
  /** Ends it without lingering state: a TCP reset. */
  close(): void;
}

export interface Opened {
  readonly attempt: Attempt;
  /** Null unless answered. */
  readonly held: Held | null;
}

/** Opens a connection and waits for the back end's first line. */
export function open(target: Target): Promise<Opened> {
  return target.protocol === 'TCP' ? openTcp(target) : openUdp(target);
}

/** One connection, answered or not, and closed again. */
export async function attemptOnce(target: Target): Promise<Attempt> {
  const { attempt, held } = await open(target);
  held?.close();
  return attempt;
}

/** Several connections at once, each from a source port of its own. */
export async function attemptMany(target: Target, count: number): Promise<Attempt[]> {
  return Promise.all(Array.from({ length: count }, () => attemptOnce(target)));
}
