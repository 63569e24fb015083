import type { Socket } from 'node:net';

/** Passes bytes both ways; where one end closes or breaks, so does the other. */
export function joinSockets(client: Socket, upstream: Socket): void {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.pipe(other);
    // Connections are broken on purpose here; `close` tells the other end.
    one.on('error', () => {});
    one.on('close', () => other.destroy());
  }
}
