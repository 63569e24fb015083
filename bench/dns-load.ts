import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { datagramSlots, openDatagrams } from '../src/netlink/mod.ts';
import type { Datagrams } from '../src/netlink/mod.ts';
import type { Address } from '../src/model/mod.ts';
import { LatencyTable } from './dns-latency.ts';
import { packQuestions } from './dns-message.ts';
import type { PackedQuestions } from './dns-message.ts';
import { readCpuTime } from './process-files.ts';

/** What the load is told. */
export interface LoadOptions {
  readonly port: number;
  /** Lines of `name TYPE`. */
  readonly file: string;
  /** Of the server, for its CPU time. */
  readonly pid: number;
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Questions a second; null: as many as are answered. */
  readonly rate: number | null;
}

/** What it prints, as JSON, of the time after the warm-up. */
export interface LoadResult {
  readonly seconds: number;
  readonly answered: number;
  readonly lost: number;
  /** Of the answered: with records, without, and with any other code than success and NXDOMAIN. */
  readonly data: number;
  readonly noName: number;
  readonly refused: number;
  /** Seconds of CPU time of the server. */
  readonly cpu: number;
  /** The part of Waypost's DNS threads. */
  readonly cpuDns: number;
  /** Seconds that its threads waited for their core, all together; none on a quiet machine but for their own company. */
  readonly waited: number;
  /** Seconds of CPU time of the load, which spins: less than all of the time if it has to share its core. */
  readonly loadCpu: number;
  /** Microseconds; only where there is a rate. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/**
 * Clients, each with a socket and so many questions under way: together as many as fit into the receive buffer that the
 * kernel gives a server which asks for no other. At a rate there is room for all of a second.
 */
const clients = 6;
const windows = { saturated: 32, paced: 4096 } as const;
/** Milliseconds until a question counts as lost and its place is used for another. */
const patience = 1000;

/**
 * Asks in batches and spins on one core, so that it is never the load that the server waits for. Of Waypost it uses the
 * batch socket; the questions lie ready, and of the answers only the header is read.
 */
class Load {
  readonly #sockets: readonly Datagrams[];
  readonly #questions: PackedQuestions;
  readonly #path: Uint8Array;
  /** Number of the question under way at each place, -1: free; and when it was asked. */
  readonly #window: number;
  readonly #ids: Int32Array;
  readonly #askedAt: Float64Array;
  readonly #latency = new LatencyTable();
  #turn = 0;
  #next = 0;
  answered = 0;
  lost = 0;
  data = 0;
  noName = 0;
  refused = 0;

  constructor(sockets: readonly Datagrams[], questions: PackedQuestions, port: number, window: number) {
    this.#sockets = sockets;
    this.#questions = questions;
    this.#window = window;
    this.#ids = new Int32Array(clients * window).fill(-1);
    this.#askedAt = new Float64Array(clients * window);
    // struct sockaddr_in of 127.0.0.1, in the room that a path has.
    this.#path = new Uint8Array(32);
    new Uint16Array(this.#path.buffer, 0, 1)[0] = 2;
    this.#path.set([port >> 8, port & 0xff, 127, 0, 0, 1], 2);
  }

  /** Keeps all places busy for so many milliseconds. */
  saturate(milliseconds: number): void {
    const end = performance.now() + milliseconds;
    let checked = 0;
    for (let now = performance.now(); now < end; now = performance.now()) {
      if (now - checked > 100) {
        this.#refill(now);
        checked = now;
      }
      for (let client = 0; client < clients; client += 1) this.#take(client, now, true);
    }
  }

  /** Asks at even distances; what has no answer when its place is needed again is lost. */
  pace(milliseconds: number, rate: number): void {
    const start = performance.now();
    let asked = 0;
    for (let now = start; now < start + milliseconds; now = performance.now()) {
      while (asked < ((now - start) * rate) / 1000) {
        this.#ask(this.#turn, performance.now());
        this.#turn = (this.#turn + 1) % this.#ids.length;
        asked += 1;
      }
      for (let client = 0; client < clients; client += 1) this.#take(client, performance.now(), false);
    }
  }

  /** Counts from here on. */
  reset(): void {
    this.answered = 0;
    this.lost = 0;
    this.data = 0;
    this.noName = 0;
    this.refused = 0;
    this.#latency.clear();
  }

  quantile(part: number): number {
    return this.#latency.quantile(part);
  }

  #refill(now: number): void {
    for (let place = 0; place < this.#ids.length; place += 1) {
      if ((this.#ids[place] ?? 0) < 0 || now - (this.#askedAt[place] ?? 0) > patience) this.#ask(place, now);
    }
  }

  #ask(place: number, now: number): void {
    const socket = this.#sockets[Math.floor(place / this.#window)];
    if (socket === undefined) return;
    if ((this.#ids[place] ?? 0) >= 0) this.lost += 1;
    const question = this.#questions.bytes.subarray(...this.#range());
    question[0] = this.#newId(place, now) >> 8;
    question[1] = (this.#ids[place] ?? 0) & 0xff;
    socket.sendLate(this.#path, question);
  }

  #range(): [number, number] {
    const { ends } = this.#questions;
    this.#next = (this.#next + 1) % (ends.length - 1);
    return [ends[this.#next] ?? 0, ends[this.#next + 1] ?? 0];
  }

  /** The place within the client, and above it a number that tells late answers to an earlier question. */
  #newId(place: number, now: number): number {
    const before = Math.max(0, this.#ids[place] ?? 0);
    const round = (Math.floor(before / this.#window) + 1) % (65_536 / this.#window);
    const id = round * this.#window + (place % this.#window);
    this.#ids[place] = id;
    this.#askedAt[place] = now;
    return id;
  }

  /** Reads what came to a client; with `again` each answer is followed by the next question. */
  #take(client: number, now: number, again: boolean): void {
    const socket = this.#sockets[client];
    if (socket === undefined) return;
    const count = socket.receive();
    const { bytes } = socket;
    let staged = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const at: number = socket.datagramAt(slot);
      const id: number = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const place = client * this.#window + (id % this.#window);
      if (this.#ids[place] !== id) continue;
      this.#count(bytes, at, now - (this.#askedAt[place] ?? 0));
      if (!again) {
        this.#ids[place] = -1;
        continue;
      }
      const [from, end] = this.#range();
      for (let index = from + 2; index < end; index += 1) bytes[at + index - from] = this.#questions.bytes[index] ?? 0;
      const next = this.#newId(place, now);
      bytes[at] = next >> 8;
      bytes[at + 1] = next & 0xff;
      socket.stage(staged, slot, end - from);
      staged += 1;
    }
    // What the kernel does not take is asked again when patience ends.
    if (staged > 0) socket.send(0, staged);
  }

  #count(bytes: Uint8Array, at: number, milliseconds: number): void {
    this.answered += 1;
    const code = (bytes[at + 3] ?? 0) & 15;
    if (code === 3) this.noName += 1;
    else if (code !== 0) this.refused += 1;
    else if (((bytes[at + 6] ?? 0) << 8) + (bytes[at + 7] ?? 0) > 0) this.data += 1;
    this.#latency.add(milliseconds * 1000);
  }
}

async function runLoad({ port, file, pid, warmSeconds, seconds, rate }: LoadOptions): Promise<LoadResult> {
  const sockets: Datagrams[] = [];
  for (let client = 0; client < clients; client += 1) {
    const opened = await openDatagrams({ address: '127.0.0.1' as Address, port: 0, reusePort: false });
    if (!opened.ok) throw new Error(opened.problem.message);
    sockets.push(opened.value);
  }
  if (windows.saturated > datagramSlots) throw new Error('a client has more questions under way than a batch holds');
  const questions = packQuestions(readFileSync(file, 'latin1').trim().split('\n'));
  const load = new Load(sockets, questions, port, rate === null ? windows.saturated : windows.paced);
  const go = (milliseconds: number): void => (rate === null ? load.saturate(milliseconds) : load.pace(milliseconds, rate));
  go(warmSeconds * 1000);
  load.reset();
  const before = readCpuTime(pid);
  const ownBefore = readCpuTime(process.pid);
  const start = performance.now();
  go(seconds * 1000);
  const elapsed = (performance.now() - start) / 1000;
  const after = readCpuTime(pid);
  const ownAfter = readCpuTime(process.pid);
  for (const socket of sockets) socket.close();
  const { answered, lost, data, noName, refused } = load;
  return {
    seconds: elapsed,
    answered,
    lost,
    data,
    noName,
    refused,
    cpu: (after.all - before.all) / 1e9,
    cpuDns: (after.dns - before.dns) / 1e9,
    waited: (after.waited - before.waited) / 1e9,
    loadCpu: (ownAfter.all - ownBefore.all) / 1e9,
    p50: load.quantile(0.5),
    p99: load.quantile(0.99),
    p999: load.quantile(0.999),
  };
}

console.log(JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '') as LoadOptions)));
