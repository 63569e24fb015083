import type { Outcome } from '../model/mod.ts';

/** A GET of one collection. */
export interface ApiRequest {
  /** Absolute path, for example `/api/v1/services`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Longest wait for the status line, and after that between two pieces of the body. */
  readonly idleMs: number;
}

/** A request that changes something. */
export interface ApiWrite extends ApiRequest {
  readonly method: 'POST' | 'PATCH';
  /** Sent as JSON. */
  readonly body: object;
}

/** An answer that has begun. */
export interface ApiResponse {
  readonly status: number;
  /** What `Retry-After` asks for, where it gives seconds. */
  readonly retryAfterMs: number | null;
  /**
   * The next piece of the body, or null at its regular end. Fails with `WP_KUBE_SILENT` after a longer
   * wait than allowed and `WP_KUBE_RESET` where the connection ends in the middle.
   */
  read(): Promise<Outcome<Uint8Array | null>>;
  /** Changes the allowed wait from the next `read` on. */
  allowIdle(ms: number): void;
  /** Drops the connection unless the body was read to its end. */
  close(): void;
}

/** The way to one API server. */
export interface ApiClient {
  /**
   * Fails with `WP_KUBE_UNREACHABLE`, `WP_KUBE_TLS`, `WP_KUBE_SILENT` or `WP_KUBE_CREDENTIALS`; any HTTP
   * status is success. The signal ends the request and its body.
   */
  get(request: ApiRequest, signal: AbortSignal): Promise<Outcome<ApiResponse>>;
  /** After a 401: the next request shall not use what was cached. */
  forgetCredentials(): void;
  close(): void;
}

/** A client that may change objects as well. */
export interface WritingClient extends ApiClient {
  /** As `get`. A PATCH is a merge patch (RFC 7386). */
  send(request: ApiWrite, signal: AbortSignal): Promise<Outcome<ApiResponse>>;
}
