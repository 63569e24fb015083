import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import dnsPacket from 'dns-packet';
import { formatTable } from '../src/observe/mod.ts';
import { serviceCount } from './dns-data.ts';

/** Many and short, so that what else the machine does is spread over all of them. */
const rounds = 15;
const secondsEach = 1;
/** Questions sent together, every millisecond. */
const burst = 2;

/** What the main thread of the agent does meanwhile. */
const loads = ['idle', 'relist', 'idle', 'everything'] as const;
type Load = (typeof loads)[number];

const titles: Readonly<Record<Load, string>> = {
  idle: 'idle',
  relist: 'lists read again, 500 endpoint changes a second',
  everything: 'the same, and each list changes all endpoints',
};

/**
 * `npm run bench -- dns-relist`: how long answers take while the main thread reads the whole cluster again and is told of 500
 * changes a second, against an agent that has nothing to do.
 */
export async function runDnsRelistBench(): Promise<void> {
  const agent = fork(fileURLToPath(new URL('dns-relist-agent.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  process.once('exit', () => void agent.kill('SIGKILL'));
  const [port] = (await once(agent, 'message')) as [number];
  const found = new Map<Load, { readonly median: number; readonly slow: number; readonly lost: number }[]>();
  await measure(port);
  for (let round = 0; round < rounds; round += 1) {
    for (const load of loads) {
      agent.send(load);
      const result = await measure(port);
      found.set(load, [...(found.get(load) ?? []), result]);
    }
  }
  agent.send('idle');
  agent.kill('SIGTERM');
  const idle = middle(found.get('idle') ?? [], ({ slow }) => slow);
  const rows = [...found].map(([load, results]) => [
    titles[load],
    middle(results, ({ median }) => median).toFixed(0),
    middle(results, (one) => one.slow).toFixed(0),
    (middle(results, (one) => one.slow) / idle).toFixed(2),
    String(results.reduce((sum, { lost }) => sum + lost, 0)),
  ]);
  console.log(`${serviceCount} Services of 10 endpoints, ${burst * 1000} questions a second, medians of ${rounds} runs`);
  const columns = ['MAIN THREAD', 'MEDIAN (µs)', 'P99 (µs)', 'AGAINST IDLE', 'LOST'].map((title, index) => ({
    title,
    align: index === 0 ? ('left' as const) : ('right' as const),
  }));
  console.log(formatTable(columns, rows));
}

function middle<T>(values: readonly T[], read: (value: T) => number): number {
  return values.map(read).toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Microseconds from a question to its answer, for so many seconds. */
async function measure(port: number): Promise<{ readonly median: number; readonly slow: number; readonly lost: number }> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 });
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const sentAt = new Float64Array(65_536);
  const took: number[] = [];
  let sent = 0;
  socket.on('message', (reply) => {
    const id = reply.readUInt16BE(0);
    const since = sentAt[id] ?? 0;
    if (since > 0) took.push((performance.now() - since) * 1000);
    sentAt[id] = 0;
  });
  const ended = Promise.withResolvers<void>();
  const started = performance.now();
  const timer = setInterval(() => {
    const running = performance.now() - started < secondsEach * 1000;
    // Turns that come late are not made up for: a flood would measure itself.
    for (let count = running ? burst : 0; count > 0; count -= 1, sent += 1) {
      const id = sent & 0xffff;
      const question = { type: 'A', name: nameOf(sent) } as const;
      const query = dnsPacket.encode({ type: 'query', id, flags: 0x0100, questions: [question] });
      sentAt[id] = performance.now();
      socket.send(query);
    }
    if (performance.now() - started < secondsEach * 1000 + 200) return;
    clearInterval(timer);
    ended.resolve();
  }, 1);
  await ended.promise;
  socket.close();
  const sorted = took.toSorted((a, b) => a - b);
  return { median: at(sorted, 0.5), slow: at(sorted, 0.99), lost: sent - took.length };
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? 0;
}

function nameOf(number: number): string {
  const index = (number * 7919) % serviceCount;
  return `service-${index}.team-${index % 50}.svc.cluster.local`;
}
