import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import http from 'node:http';
import dnsPacket from 'dns-packet';

/**
 * Asks DNS servers for who asks it over HTTP, `/?server=ADDRESS&name=NAME&type=TYPE`: one datagram from a new socket, and the
 * answer as {@link Asked}. Quicker than starting a program for each question.
 */
export interface Asked {
  /** NOERROR, NXDOMAIN …; `SILENT` where nothing came. */
  readonly status: string;
  /** Sorted; data of the records of the answer section. */
  readonly data: readonly string[];
}

const silentMs = 2000;
const [port = '5380'] = process.argv.slice(2);

function ask(server: string, name: string, type: string): Promise<Asked> {
  const id = randomInt(65_536);
  const socket = dgram.createSocket(server.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    const done = (asked: Asked): void => {
      clearTimeout(timer);
      socket.close();
      resolve(asked);
    };
    const timer = setTimeout(() => done({ status: 'SILENT', data: [] }), silentMs);
    socket.once('error', () => done({ status: 'SILENT', data: [] }));
    socket.on('message', (bytes) => {
      const reply = dnsPacket.decode(bytes);
      if (reply.id !== id) return;
      done({ status: statusOf(reply.flags ?? 0), data: (reply.answers ?? []).map(textOf).toSorted() });
    });
    const question = { type: type as dnsPacket.RecordType, name };
    const query = dnsPacket.encode({ type: 'query', id, flags: 0x0100, questions: [question] });
    socket.connect(53, server, () => socket.send(query, () => {}));
  });
}

function statusOf(flags: number): string {
  return ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'][flags & 15] ?? String(flags & 15);
}

function textOf(record: dnsPacket.Answer): string {
  if (record.type === 'SRV') return `${record.data.port} ${record.data.target}`;
  if (record.type === 'SOA') return `serial ${record.data.serial ?? 0}`;
  return 'data' in record ? String(record.data) : record.type;
}

http
  .createServer(async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://asker');
    const asked = await ask(searchParams.get('server') ?? '', searchParams.get('name') ?? '', searchParams.get('type') ?? 'A');
    response.end(JSON.stringify(asked));
  })
  .listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
