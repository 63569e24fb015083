import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Problem } from '../model/mod.ts';

/** An answer to a request. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Writes on after the body until one of both ends it; called once the head is sent. The result is called when the reader is gone. */
  readonly stream?: (sink: Sink) => () => void;
}

/** What a streamed answer is written to. */
export interface Sink {
  /** False: the reader is behind, and what is written now waits in memory. */
  write(text: string): boolean;
  /** Calls back once, when nothing waits any more. */
  onDrain(callback: () => void): void;
  /** Drops the connection. */
  drop(): void;
}

/** What was asked beside the path. */
export interface Question {
  readonly method: string;
  readonly query: URLSearchParams;
  /** A header by its name in lower case; null: there is none. */
  header(name: string): string | null;
  /** The address and port that the request came to. */
  readonly local: { readonly address: string; readonly port: number };
  /** The body as text; null where it is longer than 4096 bytes. */
  body(): Promise<string | null>;
}

/** Answers a path (no query), whatever the method. Null: 404. */
export type Answer = (path: string, question: Question) => Reply | null | Promise<Reply | null>;

/** Bytes of a request's body that are read. */
const longestBody = 4096;

export interface ServeOptions {
  /** An address and a port, with IPv4 kept off the wildcard `::` where `ipv6Only` says so; or the path of a socket. */
  readonly at: { readonly host: string; readonly port: number; readonly ipv6Only?: boolean } | { readonly path: string };
  readonly answer: Answer;
  readonly report: (problem: Problem) => void;
}

/** Serves plain HTTP on one address or socket. The error where it cannot be bound. */
export async function serveHttp(options: ServeOptions): Promise<Server | Error> {
  const { at, report } = options;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    void respond(request, response, options);
  });
  const { promise, resolve } = Promise.withResolvers<Server | Error>();
  server.once('error', resolve);
  server.listen(at, () => {
    server.off('error', resolve);
    server.on('error', (cause) => report({ code: 'WP_OBSERVE_SERVER', message: cause.message, cause }));
    resolve(server);
  });
  return await promise;
}

/** Stops listening and drops open connections. */
export async function closeServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map((server) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    }),
  );
}

async function respond(request: IncomingMessage, response: ServerResponse, { answer, report }: ServeOptions): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split(/[?#]/);
  const question: Question = {
    method: request.method ?? 'GET',
    query: new URLSearchParams(query),
    header: (name) => [request.headers[name]].flat()[0] ?? null,
    local: { address: request.socket.localAddress ?? '', port: request.socket.localPort ?? 0 },
    body: () => readBody(request),
  };
  let reply: Reply;
  try {
    reply = (await answer(path, question)) ?? plainReply(404, '404 page not found\n');
  } catch (cause) {
    // One page that cannot be made must not end an agent that programs the kernel.
    report({ code: 'WP_OBSERVE_PAGE', message: `the page ${path} could not be made: ${String(cause)}`, cause });
    reply = plainReply(500, 'this page could not be made; the log says why\n');
  }
  request.resume();
  if (reply.stream !== undefined) {
    pipeStream(response, reply, reply.stream);
    return;
  }
  response.writeHead(reply.status, { ...reply.headers, 'Content-Length': Buffer.byteLength(reply.body) });
  response.end(reply.body);
}

function pipeStream(response: ServerResponse, reply: Reply, stream: NonNullable<Reply['stream']>): void {
  response.writeHead(reply.status, reply.headers);
  response.write(reply.body);
  const end = stream({
    // A write to a connection that was just lost would be an error that nobody awaits.
    write: (text) => !response.destroyed && response.write(text),
    onDrain: (callback) => void response.once('drain', callback),
    drop: () => void response.destroy(),
  });
  // Who hung up while the answer was made is told of at once: no event comes any more.
  if (response.closed) end();
  else response.once('close', end);
}

/** A reply of text that no browser may take for anything else. */
export function plainReply(status: number, body: string): Reply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }, body };
}

/** A reply of JSON. */
export function jsonReply(status: number, value: unknown): Reply {
  const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };
  return { status, headers, body: JSON.stringify(value) };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length <= longestBody) parts.push(part);
  }
  if (length > longestBody) return null;
  return Buffer.concat(parts).toString('utf8');
}
