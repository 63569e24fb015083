import { lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Problem } from '../model/mod.ts';
import { closeServers, serveHttp } from './http-serve.ts';
import type { Answer } from './http-serve.ts';

export interface SocketListenerOptions {
  /** Absolute; the folder is there already, or nothing is served. */
  readonly path: string;
  readonly answer: Answer;
  /** A socket is a convenience: what is wrong with it ends nothing. */
  readonly report: (problem: Problem) => void;
}

/** The same plain HTTP on a socket of the file system, for the user of this process alone (mode 0600). */
export class SocketListener implements AsyncDisposable {
  readonly #options: SocketListenerOptions;
  #server: Server | null = null;

  constructor(options: SocketListenerOptions) {
    this.#options = options;
  }

  /** Binds it; a socket that nobody listens on any more is replaced. */
  async start(): Promise<void> {
    const { path } = this.#options;
    let server = await this.#listen();
    if (server instanceof Error && codeOf(server) === 'EADDRINUSE' && (await isStale(path))) {
      await unlink(path).catch(() => {});
      server = await this.#listen();
    }
    if (!(server instanceof Error)) this.#server = server;
    else if (codeOf(server) === 'EADDRINUSE') this.#tell('something else listens there', server);
    else this.#tell(server.message, server);
  }

  /** Whether it serves. */
  get listening(): boolean {
    return this.#server !== null;
  }

  /** Stops listening, drops open connections and takes the file away. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    // libuv unlinks the file of a socket that it closes.
    if (server !== null) await closeServers([server]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listen(): Promise<Server | Error> {
    const { path, answer, report } = this.#options;
    // bind(2) makes the file with what the mask leaves, within the call: there is no moment at which others may connect.
    const mask = process.umask(0o177);
    const serving = serveHttp({ at: { path }, answer, report });
    process.umask(mask);
    return await serving;
  }

  #tell(reason: string, cause: Error): void {
    const message = `the socket ${this.#options.path} cannot be served (${reason}): commands have to ask by address`;
    this.#options.report({ code: 'WP_OBSERVE_SOCKET', message, cause });
  }
}

/** A socket that an agent left which was killed refuses connections, and so does a file that is none; that is somebody's. */
async function isStale(path: string): Promise<boolean> {
  if ((await lstat(path).catch(() => null))?.isSocket() !== true) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path, () => resolve(false));
  probe.on('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  const stale = await promise;
  probe.destroy();
  return stale;
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
