/**
 * Runs in a namespace: takes TCP connections on 127.0.0.1 and passes each on to a Unix socket, which is
 * the same file in every network namespace.
 *
 *     node test/lifecycle/relay.ts PORT SOCKET
 */
import net from 'node:net';
import { joinSockets } from './join-sockets.ts';

const [port, socket] = process.argv.slice(2);
if (port === undefined || socket === undefined) throw new Error('PORT and SOCKET are needed');

const server = net.createServer((client) => joinSockets(client, net.connect(socket)));
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
