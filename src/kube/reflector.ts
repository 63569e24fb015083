import { backoffDelay } from './backoff.ts';
import type { Failure } from './reflector-failure.ts';
import { runPagedList } from './reflector-list.ts';
import type { ReflectorOptions, ReflectorState } from './reflector-types.ts';
import { runWatch } from './reflector-watch.ts';

/** Streaming lists that may fail in a row before this one list is read in pages. */
const maxBrokenStreams = 2;

/** Failures that may be peculiar to a streaming list; the others would meet any request. */
const streamFailures: ReadonlySet<string> = new Set(['WP_KUBE_RESET', 'WP_KUBE_STATUS', 'WP_KUBE_SHORT_WATCH']);

/** No server may send us away for longer. */
const maxRetryAfterMs = 300_000;

/**
 * Keeps a sink in step with one collection until the signal fires: list, watch from the version of the
 * list, resume from the last version seen. Nothing ends it; every failure is reported and tried again.
 */
export async function runReflector<T>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<void> {
  const state: ReflectorState = {
    version: null,
    known: new Set(),
    listed: false,
    streaming: true,
    brokenStreams: 0,
    paging: true,
    attempt: 0,
    failingSince: null,
  };
  while (!signal.aborted) {
    const paged = state.version === null && !mayStream(state);
    const ended = paged ? await runPagedList(options, state, signal) : await runWatch(options, state, signal);
    if (ended === null || signal.aborted) continue;
    await options.clock.sleep(settleFailure(options, state, ended), signal);
  }
}

function mayStream({ streaming, brokenStreams }: ReflectorState): boolean {
  return streaming && brokenStreams < maxBrokenStreams;
}

/** Decides what comes after a failure: the milliseconds to wait, and in `state` what is done then. */
function settleFailure<T>(options: ReflectorOptions<T>, state: ReflectorState, ended: Failure): number {
  const streaming = mayStream(state) && state.version === null;
  if (ended.next === 'unsupported' && streaming) {
    // Normal with servers before 1.32, hence no problem to report.
    state.streaming = false;
    return 0;
  }
  options.sink.problem(ended.problem);
  if (ended.next === 'unauthorized') options.client.forgetCredentials();
  // A refused watch cannot be repaired by repeating it: perhaps a list tells a version the server takes.
  if (ended.next === 'relist' || ended.next === 'unsupported') state.version = null;
  if (streaming && streamFailures.has(ended.problem.code)) state.brokenStreams += 1;
  const now = options.clock.now();
  state.failingSince ??= now;
  if (now - state.failingSince >= options.timings.outageMs) state.version = null;

  const delay = backoffDelay(state.attempt, options.timings.backoff, options.random);
  // "Too old" and "who are you" have a cure that need not wait, unless it did not help the last time.
  const atOnce = state.attempt === 0 && (ended.next === 'relist' || ended.next === 'unauthorized');
  state.attempt += 1;
  return Math.max(atOnce ? 0 : delay, Math.min(ended.retryAfterMs ?? 0, maxRetryAfterMs));
}
