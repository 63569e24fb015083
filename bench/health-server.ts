import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

/**
 * Back ends of the benchmark: one listener each, answers to HTTP. Prints their ports as a line; a port on standard input
 * closes that one and prints the moment, in milliseconds of the machine's monotonic clock.
 */
const amount = Number(process.argv[2]);
const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const servers = new Map<number, Server>();

for (let index = 0; index < amount; index += 1) {
  const server = createServer((socket) => {
    // Checks end by a reset.
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(response));
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  servers.set((server.address() as AddressInfo).port, server);
}
console.log([...servers.keys()].join(' '));

process.stdin.on('data', (text) => {
  const port = Number(`${text}`);
  servers.get(port)?.close();
  console.log(`${Number(process.hrtime.bigint()) / 1e6}`);
});
process.stdin.on('end', () => process.exit());
