import dgram from 'node:dgram';
import net from 'node:net';
import dnsPacket from 'dns-packet';

/**
 * A DNS server that stands for another one, a pod of the cluster's DNS or an upstream: answers every A question with one
 * address, names that begin with `nx` with NXDOMAIN, and everything else with nothing. Stopped by SIGSTOP it is silent.
 */
const [host = '::', port = '53', address = '', ttl = '30'] = process.argv.slice(2);

function answer(bytes: Buffer): dnsPacket.Packet {
  const { id, flags, questions = [] } = dnsPacket.decode(bytes);
  const [question] = questions;
  const name = question?.name ?? '';
  const soa: dnsPacket.Answer = {
    type: 'SOA',
    name: 'test',
    ttl: Number(ttl),
    data: { mname: 'ns.test', rname: 'admin.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: Number(ttl) },
  };
  const found: dnsPacket.Answer[] =
    question?.type === 'A' && !name.startsWith('nx') ? [{ type: 'A', name, ttl: Number(ttl), data: address }] : [];
  const code = name.startsWith('nx') ? 3 : 0;
  return {
    type: 'response',
    id: id ?? 0,
    flags: ((flags ?? 0) & 0x0100) | 0x0080 | code,
    questions,
    answers: found,
    authorities: found.length === 0 ? [soa] : [],
  };
}

const server = net.createServer((socket) => {
  let held = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    held = Buffer.concat([held, data]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const message = held.subarray(2, 2 + held.readUInt16BE(0));
      held = held.subarray(2 + message.length);
      socket.write(dnsPacket.streamEncode(answer(message)));
    }
  });
});
const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
socket.on('message', (message, from) => socket.send(dnsPacket.encode(answer(message)), from.port, from.address, () => {}));
socket.on('error', () => {});
socket.bind({ address: host, port: Number(port) }, () =>
  server.listen({ host, port: Number(port) }, () => process.stdout.write('ready\n')),
);
