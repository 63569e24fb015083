import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { FrameReader } from './stream-frames.ts';
import { framed } from './stream.fixture.ts';

export interface TcpClient extends Disposable {
  readonly socket: Socket;
  /** Sends messages with their lengths in one write. */
  ask(...messages: readonly Uint8Array[]): void;
  /** Waits until so many answers are there, and gives all. */
  answers(count: number): Promise<readonly Uint8Array[]>;
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>;
}

/** `silent`: does not read. */
export async function openTcpClient(address: string, port: number, silent = false): Promise<TcpClient> {
  const socket = createConnection({ host: address, port, noDelay: true, allowHalfOpen: true });
  const answers: Uint8Array[] = [];
  const frames = new FrameReader();
  const changed = new EventTarget();
  let ended = false;
  const notice = (): boolean => changed.dispatchEvent(new Event('change'));
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      ended = true;
      notice();
      resolve();
    };
    socket.on('end', end);
    socket.on('close', end);
  });
  socket.on('error', () => {});
  if (!silent) {
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      for (let message = frames.next(); message !== null; message = frames.next()) answers.push(message);
      notice();
    });
  }
  await once(socket, 'connect');
  return {
    socket,
    ask: (...messages) => void socket.write(Buffer.concat(messages.map(framed))),
    async answers(count) {
      while (answers.length < count) {
        if (ended) throw new Error(`the connection ended after ${answers.length} answers of ${count}`);
        await once(changed, 'change');
      }
      return answers;
    },
    closed,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
