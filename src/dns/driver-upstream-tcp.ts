import { formatEndpoint } from '../model/mod.ts';
import type { Clock } from '../model/mod.ts';
import { UpstreamConnection } from './driver-upstream-connection.ts';
import type { Exchange } from './driver-upstream-connection.ts';
import type { ForwardObserver, ReplyListener, UpstreamTransport } from './forward-ports.ts';
import type { Upstream } from './settings.ts';

export interface UpstreamTcpOptions {
  readonly clock: Clock;
  /** How long an idle connection is kept. */
  readonly expireMs: number;
  readonly observer: Pick<ForwardObserver, 'connHit' | 'connMiss'>;
}

/** So many connections are opened before queries share them: a server may answer those of one connection in order only. */
const spread = 4;

/** Queries of one connection; more open another. */
const mostWaiting = 256;

/** A connection that was waited for so long without a word gets no further query. */
const silentMs = 1000;

/** TCP to upstreams: connections are kept, shared and given up when idle (specification 11.7, RFC 7766 6.2). */
export function openUpstreamTcp(options: UpstreamTcpOptions): UpstreamTransport {
  const pools = new Map<string, Pool>();
  return {
    send(to, query, listener) {
      const label = formatEndpoint(to.address, to.port);
      const pool = pools.get(label) ?? new Pool(to, label, options);
      pools.set(label, pool);
      return pool.send(query, listener);
    },
    close() {
      for (const pool of pools.values()) pool.close();
      pools.clear();
    },
  };
}

/** The connections to one upstream. */
class Pool {
  readonly #to: Upstream;
  readonly #label: string;
  readonly #options: UpstreamTcpOptions;
  readonly #connections = new Set<UpstreamConnection>();
  #closed = false;

  constructor(to: Upstream, label: string, options: UpstreamTcpOptions) {
    this.#to = to;
    this.#label = label;
    this.#options = options;
  }

  send(query: Uint8Array, listener: ReplyListener): () => void {
    const id = ((query[0] ?? 0) << 8) | (query[1] ?? 0);
    const used = this.#choose(id);
    if (used !== null) this.#options.observer.connHit(this.#label, 'tcp');
    const connection = used ?? this.#open();
    const exchange: Exchange = { id, query, listener, connection, fresh: used === null, since: this.#options.clock.now() };
    connection.send(exchange);
    return () => exchange.connection.forget(exchange);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
  }

  /** An idle connection first, then a new one, then the one with the fewest queries. Null: a new one. */
  #choose(id: number): UpstreamConnection | null {
    let best: UpstreamConnection | null = null;
    let living = 0;
    for (const connection of this.#connections) {
      if (connection.isSilent(silentMs)) continue;
      living += 1;
      if (connection.waiting >= mostWaiting || !connection.takes(id)) continue;
      if (best === null || connection.waiting < best.waiting) best = connection;
    }
    return best !== null && (best.waiting === 0 || living >= spread) ? best : null;
  }

  #open(): UpstreamConnection {
    const { clock, expireMs, observer } = this.#options;
    observer.connMiss(this.#label, 'tcp');
    const connection = new UpstreamConnection(this.#to, clock, expireMs, (lost, reason) => {
      this.#connections.delete(connection);
      for (const exchange of lost) this.#lose(exchange, reason);
    });
    this.#connections.add(connection);
    return connection;
  }

  /** The upstream may have ended an idle connection at the moment a query went out: that says nothing about the query. */
  #lose(exchange: Exchange, reason: string): void {
    if (exchange.fresh || this.#closed) {
      exchange.listener.failed(reason);
      return;
    }
    exchange.fresh = true;
    exchange.since = this.#options.clock.now();
    exchange.connection = this.#open();
    exchange.connection.send(exchange);
  }
}
