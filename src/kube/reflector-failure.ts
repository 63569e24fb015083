import type { Outcome, Problem } from '../model/mod.ts';
import type { ApiResponse } from './client-api.ts';

/**
 * Why a list or a watch did not go on, sorted by what has to happen next. `relist`: the version we would
 * resume from is of no use. `unauthorized`: fetch new credentials. `unsupported`: the server does not
 * offer streaming lists. `again`: the same request later.
 */
export interface Failure {
  readonly next: 'relist' | 'unauthorized' | 'unsupported' | 'again';
  readonly problem: Problem;
  /** The server's own wish for how long to stay away. */
  readonly retryAfterMs: number | null;
}

/** A failure that brings no wish of the server. */
export function failure(next: Failure['next'], problem: Problem): Failure {
  return { next, problem, retryAfterMs: null };
}

/** The part of a meta/v1 Status that decides what to do. */
export interface ApiStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** Status bodies are short; more than this is not read. */
const maxStatusBytes = 65_536;

/** Reads an answer that is not 2xx and sorts it. */
export async function readFailure(what: string, response: ApiResponse): Promise<Failure> {
  const status = readStatus(await readText(response), response.status);
  response.close();
  return sortStatus(what, { ...status, retryAfterMs: response.retryAfterMs ?? status.retryAfterMs });
}

/** What a Status, as the answer or as an ERROR event in a watch, asks for. */
export function sortStatus(what: string, status: ApiStatus): Failure {
  const said = status.message === '' ? status.reason : status.message;
  const message = `${what}: the API server answered ${status.code}${said === '' ? '' : `: ${said}`}`;
  const sorted = (next: Failure['next'], code: Problem['code']): Failure => ({
    next,
    problem: { code, message },
    retryAfterMs: status.retryAfterMs,
  });
  if (status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone') return sorted('relist', 'WP_KUBE_EXPIRED');
  if (status.code === 401) return sorted('unauthorized', 'WP_KUBE_UNAUTHORIZED');
  if (status.code === 403) return sorted('again', 'WP_KUBE_FORBIDDEN');
  // 400 from servers that know neither parameter, 422 where the feature gate WatchList is off (KEP-3157).
  if (status.code === 400 || status.code === 422) return sorted('unsupported', 'WP_KUBE_REFUSED');
  if (status.code === 429) return sorted('again', 'WP_KUBE_BUSY');
  return sorted('again', 'WP_KUBE_STATUS');
}

/** Reads what may be a Status; `fallbackCode` stands where it names no code. */
export function readStatus(value: unknown, fallbackCode: number): ApiStatus {
  const status = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const details = status['details'];
  const seconds =
    typeof details === 'object' && details !== null && 'retryAfterSeconds' in details ? details.retryAfterSeconds : 0;
  return {
    code: typeof status['code'] === 'number' ? status['code'] : fallbackCode,
    reason: typeof status['reason'] === 'string' ? status['reason'] : '',
    message: typeof status['message'] === 'string' ? status['message'] : '',
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : null,
  };
}

/** The body as JSON, or as the message of a Status that a gateway did not know to make. */
export async function readText(response: ApiResponse): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (size < maxStatusBytes) {
    const piece: Outcome<Uint8Array | null> = await response.read();
    if (!piece.ok || piece.value === null) break;
    pieces.push(piece.value);
    size += piece.value.length;
  }
  const text = Buffer.concat(pieces).toString();
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200).trim() };
  }
}
