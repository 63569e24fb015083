import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatEndpoint } from '../model/mod.ts';
import type { Problem } from '../model/mod.ts';
import type { Clock } from '../model/mod.ts';
import { closeServers, serveHttp } from './http-serve.ts';
import type { Answer } from './http-serve.ts';

export interface HttpListenerOptions {
  /** What it serves, for messages: `health`, `metrics`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly answer: Answer;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
  /** Milliseconds between two attempts to bind; the reference waits 5 s. */
  readonly retryAfter?: number;
}

/** A plain HTTP server that keeps trying to bind its address until it is closed. */
export class HttpListener implements AsyncDisposable {
  readonly #options: HttpListenerOptions;
  #servers: readonly Server[] = [];
  #cancelRetry: (() => void) | null = null;
  #closed = false;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
  }

  /** Makes the first attempt to bind and settles when that is over, whether or not it succeeded. */
  async start(): Promise<void> {
    this.#cancelRetry = null;
    const { name, host, port, report, clock, retryAfter = 5000 } = this.#options;
    const error = await this.#bind();
    if (this.#closed) await this.#release();
    if (error === null || this.#closed) return;
    const place = formatEndpoint(host, port);
    const message = `the ${name} address ${place} cannot be bound (${error.message}); trying again in ${retryAfter / 1000} s`;
    report({ code: 'WP_OBSERVE_BIND', message, cause: error });
    this.#cancelRetry = clock.after(retryAfter, () => void this.start());
  }

  /** What it serves and where it is to be bound. */
  get address(): { readonly name: string; readonly host: string; readonly port: number } {
    const { name, host, port } = this.#options;
    return { name, host, port };
  }

  /** How it answers, for who serves the same elsewhere. */
  get answer(): Answer {
    return this.#options.answer;
  }

  /** The addresses that are bound now; empty while the port is taken. */
  get bound(): readonly AddressInfo[] {
    return this.#servers.map((server) => server.address()).filter((address) => address !== null && typeof address === 'object');
  }

  /** Stops listening and drops open connections. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #bind(): Promise<Error | null> {
    const { host, port } = this.#options;
    const [first = host, second = null] = bindHosts(host, isV6OnlyDefault());
    const error = await this.#listen(first, port);
    if (error !== null) return isUnspecified(host) && isNoIpv6(error) ? await this.#listen('0.0.0.0', port) : error;
    if (second === null) return null;
    const secondError = await this.#listen(second, this.bound[0]?.port ?? port);
    if (secondError === null || isNoIpv6(secondError)) return null;
    await this.#release();
    return secondError;
  }

  async #listen(host: string, port: number): Promise<Error | null> {
    const { answer, report } = this.#options;
    const server = await serveHttp({ at: { host, port }, answer, report });
    if (server instanceof Error) return server;
    this.#servers = [...this.#servers, server];
    return null;
  }

  async #release(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    await closeServers(servers);
  }
}

/**
 * The hosts to bind for one that the configuration names. A wildcard of either family serves both: one IPv6
 * socket that takes IPv4 as well, or two sockets where `net.ipv6.bindv6only` forbids that.
 */
export function bindHosts(host: string, v6Only: boolean): readonly string[] {
  if (!isUnspecified(host)) return [host];
  return v6Only ? ['0.0.0.0', '::'] : ['::'];
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isNoIpv6(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EPROTONOSUPPORT';
}

function isV6OnlyDefault(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv6/bindv6only', 'utf8').trim() === '1';
  } catch {
    return false;
  }
}
