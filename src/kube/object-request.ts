import type { Outcome, Problem, Stored } from '../model/mod.ts';
import type { ApiResponse, WritingClient } from './client-api.ts';
import { readFailure } from './reflector-failure.ts';

/** How objects of one kind are asked for. */
export interface ObjectAccess {
  readonly client: WritingClient;
  /** What they are called in messages. */
  readonly name: string;
  /** Waits until the next request may be sent. */
  readonly takeTurn: (signal: AbortSignal) => Promise<void>;
}

/** One request about one object. */
export interface ObjectRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  /** Of a POST or PATCH. */
  readonly body: object;
}

const idleMs = 10_000;

/** Larger than any object that etcd takes (1.5 MiB), as JSON with its escapes. */
const largestObject = 8 * 1024 * 1024;

/**
 * Sends the request and reads the object of the answer. A PATCH whose `metadata.resourceVersion` is not that of the object is a
 * `conflict`, as is a POST for what exists.
 */
export async function requestObject(access: ObjectAccess, request: ObjectRequest, signal: AbortSignal): Promise<Stored<unknown>> {
  const { client, name, takeTurn } = access;
  await takeTurn(signal);
  const { method, path, body } = request;
  const common = { path, query: {}, idleMs };
  const sent = method === 'GET' ? client.get(common, signal) : client.send({ ...common, method, body }, signal);
  const answer: Outcome<ApiResponse> = await sent;
  if (!answer.ok) return { kind: 'failed', problem: answer.problem };
  const response = answer.value;
  if (response.status >= 200 && response.status <= 299) return await readObject(response, path);
  const failure = await readFailure(name, response);
  if (response.status === 409) return { kind: 'conflict' };
  // A POST that finds nothing lacks its namespace, which nobody here can make.
  if (response.status === 404 && method !== 'POST') return { kind: 'missing' };
  if (failure.next === 'unauthorized') client.forgetCredentials();
  return { kind: 'failed', problem: failure.problem };
}

/** Makes the object of an answer what it stands for. */
export function mapStored<T, R>(answer: Stored<T>, map: (value: T) => R): Stored<R> {
  return answer.kind === 'done' ? { kind: 'done', value: map(answer.value) } : answer;
}

async function readObject(response: ApiResponse, path: string): Promise<Stored<unknown>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const piece = await response.read();
    if (!piece.ok) return { kind: 'failed', problem: piece.problem };
    if (piece.value === null) break;
    pieces.push(piece.value);
    size += piece.value.length;
    if (size > largestObject) {
      response.close();
      return { kind: 'failed', problem: badObject(path, `has more than ${largestObject} octets`) };
    }
  }
  try {
    return { kind: 'done', value: JSON.parse(Buffer.concat(pieces).toString()) };
  } catch {
    return { kind: 'failed', problem: badObject(path, 'is not JSON') };
  }
}

function badObject(path: string, what: string): Problem {
  return { code: 'WP_KUBE_OBJECT', message: `the API server's answer for ${path} ${what}` };
}
