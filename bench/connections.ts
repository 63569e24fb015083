import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Serves TCP on one address, or on all, with a greeting of one line: the address that was connected to. */
export async function greet(port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${socket.localAddress?.replace('::ffff:', '') ?? ''}\n`);
  });
  server.listen({ port, host: '0.0.0.0', backlog: 1024 });
  await once(server, 'listening');
  return server;
}

/** Which back end greets; null where the connection fails. */
export async function whoGreets(host: string, port: number): Promise<string | null> {
  const socket = connect({ host, port });
  try {
    const [line] = (await once(socket, 'data')) as [Buffer];
    return line.toString().trim();
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}

/** Microseconds until a connection is there, one after the other in turns over the targets: the median for each. */
export async function connectTimes(targets: readonly (readonly [string, number])[], rounds: number): Promise<readonly number[]> {
  const times = targets.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, [host, port]] of targets.entries()) {
      const began = performance.now();
      const socket = connect({ host, port });
      await once(socket, 'connect');
      times[index]?.push((performance.now() - began) * 1000);
      socket.destroy();
    }
  }
  return times.map((one) => one.toSorted((a, b) => a - b)[one.length >> 1] ?? Number.NaN);
}

/** Connections a second, `atOnce` under way all the time. */
export async function connectRate(host: string, port: number, atOnce: number, milliseconds: number): Promise<number> {
  const began = performance.now();
  let done = 0;
  const work = async (): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      // oxlint-disable-next-line no-await-in-loop -- one client: one connection at a time
      if ((await whoGreets(host, port)) === null) throw new Error(`no connection to ${host}:${port}`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return done / ((performance.now() - began) / 1000);
}
