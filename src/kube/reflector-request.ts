import type { Outcome } from '../model/mod.ts';
import type { ApiResponse } from './client-api.ts';
import { failure, readFailure } from './reflector-failure.ts';
import type { Failure } from './reflector-failure.ts';
import type { ReflectorOptions, ReflectorState } from './reflector-types.ts';

export type Answer = { readonly ok: true; readonly response: ApiResponse } | { readonly ok: false; readonly failure: Failure };

/**
 * Sends one request; anything but a 2xx answer is a failure. The rate limit counts a list once, whatever
 * its pages: they follow one another anyway, and five a second would delay a large cluster by seconds.
 */
export async function sendRequest<T>(
  options: ReflectorOptions<T>,
  state: ReflectorState,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const { resource, client, clock, timings } = options;
  if (query['continue'] === undefined) await clock.sleep(options.takeTurn(), signal);
  const request = { path: resource.path, query: { ...query, ...resource.selectors }, idleMs: timings.requestIdleMs };
  const answer: Outcome<ApiResponse> = await client.get(request, signal);
  if (!answer.ok) return { ok: false, failure: failure('again', answer.problem) };
  const response = answer.value;
  if (response.status < 200 || response.status > 299) {
    return { ok: false, failure: await readFailure(resource.name, response) };
  }
  state.failingSince = null;
  return { ok: true, response };
}
