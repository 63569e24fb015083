import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Prints the median time in microseconds of one TCP connection: `connect-probe.ts <address> <port> <listen port>`. */
const [address, port, listenPort] = process.argv.slice(2);
const rounds = 400;

const server = createServer((socket) => socket.end());
server.listen(Number(listenPort), '0.0.0.0');
await once(server, 'listening');
const times: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const began = performance.now();
  const socket = connect({ host: address ?? '', port: Number(port) });
  await once(socket, 'connect');
  times.push((performance.now() - began) * 1000);
  socket.destroy();
}
server.close();
console.log(times.toSorted((a, b) => a - b)[rounds >> 1]);
