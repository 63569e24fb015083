import type { Family, Protocol } from '../../../src/model/mod.ts';

/** What the resident of a namespace is asked. */
export type Request =
  | { readonly op: 'listen'; readonly name: string; readonly listeners: readonly Listener[] }
  | ({ readonly op: 'connect'; readonly count: number } & Target)
  | ({ readonly op: 'open' } & Target)
  | { readonly op: 'ping'; readonly connection: number; readonly timeoutMs: number }
  | { readonly op: 'close'; readonly connection: number }
  | ({ readonly op: 'start-load'; readonly workers: number; readonly pauseMs: number } & Target)
  | { readonly op: 'report-load'; readonly load: number }
  | { readonly op: 'stop-load'; readonly load: number }
  | { readonly op: 'http'; readonly url: string; readonly timeoutMs: number }
  | ({ readonly op: 'resolve' } & NameQuestion);

/** The answers, by request. */
export interface Answers {
  readonly listen: null;
  readonly connect: readonly Attempt[];
  readonly open: { readonly connection: number; readonly attempt: Attempt };
  readonly ping: Attempt;
  readonly close: null;
  readonly 'start-load': number;
  readonly 'report-load': LoadReport;
  readonly 'stop-load': LoadReport;
  readonly http: { readonly status: number; readonly body: string };
  readonly resolve: Resolved;
}

export type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly problem: string };

/** A socket that answers. An IPv6 wildcard takes both families. */
export interface Listener {
  readonly protocol: SocketProtocol;
  readonly address: string;
  readonly port: number;
}

/** Node has no SCTP sockets. */
export type SocketProtocol = Exclude<Protocol, 'SCTP'>;

export interface Target {
  readonly family: Family;
  readonly protocol: SocketProtocol;
  readonly destination: string;
  readonly port: number;
  /** Silence for so long is a timeout. */
  readonly timeoutMs: number;
  readonly sourceAddress?: string;
  readonly sourcePort?: number;
}

/** A name to be asked for, at one server, over UDP. */
export interface NameQuestion {
  /** `address` or `address:port`. */
  readonly server: string;
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV';
  readonly timeoutMs: number;
}

export interface Resolved {
  /** Null, or how it failed: `ENOTFOUND`, `ENODATA`, `ESERVFAIL`, `ETIMEOUT`, `ECONNREFUSED`. */
  readonly code: string | null;
  /** Addresses, or `priority weight port name`; sorted. */
  readonly records: readonly string[];
  /** Of the first address. */
  readonly ttl: number | null;
  readonly elapsedMs: number;
}

/**
 * One try as the client saw it. `refused` is a TCP reset or an ICMP port-unreachable; `failed` is any
 * other error, named by `code`.
 */
export interface Attempt {
  readonly verdict: 'answered' | 'refused' | 'timeout' | 'failed';
  readonly code: string | null;
  /** What the answering back end said; null unless answered. */
  readonly answer: Answer | null;
  readonly elapsedMs: number;
}

export interface Answer {
  readonly backend: string;
  /** Source address and port as the back end saw them. */
  readonly source: string;
  readonly sourcePort: number;
  /** The back end's own port. */
  readonly port: number;
}

export interface LoadReport {
  readonly attempts: number;
  readonly answered: number;
  readonly refused: number;
  /** Timeouts and errors other than a refusal. */
  readonly lost: number;
  readonly byBackend: Readonly<Record<string, number>>;
  readonly bySource: Readonly<Record<string, number>>;
  /** When each back end answered first, in milliseconds since 1970. */
  readonly firstAnswers: Readonly<Record<string, number>>;
  /** The first fifty attempts that were not answered; `at` is milliseconds since 1970. */
  readonly failures: readonly { readonly at: number; readonly verdict: string; readonly code: string | null }[];
  /** The slowest answer, in milliseconds. */
  readonly slowestMs: number;
}

/** The line a back end sends: its name, the source address and port it saw, and its own port. */
export function formatAnswer(answer: Answer): string {
  return `${answer.backend} ${answer.source} ${answer.sourcePort} ${answer.port}\n`;
}

/** Null for a line that no back end of the lab would send. */
export function parseAnswer(line: string): Answer | null {
  const [backend, source, sourcePort, port, ...rest] = line.trimEnd().split(' ');
  if (backend === undefined || source === undefined || rest.length > 0) return null;
  if (!/^\d+$/.test(sourcePort ?? '') || !/^\d+$/.test(port ?? '')) return null;
  return { backend, source, sourcePort: Number(sourcePort), port: Number(port) };
}

/** An IPv4 client of a dual-stack socket shows as `::ffff:a.b.c.d`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
