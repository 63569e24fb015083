import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { outsideAddress } from './dns-data.ts';
import { answerWith } from './dns-message.ts';

/** A stand-in for the upstream, on loopback: `dns-upstream.ts <port>`. */
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
socket.on('message', (query, { port, address }) => socket.send(answerWith(query, outsideAddress), port, address));
socket.bind(Number(process.argv[2]), '127.0.0.1');
await once(socket, 'listening');
