import { formatEndpoint } from '../model/mod.ts';
import type { Clock, Outcome, Problem } from '../model/mod.ts';
import { rcode } from './constants.ts';
import type { WatchedHosts } from './driver-hosts.ts';
import { ForwardCounts } from './forward-counts.ts';
import type { Forwarder } from './forward-contract.ts';
import { loopRetries, seekLoop } from './forward-loop.ts';
import type { ForwardObserver } from './forward-ports.ts';
import { LaneBook } from './lane-book.ts';
import type { AnswerDatagram, AnswerMessage, StreamLimits, StreamListener } from './listen-contract.ts';
import { formatName } from './name.ts';
import { formatEntry, isLogged } from './query-log.ts';
import type { LogEntry } from './query-log.ts';
import { emptyAnswer, resolveNow, settleTtls } from './resolution.ts';
import type { Request, Resolution } from './resolution.ts';
import type { Listening, Server } from './server.ts';
import type { ForwardRule, HostsSettings } from './settings.ts';
import { ConnectionBudget } from './stream-budget.ts';
import type { TcpOptions } from './driver-tcp.ts';
import type { UdpSocket } from './udp-socket.ts';
import type { OpenUdpOptions } from './driver-udp.ts';
import { WorkerCore } from './worker-core.ts';
import { ListenSet } from './worker-listen.ts';
import { LogLines } from './worker-log.ts';
import type { Explanation, FromWorker, ListenPoint, ToWorker, WorkerCounts, WorkerData } from './worker-messages.ts';

/** What the program of a worker needs of the world. */
export interface WorkerPorts {
  readonly clock: Clock;
  readonly now: () => number;
  readonly random: (below: number) => number;
  readonly openUdp: (options: OpenUdpOptions) => Promise<Outcome<UdpSocket>>;
  readonly openTcp: (options: TcpOptions) => Promise<Outcome<StreamListener>>;
  readonly openForwarder: (rule: ForwardRule, observer: ForwardObserver) => Forwarder;
  readonly openHosts: (settings: HostsSettings, clock: Clock) => WatchedHosts;
  readonly heapUsed: () => number;
  readonly tell: (message: FromWorker) => void;
  readonly end: () => void;
}

/** Specification 9.4. */
const streamLimits: StreamLimits = { messageMs: 10_000, idleMs: 30_000, connections: 4096, outstanding: 100 };

/** How long questions to upstreams may still be under way with settings that were replaced. */
const retireMs = 10_000;

/** What a worker thread does: answers on its sockets, and takes what the main thread tells. */
export class WorkerProgram {
  readonly #ports: WorkerPorts;
  readonly #budget: ConnectionBudget;
  readonly #listen: ListenSet;
  readonly #lanes = new LaneBook();
  readonly #upstreams = new ForwardCounts();
  readonly #log: LogLines;
  /** Where each socket's answers come from, for the settings of the moment. */
  readonly #listening = new Map<ListenPoint, { readonly server: Server; readonly listening: Listening }>();
  #data: WorkerData;
  #core: WorkerCore;
  /** The core of new settings, until it knows the cluster. */
  #next: WorkerCore | null = null;
  /** Cores that were replaced and may have questions under way. */
  readonly #retired = new Set<WorkerCore>();
  #panics = 0;
  #serving = false;
  #logOn = false;

  constructor(data: WorkerData, ports: WorkerPorts) {
    this.#data = data;
    this.#ports = ports;
    this.#budget = new ConnectionBudget(ports.clock);
    this.#log = new LogLines(ports.clock, (lines) => ports.tell({ kind: 'log', lines }));
    this.#listen = new ListenSet({
      clock: ports.clock,
      udp: (point) =>
        ports.openUdp({
          ...point,
          reusePort: true,
          prefer: data.udp,
          report: (problem) => this.#report(problem),
          answer: this.#datagramAnswerer(point),
        }),
      tcp: (point) =>
        ports.openTcp({
          ...point,
          reusePort: true,
          limits: streamLimits,
          shared: this.#budget,
          answer: this.#messageAnswerer(point),
        }),
      report: (problem) => this.#report(problem),
      changed: () => ports.tell({ kind: 'listening', open: this.#listen.points, descriptors: this.#listen.descriptors }),
    });
    this.#core = this.#makeCore(data, null);
    this.#switchLog(this.#core);
  }

  /** Listens as soon as the cluster is known, or has been waited for long enough (specification 15.1). */
  start(): void {
    const waits = this.#data.settings.blocks.map(({ kubernetes }) => kubernetes?.startupTimeoutMs ?? 0);
    const patience = this.#core.synced ? 0 : Math.max(0, ...waits);
    if (patience === 0) this.#serve();
    else this.#ports.clock.after(patience, () => this.#serve());
    this.#seekLoop(this.#core);
  }

  take(message: ToWorker): void {
    switch (message.kind) {
      case 'change':
        (this.#next ?? this.#core).apply(message.change);
        if (this.#next?.synced === true) this.#swap(this.#next);
        if (this.#core.synced) this.#serve();
        return this.#ports.tell({ kind: 'applied' });
      case 'settings':
        return this.#settle({ ...this.#data, settings: message.settings, facts: message.facts });
      case 'listen':
        this.#data = { ...this.#data, listen: message.listen };
        if (this.#serving) void this.#listen.listen(message.listen);
        return undefined;
      case 'ask':
        return void this.#explain(message.id, message.request, message.port);
      case 'count':
        return this.#ports.tell({ kind: 'counted', id: message.id, counts: this.#count() });
      case 'ping':
        return this.#ports.tell({ kind: 'pong', id: message.id, synced: this.#core.synced, looped: this.#core.looped });
      case 'log':
        this.#logOn = message.on;
        return this.#switchLog(this.#core);
      case 'looped':
        return this.#core.noteLoop();
      case 'stop':
        return void this.#stop();
      default:
        return message satisfies never;
    }
  }

  /** Connections that are kept for the next question to an upstream would keep the thread alive. */
  async #stop(): Promise<void> {
    await this.#listen.close();
    for (const core of [...this.#retired, this.#next, this.#core]) core?.close();
    this.#ports.end();
  }

  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    void this.#listen.listen(this.#data.listen);
  }

  #makeCore(data: WorkerData, before: WorkerCore | null): WorkerCore {
    const { clock, now, random } = this.#ports;
    return new WorkerCore(
      data.settings,
      data.facts,
      {
        clock,
        now,
        random,
        openForwarder: (rule) => {
          for (const { address, port } of rule.upstreams) this.#upstreams.know(formatEndpoint(address, port));
          return this.#ports.openForwarder(rule, this.#upstreams);
        },
        openHosts: (settings) => this.#ports.openHosts(settings, clock),
        panic: (error) => this.#panic(error),
        looped: () => this.#report(loopProblem),
      },
      before,
    );
  }

  /** New settings hold at once, or from the moment on at which their zones know the cluster; no question is lost between. */
  #settle(data: WorkerData): void {
    this.#next?.close();
    this.#next = null;
    this.#data = data;
    const core = this.#makeCore(data, this.#core);
    if (core.needsData) this.#next = core;
    else this.#swap(core);
    this.#ports.tell({ kind: 'settled', resync: core.needsData });
    this.#seekLoop(core);
  }

  #swap(core: WorkerCore): void {
    const old = this.#core;
    this.#core = core;
    this.#next = null;
    this.#listening.clear();
    this.#switchLog(core);
    this.#retired.add(old);
    this.#ports.clock.after(retireMs, () => {
      this.#retired.delete(old);
      old.close();
    });
  }

  #seekLoop(core: WorkerCore): void {
    if (core.loopSearch === null) return;
    const { forwarder, detector } = core.loopSearch;
    void seekLoop(forwarder, detector, { clock: this.#ports.clock, ...loopRetries });
  }

  #datagramAnswerer(point: ListenPoint): AnswerDatagram {
    return (socket, input, start, length, peer, out, outStart) => {
      const at = this.#at(point);
      return at === null ? 0 : at.server.answerDatagram(at.listening, socket, input, start, length, peer, out, outStart);
    };
  }

  #messageAnswerer(point: ListenPoint): AnswerMessage {
    return (input, peer, _local, reply) => {
      const at = this.#at(point);
      if (at === null) reply(new Uint8Array(0));
      else at.server.answerMessage(at.listening, input, peer, reply);
    };
  }

  #at(point: ListenPoint): { readonly server: Server; readonly listening: Listening } | null {
    const known = this.#listening.get(point);
    if (known !== undefined) return known;
    const server = this.#core.servers.get(point.serves);
    if (server === undefined) return null;
    const label = labelOf(point);
    const listening = server.listen((zone) => this.#lanes.laneOf(label, zone === null ? 'dropped' : formatName(zone)));
    const at = { server, listening };
    this.#listening.set(point, at);
    return at;
  }

  #switchLog(core: WorkerCore): void {
    const always = core.settings.blocks.some(({ log }) => log !== null);
    const write = (entry: LogEntry): void => {
      if (this.#logOn || isLogged(entry)) this.#log.add(formatEntry(entry));
    };
    for (const server of core.servers.values()) server.switchLog(this.#logOn || always ? write : null);
  }

  async #explain(id: number, request: Request, port: number): Promise<void> {
    const server = this.#core.servers.get(port) ?? [...this.#core.servers.values()][0];
    const none = resolveNow(emptyAnswer(rcode.REFUSED), '', 'no server block');
    const resolution = await Promise.resolve(server?.resolve(request) ?? none).catch((error: unknown) => this.#panic(error));
    this.#ports.tell({ kind: 'answered', id, answer: explain(resolution) });
  }

  #count(): WorkerCounts {
    const core = this.#core;
    // Counts of a point are there before its first question.
    for (const point of this.#listen.points) this.#at(point);
    const servers = this.#listen.points.map(labelOf);
    const blocks = core.settings.blocks.map((block) => ({ zone: formatName(block.zones[0] ?? '\0'), block }));
    return {
      lanes: this.#lanes.counts,
      caches: core.caches.map(({ block, cache }) => ({
        server: servers[0] ?? '',
        zone: formatName(block.zones[0] ?? '\0'),
        counts: cache.counts,
      })),
      upstreams: this.#upstreams.counts,
      enabled: servers.flatMap((server) => blocks.map(({ zone, block }) => ({ server, zone, names: stagesOf(block) }))),
      hosts: {
        entries: core.hosts.reduce((sum, { entries }) => sum + entries, 0),
        reloadedAt: Math.max(0, ...core.hosts.map(({ loadedAt }) => loadedAt)),
      },
      panics: this.#panics,
      autopaths: this.#lanes.autopaths,
      heap: this.#ports.heapUsed(),
    };
  }

  #panic(error: unknown): Resolution {
    this.#panics += 1;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#report({
      code: 'WP_DNS_PANIC',
      message: `a question could not be answered because of a bug: ${message}`,
      cause: error,
    });
    return resolveNow(emptyAnswer(rcode.SERVFAIL), '', 'an exception, which is a bug');
  }

  #report({ code, message }: Problem): void {
    // A cause may be what cannot be copied to another thread.
    this.#ports.tell({ kind: 'problem', problem: { code, message } });
  }
}

const loopProblem: Problem = {
  code: 'WP_DNS_LOOP',
  message:
    'questions to the default upstream come back here, so nothing is forwarded there: name upstreams in the configuration, or a resolv.conf that does not lead to this resolver',
};

function labelOf({ address, serves }: ListenPoint): string {
  return `dns://${address.includes(':') ? `[${address}]` : address}:${serves}`;
}

function explain(resolution: Resolution): Explanation {
  const { stage, steps, truncated } = resolution;
  const { rcode: code, authoritative, answer, authority, additional } = settleTtls(resolution);
  return { rcode: code, stage, authoritative, truncated, answer, authority, additional, steps };
}

function stagesOf(block: WorkerData['settings']['blocks'][number]): readonly string[] {
  const { acl, rewrite, cache, autopath, templates, hosts, kubernetes, forward, log, loop, shuffle } = block;
  return [
    ...(acl.length > 0 ? ['acl'] : []),
    ...(rewrite.length > 0 ? ['rewrite'] : []),
    ...(cache === null ? [] : ['cache']),
    ...(autopath === null ? [] : ['autopath']),
    ...(templates.length > 0 ? ['template'] : []),
    ...(hosts === null ? [] : ['hosts']),
    ...(kubernetes === null ? [] : ['kubernetes']),
    ...(forward.length > 0 ? ['forward'] : []),
    ...(log === null ? [] : ['log']),
    ...(loop ? ['loop'] : []),
    ...(shuffle ? ['loadbalance'] : []),
  ];
}
