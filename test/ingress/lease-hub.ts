import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { MemberLease } from '../../src/model/mod.ts';
import type { FromAgent, ToAgent } from './hub-protocol.ts';

/**
 * Keeps Leases for agents in several network namespaces, which no address but the path of a socket is common to, and tells all
 * of each change in the order in which they were made.
 */
export class LeaseHub implements AsyncDisposable {
  readonly leases = new Map<string, MemberLease>();
  readonly #server: Server;
  readonly #agents = new Map<string, Socket>();
  /** What each agent said of the owners it sees, at last. */
  readonly owners = new Map<string, Readonly<Record<string, string | null>>>();
  readonly #joined = new Set<string>();

  static async open(path: string): Promise<LeaseHub> {
    const hub = new LeaseHub();
    await new Promise<void>((resolve) => void hub.#server.listen(path, resolve));
    return hub;
  }

  private constructor() {
    this.#server = createServer((socket) => {
      const lines = createInterface({ input: socket });
      // An agent that is killed leaves unread what it was told.
      for (const source of [socket, lines]) source.on('error', () => {});
      lines.on('line', (line) => this.#take(socket, JSON.parse(line) as FromAgent));
    });
  }

  get joined(): readonly string[] {
    return [...this.#joined];
  }

  /** Whether the agent of that node is there. */
  isThere(node: string): boolean {
    return this.#joined.has(node);
  }

  tell(node: string, message: ToAgent): void {
    const socket = this.#agents.get(node);
    if (socket !== undefined) send(socket, message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#agents.values()) socket.destroy();
    await new Promise((resolve) => void this.#server.close(resolve));
  }

  #take(socket: Socket, message: FromAgent): void {
    if (message.kind === 'hello') {
      this.#agents.set(message.node, socket);
      this.#joined.add(message.node);
      socket.once('close', () => {
        if (this.#agents.get(message.node) !== socket) return;
        this.#joined.delete(message.node);
        this.owners.delete(message.node);
      });
      for (const lease of this.leases.values()) send(socket, { kind: 'lease', lease });
      send(socket, { kind: 'listed' });
    } else if (message.kind === 'write') {
      this.leases.set(message.lease.node, message.lease);
      send(socket, { kind: 'written', id: message.id });
      for (const agent of this.#agents.values()) send(agent, { kind: 'lease', lease: message.lease });
    } else this.owners.set(message.node, message.owners);
  }
}

function send(socket: Socket, message: ToAgent): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
