import { setTimeout as sleep } from 'node:timers/promises';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Pause, Problem } from '../model/mod.ts';
import { errnoName, netlinkProtocol, NetlinkSocket, openWire, resolveFamily } from '../netlink/mod.ts';
import type { ByteWriter, Failure, Request, TakeMessage, Wire } from '../netlink/mod.ts';
import {
  ipvsFamilyName,
  readDestinationAnswer,
  readInfo,
  readServerAnswer,
  readTimeouts,
  writeDestinationQuery,
  writeInfoQuery,
  writeOperation,
  writeServerQuery,
  writeTimeouts,
  writeTimeoutsQuery,
} from './codec-command.ts';
import { explainRefusal, ipvsProblem, unsureProblem } from './errors.ts';
import type { IpvsOperation, IpvsPort, IpvsReport } from './port.ts';
import { probeScheduler } from './probe-scheduler.ts';
import { serverFamily, validateOperation, validateTimeouts } from './validate.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { ListedDestination, ServerKey, VirtualServer } from './virtual-server.ts';

export interface NetlinkPortOptions {
  readonly family: Family;
  readonly pause: Pause;
  /** Opens a generic netlink socket; for tests. */
  readonly open?: () => Promise<Outcome<Wire>>;
  /** Waits so many milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** A list of which a part was lost is taken again so often. */
const dumpRetries = 5;

/**
 * The kernel's virtual servers through generic netlink, on one socket that stays open, in the network namespace of this
 * process.
 */
export function createIpvsNetlinkPort({ family, pause, open, sleep: wait }: NetlinkPortOptions): IpvsPort {
  const link = new Link(
    pause,
    open ?? (() => openWire(netlinkProtocol.generic)),
    wait ?? (async (milliseconds) => await sleep(milliseconds)),
  );
  const marks = async (): Promise<Outcome<ReadonlySet<number>>> => {
    const servers = await readServers(link, family);
    if (!servers.ok) return servers;
    return succeed(new Set(servers.value.flatMap(({ key }) => (key.kind === 'mark' ? [key.mark] : []))));
  };
  const apply = (operations: readonly IpvsOperation[]): Promise<IpvsReport> => applyAll(link, family, operations);

  return {
    family,
    apply,

    async probe(scheduler) {
      const info = await link.ask(writeInfoQuery, 'describe IPVS', readInfo);
      if (!info.ok) return info;
      const problem = await probeScheduler({ family, scheduler, marks, apply });
      return problem === null ? info : { ok: false, problem };
    },

    async list() {
      const servers = await readServers(link, family);
      if (!servers.ok) return servers;
      const listed = [];
      for (const server of servers.value) {
        const destinations = await readDestinations(link, server.key);
        if (!destinations.ok) return destinations;
        if (destinations.value !== null) listed.push({ ...server, destinations: destinations.value });
      }
      return succeed(listed);
    },

    async counters(key) {
      const destinations = await readDestinations(link, key);
      if (!destinations.ok || destinations.value === null) return destinations as Outcome<null>;
      return succeed(new Map(destinations.value.map((one) => [destinationKeyText(one), one.counters])));
    },

    timeouts: () => link.ask(writeTimeoutsQuery, 'tell idle times', readTimeouts),

    async setTimeouts(timeouts) {
      const problem = validateTimeouts(timeouts);
      if (problem !== null) return { ok: false, problem };
      const set = await link.ask((writer) => writeTimeouts(writer, timeouts), 'set idle times', null);
      return set.ok ? succeed(undefined) : set;
    },

    close: async () => link.close(),
  };
}

/** The socket and the number of the family; opened when needed and given up after a failure. */
class Link {
  readonly pause: Pause;
  readonly #open: () => Promise<Outcome<Wire>>;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  #socket: NetlinkSocket | null = null;

  constructor(pause: Pause, open: () => Promise<Outcome<Wire>>, wait: (milliseconds: number) => Promise<void>) {
    this.pause = pause;
    this.#open = open;
    this.#sleep = wait;
  }

  close(): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = null;
  }

  /**
   * A socket and the number that messages to IPVS carry, asked for anew each time: it costs microseconds, and the module
   * may have been loaded again since, with another number.
   */
  async connect(): Promise<Outcome<{ readonly socket: NetlinkSocket; readonly type: number }>> {
    if (this.#socket === null) {
      const wire = await this.#open();
      if (!wire.ok) return wire;
      this.#socket = new NetlinkSocket({ wire: wire.value, pause: this.pause, sleep: this.#sleep });
    }
    const socket = this.#socket;
    const type = await resolveFamily(socket, ipvsFamilyName);
    if (type.ok) return succeed({ socket, type: type.value });
    this.close();
    if (type.problem.code !== 'WP_NETLINK_FAMILY') return type;
    return {
      ok: false,
      problem: ipvsProblem('WP_IPVS_MISSING', 'the kernel has no IPVS: the module ip_vs cannot be loaded', type.problem),
    };
  }

  /** Asks for one thing. `read` null: only the acknowledgement counts. */
  async ask<T>(
    body: Request['body'],
    what: string,
    read: ((...answer: Parameters<TakeMessage>) => T) | null,
  ): Promise<Outcome<T>> {
    const connected = await this.connect();
    if (!connected.ok) return connected;
    const { socket, type } = connected.value;
    const answers: T[] = [];
    const result = await socket.ask({ type, body }, what, (view, message) => {
      if (read !== null) answers.push(read(view, message));
    });
    if (!result.ok) return this.#failed(what, result.failure);
    const [answer] = answers;
    if (read === null || answer !== undefined) return succeed(answer as T);
    return { ok: false, problem: ipvsProblem('WP_IPVS_UNSURE', `the kernel gave no answer when asked to ${what}`) };
  }

  /** Lists until a list came through whole. */
  async dump<T>(
    body: Request['body'],
    what: string,
    read: (...answer: Parameters<TakeMessage>) => T | null,
  ): Promise<Outcome<readonly T[]>> {
    for (let attempt = 0; attempt <= dumpRetries; attempt += 1) {
      const connected = await this.connect();
      if (!connected.ok) return connected;
      const { socket, type } = connected.value;
      const found: T[] = [];
      const result = await socket.dump({ type, body }, what, (view, message) => {
        const one = read(view, message);
        if (one !== null) found.push(one);
      });
      if (!result.ok) return this.#failed(what, result.failure);
      if (!result.interrupted) return succeed(found);
    }
    return { ok: false, problem: ipvsProblem('WP_IPVS_UNSURE', `the kernel never gave a whole answer when asked to ${what}`) };
  }

  #failed(what: string, { errno, problem }: Failure): { ok: false; problem: Problem } {
    if (errnoName(errno) === 'EPERM') {
      return {
        ok: false,
        problem: ipvsProblem('WP_IPVS_DENIED', `cannot ${what}: the capability CAP_NET_ADMIN is missing`, problem),
      };
    }
    if (errnoName(errno) === 'ESRCH')
      return { ok: false, problem: ipvsProblem('WP_IPVS_NO_SERVER', `cannot ${what}: there is no such virtual server`, problem) };
    this.close();
    return { ok: false, problem };
  }
}

/** The servers of one family. Keys are unique, although a list that is changed meanwhile may repeat one. */
async function readServers(link: Link, family: Family): Promise<Outcome<readonly VirtualServer[]>> {
  const all = await link.dump((writer) => writeServerQuery(writer, null), 'list virtual servers', readServerAnswer);
  if (!all.ok) return all;
  const ours = all.value.filter(({ key }) => serverFamily(key) === family);
  return succeed([...new Map(ours.map((server) => [serverKeyText(server.key), server])).values()]);
}

/** The destinations of a server, newest first; null where it is gone, for which the kernel gives an empty list. */
async function readDestinations(link: Link, key: ServerKey): Promise<Outcome<readonly ListedDestination[] | null>> {
  const what = `list the destinations of ${serverKeyText(key)}`;
  const dumped = await link.dump(
    (writer) => writeDestinationQuery(writer, key),
    what,
    (view, message) => readDestinationAnswer(view, message, key),
  );
  if (!dumped.ok) return dumped.problem.code === 'WP_IPVS_NO_SERVER' ? succeed(null) : dumped;
  const unique = new Map(dumped.value.map((one) => [destinationKeyText(one), one]));
  if (unique.size > 0) return succeed([...unique.values()]);
  const server = await link.ask((writer) => writeServerQuery(writer, key), `show ${serverKeyText(key)}`, readServerAnswer);
  if (server.ok) return succeed([]);
  return server.problem.code === 'WP_IPVS_NO_SERVER' ? succeed(null) : server;
}

async function applyAll(link: Link, family: Family, operations: readonly IpvsOperation[]): Promise<IpvsReport> {
  const verdicts: (Problem | null)[] = [];
  for (const operation of operations) {
    verdicts.push(validateOperation(family, operation));
    const waiting = link.pause();
    if (waiting !== null) await waiting;
  }
  const places = verdicts.flatMap((verdict, place) => (verdict === null ? [place] : []));
  if (places.length === 0) return { verdicts, bytes: 0, messages: 0 };
  const connected = await link.connect();
  if (!connected.ok) {
    for (const place of places) verdicts[place] = connected.problem;
    return { verdicts, bytes: 0, messages: 0 };
  }
  const { socket, type } = connected.value;
  let bytes = 0;
  const requests = places.map((place) => ({
    type,
    body: (writer: ByteWriter) => {
      const before = writer.length;
      writeOperation(writer, operations[place] as IpvsOperation);
      bytes += headerLength + writer.length - before;
    },
  }));
  const { verdicts: answers, failure } = await socket.submit(requests);
  for (const [index, place] of places.entries()) {
    const operation = operations[place] as IpvsOperation;
    const answer = answers[index];
    if (answer?.kind === 'refused') verdicts[place] = explainRefusal(operation, answer.refusal);
    else if (answer?.kind !== 'done') verdicts[place] = unsureProblem(operation);
  }
  if (failure !== null) link.close();
  return { verdicts, bytes, messages: requests.length };
}

/** Bytes of `struct nlmsghdr`. */
const headerLength = 16;
