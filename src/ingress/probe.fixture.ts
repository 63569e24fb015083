import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { HealthProbe } from '../model/mod.ts';
import type { AskBackend, ProbeAnswer, ProbeTarget } from './health-types.ts';
import { address } from './health.fixture.ts';

/** A server on loopback that does what it is told with each connection. */
export async function serve(handle: (socket: Socket) => void, host = '127.0.0.1') {
  const sockets = new Set<Socket>();
  const ends: string[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? error.message));
    socket.on('close', () => sockets.delete(socket));
    handle(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    /** How connections ended, where that was by an error. */
    ends,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A process that listens, takes no connection, and is not to be spoken to. */
export async function serveDeaf() {
  const program = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    process.stdout.write(String(this.address().port));
  });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  return {
    port: Number(`${port}`),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

/** TCP_SYN_SENT. */
export const synSent = '02';

/** States of the kernel's connections to a port of 127.0.0.1, as /proc/net/tcp names them. */
export function connectionsTo(port: number): readonly string[] {
  const there = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  // A number, the address here, the address there, the state.
  const fields = lines.map((line) => line.trim().split(/ +/));
  return fields.flatMap(([, , remote, state]) => (remote === there && state !== undefined ? [state] : []));
}

export const targetAt = (port: number, probe: HealthProbe = { kind: 'tcp' }, host = '127.0.0.1'): ProbeTarget => ({
  probe,
  address: address(host),
  port,
  protocol: 'TCP',
});

export const httpProbe = (path = '/', host: string | null = null): HealthProbe => ({ kind: 'http', path, host });

/** Asks once and waits for the answer. */
export function ask(how: AskBackend, target: ProbeTarget): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    how(target, resolve);
  });
}

/** Waits for what the other side of a connection is yet to see. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
