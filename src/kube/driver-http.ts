import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import type { ApiRequest, ApiResponse, ApiWrite, WritingClient } from './client-api.ts';
import type { Credentials, Preparation, TlsMaterial } from './client-auth.ts';
import type { RequestObserver } from './client-seen.ts';

type Agent = HttpAgent | HttpsAgent;
type ProxyEnv = Record<string, string | undefined>;

/**
 * Probing starts after this much silence; Linux then gives up within seconds, as libuv sets interval and
 * count. It finds peers that vanished; silence of a living peer is found by {@link ApiRequest.idleMs}.
 */
const tcpKeepAliveMs = 30_000;

/**
 * An attempt to connect is given up after this long. The kernel repeats an unanswered one in ever longer intervals, so that it
 * would notice much later than a new attempt that the server is back (DNS specification 15.4).
 */
const longestConnectMs = 10_000;

export interface HttpClientOptions {
  readonly userAgent: string;
  /** `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count unless the kubeconfig names a proxy. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Counts requests; absent: nobody does. */
  readonly observeRequest?: RequestObserver;
  /** Milliseconds; 10,000 if not given. */
  readonly connectMs?: number;
}

/** Talks HTTP/1.1 to the server of these credentials; connections are kept and shared. */
export function createHttpClient(credentials: Credentials, client: HttpClientOptions): WritingClient {
  const { userAgent, env, observeRequest, connectMs = longestConnectMs } = client;
  const agents = new AgentPool(credentials.server, chooseProxy(credentials, env));
  const open = async (request: ApiRequest, content: Content | null, signal: AbortSignal): Promise<Outcome<ApiResponse>> => {
    // A plugin that takes its time must not hold up the end of the process.
    const prepared = await unlessAborted(credentials.prepare(), signal);
    if (prepared === null) return fail('WP_KUBE_UNREACHABLE', 'the request was given up');
    if (!prepared.ok) return prepared;
    const { headers } = prepared.value;
    const method = content?.method ?? 'GET';
    const options: RequestOptions = {
      agent: agents.choose(prepared.value),
      method,
      headers: { ...headers, ...content?.headers, accept: 'application/json', 'user-agent': userAgent },
      signal,
    };
    const started = performance.now();
    const answer = await openResponse(
      locate(credentials.server, request),
      options,
      { idleMs: request.idleMs, connectMs },
      content?.text ?? '',
    );
    const code = answer.ok ? String(answer.value.status) : '<error>';
    observeRequest?.({ method, host: credentials.server.host, code, took: performance.now() - started });
    return answer;
  };
  return {
    get: (request, signal) => open(request, null, signal),
    send: (request, signal) => open(request, contentOf(request), signal),
    forgetCredentials: () => credentials.forget(),
    close: () => agents.close(),
  };
}

interface Content {
  readonly method: ApiWrite['method'];
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

function contentOf({ method, body }: ApiWrite): Content {
  const text = JSON.stringify(body);
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  return { method, headers: { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }, text };
}

/** One agent for as long as the TLS material stays the same; rotated certificates bring new connections. */
class AgentPool {
  readonly #server: URL;
  readonly #proxyEnv: ProxyEnv;
  #agent: Agent | null = null;
  #fingerprint = '';

  constructor(server: URL, proxyEnv: ProxyEnv) {
    this.#server = server;
    this.#proxyEnv = proxyEnv;
  }

  choose({ tls }: Preparation): Agent {
    const fingerprint = createHash('sha256').update(JSON.stringify(tls)).digest('base64');
    if (this.#agent !== null && this.#fingerprint === fingerprint) return this.#agent;
    // The old agent's running watch goes on until its server ends it; nothing new is opened on it.
    this.#agent = this.#create(tls);
    this.#fingerprint = fingerprint;
    return this.#agent;
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  #create(tls: TlsMaterial): Agent {
    // One octet is enough to stop reading: while a watch gathers changes, the kernel keeps them, and nothing wakes up for each.
    const common = { keepAlive: true, keepAliveMsecs: tcpKeepAliveMs, proxyEnv: this.#proxyEnv, highWaterMark: 1 };
    return this.#server.protocol === 'https:' ? new HttpsAgent({ ...common, ...tls }) : new HttpAgent(common);
  }
}

/** What the work gives, or null as soon as the signal fires. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const giveUp = (): void => resolve(null);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Loopback servers are never reached through a proxy of the environment, as in Go's net/http. */
function chooseProxy({ proxyUrl, server }: Credentials, env: HttpClientOptions['env']): ProxyEnv {
  if (proxyUrl !== null) return { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl };
  return /^(localhost|127\..*|\[::1\])$/.test(server.hostname) ? {} : { ...env };
}

function locate(server: URL, request: ApiRequest): URL {
  const url = new URL(server);
  // A server behind a gateway may have a path of its own.
  url.pathname = `${server.pathname.replace(/\/$/, '')}${request.path}`;
  url.search = new URLSearchParams(request.query).toString();
  return url;
}

function openResponse(
  url: URL,
  options: RequestOptions,
  { idleMs, connectMs }: { readonly idleMs: number; readonly connectMs: number },
  body: string,
): Promise<Outcome<ApiResponse>> {
  const { promise, resolve } = Promise.withResolvers<Outcome<ApiResponse>>();
  try {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
    const patience = setTimeout(() => request.destroy(new SilenceError(idleMs)), idleMs);
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const limit = setTimeout(() => request.destroy(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
      for (const event of ['connect', 'close'] as const) socket.once(event, () => clearTimeout(limit));
    });
    request.on('response', (message) => {
      clearTimeout(patience);
      resolve(succeed(new Body(message, url, idleMs)));
    });
    // Stays for the whole life of the request: an error after the response is told by the body.
    request.on('error', (cause) => {
      clearTimeout(patience);
      resolve({ ok: false, problem: explainError(url, cause) });
    });
    request.end(body);
  } catch (cause) {
    // Node refuses a header with forbidden characters; only a token can have them here.
    resolve(fail('WP_KUBE_CREDENTIALS', `credentials for ${url.origin} cannot be sent: ${String(cause)}`, cause));
  }
  return promise;
}

class Body implements ApiResponse {
  readonly status: number;
  readonly retryAfterMs: number | null;
  readonly #message: IncomingMessage;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #url: URL;
  #idleMs: number;

  constructor(message: IncomingMessage, url: URL, idleMs: number) {
    this.status = message.statusCode ?? 0;
    this.retryAfterMs = readRetryAfter(message.headers['retry-after']);
    this.#message = message;
    // An abort between two reads has no other listener; the next read tells of it.
    message.on('error', () => {});
    this.#chunks = message[Symbol.asyncIterator]();
    this.#url = url;
    this.#idleMs = idleMs;
  }

  async read(): Promise<Outcome<Uint8Array | null>> {
    const patience = setTimeout(() => this.#message.destroy(new SilenceError(this.#idleMs)), this.#idleMs);
    try {
      const { done, value } = await this.#chunks.next();
      return succeed(done === true ? null : value);
    } catch (cause) {
      return { ok: false, problem: explainBreak(this.#url, cause) };
    } finally {
      clearTimeout(patience);
    }
  }

  allowIdle(ms: number): void {
    this.#idleMs = ms;
  }

  close(): void {
    if (!this.#message.complete) this.#message.destroy();
  }
}

class SilenceError extends Error {
  constructor(ms: number) {
    super(`nothing was received for ${ms / 1000} s`);
  }
}

/** Seconds only; the API server never sends a date. */
function readRetryAfter(header: string | undefined): number | null {
  return header !== undefined && /^[0-9]{1,6}$/.test(header) ? Number(header) * 1000 : null;
}

function explainError(url: URL, cause: Error): Problem {
  if (cause instanceof SilenceError) return explainBreak(url, cause);
  const code = 'code' in cause ? String(cause.code) : '';
  const tls = /^(CERT|ERR_TLS|ERR_SSL|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code);
  const why = cause.message === '' ? code : cause.message;
  return tls
    ? { code: 'WP_KUBE_TLS', message: `API server ${url.origin} and this node do not trust each other: ${why}`, cause }
    : { code: 'WP_KUBE_UNREACHABLE', message: `API server ${url.origin} cannot be reached: ${why}`, cause };
}

function explainBreak(url: URL, cause: unknown): Problem {
  const why = cause instanceof Error ? cause.message : String(cause);
  return cause instanceof SilenceError
    ? { code: 'WP_KUBE_SILENT', message: `API server ${url.origin}: ${why}`, cause }
    : {
        code: 'WP_KUBE_RESET',
        message: `API server ${url.origin} ended the connection in the middle of an answer: ${why}`,
        cause,
      };
}
