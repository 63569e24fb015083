import { createServer, connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';

/**
 * Connections that carry so much both ways that segments as large as the path allows are sent. A program of its own, so that
 * it can be started in another network namespace: `serve PORT OCTETS`, or `fetch ADDRESS PORT OCTETS`.
 */
const script = fileURLToPath(import.meta.url);

/** Answers each connection that has sent so many octets with as many. */
export async function serveBulk(place: Place, port: number, octets: number): Promise<void> {
  const started = place.spawn(process.execPath, [script, 'serve', String(port), String(octets)]);
  await pollUntil(`the bulk server of ${place.name}`, async () => (started.output.includes('ready') ? true : null), {
    timeoutMs: 20_000,
  });
}

/** How many octets came back; fewer where nothing moved for five seconds. */
export async function fetchBulk(place: Place, address: string, port: number, octets: number): Promise<number> {
  const { code, stdout, stderr } = await place.exec(process.execPath, [script, 'fetch', address, String(port), String(octets)]);
  if (code !== 0) throw new Error(stderr);
  return Number(stdout);
}

if (import.meta.main) {
  const [verb = '', ...rest] = process.argv.slice(2);
  if (verb === 'serve') serve(Number(rest[0]), Number(rest[1]));
  else fetch(rest[0] ?? '', Number(rest[1]), Number(rest[2]));
}

function serve(port: number, octets: number): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let seen = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      seen += chunk.length;
      if (seen >= octets) socket.end(Buffer.alloc(octets));
    });
  });
  server.listen(port, '::', () => process.stdout.write('ready\n'));
}

function fetch(address: string, port: number, octets: number): void {
  let seen = 0;
  const socket = connect({ host: address, port });
  const finish = (): void => {
    process.stdout.write(String(seen), () => process.exit(0));
  };
  socket.setTimeout(5000, finish);
  socket.on('connect', () => socket.write(Buffer.alloc(octets)));
  socket.on('data', (chunk) => {
    seen += chunk.length;
  });
  socket.on('end', finish);
  socket.on('error', finish);
}
