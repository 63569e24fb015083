import dgram from 'node:dgram';
import { decode, encode } from 'dns-packet';

/**
 * Stands for a DNS server that is not ours: the cluster's central one, or that of the data centre. Knows the pairs
 * NAME=ADDRESS of its arguments, with a TTL of 5, and says `ready`, then each name that it was asked for.
 */
const addresses = new Map(process.argv.slice(2).map((pair) => pair.split('=') as [string, string]));
const socket = dgram.createSocket('udp4');
socket.on('message', (message, peer) => {
  const { id = 0, questions = [] } = decode(message);
  const [question] = questions;
  if (question === undefined) return;
  const name = question.name.toLowerCase();
  const address = addresses.get(name);
  const answers = address !== undefined && question.type === 'A' ? [{ type: 'A', name, ttl: 5, data: address } as const] : [];
  // Bits of the header by RFC 1035 4.1.1: NXDOMAIN where the name is unknown.
  const flags = 0x0480 | (address === undefined && name !== '' ? 3 : 0);
  socket.send(encode({ type: 'response', id, flags, questions, answers }), peer.port, peer.address);
  process.stdout.write(`asked ${name} ${question.type}\n`);
});
socket.bind(53, () => process.stdout.write('ready\n'));
