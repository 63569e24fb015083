import type { Outcome, Problem } from '../model/mod.ts';
import type { ApiResponse, WritingClient } from './client-api.ts';
import { eventName, eventNamespace, readCount, renderEvent, renderSeries } from './event-object.ts';
import type { AgentEvent, EventSeries, EventSubject } from './event-object.ts';
import { failure, readFailure, readText } from './reflector-failure.ts';
import type { Failure } from './reflector-failure.ts';

export interface SendOptions {
  readonly client: WritingClient;
  /** The Node's name. */
  readonly instance: string;
  /** Longest silence of the server, in milliseconds. */
  readonly idleMs: number;
}

/**
 * What became of an Event. `sent`: the server now counts `count`. `again`: worth another try. `refused`: it
 * will never be taken.
 */
export type Sent =
  | { readonly kind: 'sent'; readonly count: number }
  | { readonly kind: 'again'; readonly problem: Problem; readonly retryAfterMs: number | null }
  | { readonly kind: 'refused'; readonly problem: Problem };

/**
 * Makes the server's Event say that it happened `count` more times, whether or not it is there already.
 * `known` is what the server counts as far as we know, or null where we have never sent it.
 */
export async function sendEvent(
  event: AgentEvent,
  series: EventSeries,
  known: number | null,
  options: SendOptions,
  signal: AbortSignal,
): Promise<Sent> {
  if (known !== null) {
    const patched = await patchEvent(event, { ...series, count: known + series.count }, options, signal);
    // Events expire after an hour or so: what is gone begins anew.
    if (patched !== 'missing') return patched;
  }
  const created = await createEvent(event, series, options, signal);
  if (created !== 'exists') return created;
  const earlier = await readEventCount(event, options, signal);
  if (typeof earlier !== 'number') return earlier;
  const patched = await patchEvent(event, { ...series, count: earlier + series.count }, options, signal);
  return patched === 'missing' ? again('WP_KUBE_STATUS', 'the Event went away while it was being counted') : patched;
}

async function createEvent(
  event: AgentEvent,
  series: EventSeries,
  { client, instance, idleMs }: SendOptions,
  signal: AbortSignal,
): Promise<Sent | 'exists'> {
  const uid = await findUid(event.about, client, idleMs, signal);
  const body = renderEvent(event, instance, uid, series);
  const answer = await client.send({ method: 'POST', path: collectionPath(event), query: {}, idleMs, body }, signal);
  if (answer.ok && answer.value.status === 409) {
    await readText(answer.value);
    return 'exists';
  }
  return settle(answer, series.count, client);
}

async function patchEvent(
  event: AgentEvent,
  series: EventSeries,
  { client, instance, idleMs }: SendOptions,
  signal: AbortSignal,
): Promise<Sent | 'missing'> {
  const path = `${collectionPath(event)}/${eventName(event, instance)}`;
  const answer = await client.send({ method: 'PATCH', path, query: {}, idleMs, body: renderSeries(series) }, signal);
  if (answer.ok && answer.value.status === 404) {
    await readText(answer.value);
    return 'missing';
  }
  return settle(answer, series.count, client);
}

async function readEventCount(
  event: AgentEvent,
  { client, instance, idleMs }: SendOptions,
  signal: AbortSignal,
): Promise<Sent | number> {
  const path = `${collectionPath(event)}/${eventName(event, instance)}`;
  const answer = await client.get({ path, query: {}, idleMs }, signal);
  if (answer.ok && answer.value.status === 200) return readCount(await readText(answer.value));
  // The node's role may write Events and not read them; then the count begins anew.
  if (answer.ok && (answer.value.status === 403 || answer.value.status === 404)) {
    await readText(answer.value);
    return 1;
  }
  return settle(answer, 0, client);
}

/**
 * The subject's uid, by which `kubectl describe` finds Events. For Nodes the name stands in, as with kubelet;
 * a Service is looked up, and where that fails the Event is worth sending without.
 */
async function findUid(about: EventSubject, client: WritingClient, idleMs: number, signal: AbortSignal): Promise<string> {
  if (about.kind === 'Node') return about.name;
  // The role of a proxy may list Services and not get one.
  const fieldSelector = `metadata.namespace=${about.namespace},metadata.name=${about.name}`;
  const answer = await client.get({ path: '/api/v1/services', query: { fieldSelector, limit: '1' }, idleMs }, signal);
  if (!answer.ok) return '';
  const list = (await readText(answer.value)) as { items?: readonly { metadata?: { uid?: unknown } }[] } | null;
  const uid = answer.value.status === 200 ? list?.items?.[0]?.metadata?.uid : undefined;
  return typeof uid === 'string' ? uid : '';
}

async function settle(answer: Outcome<ApiResponse>, count: number, client: WritingClient): Promise<Sent> {
  if (!answer.ok) return toSent(failure('again', answer.problem), 0);
  const { status } = answer.value;
  if (status >= 200 && status <= 299) {
    await readText(answer.value);
    return { kind: 'sent', count };
  }
  const failed = await readFailure('events', answer.value);
  if (failed.next === 'unauthorized') client.forgetCredentials();
  return toSent(failed, status);
}

/** The server's own trouble passes; what it understood and refused stays refused. */
function toSent({ problem, retryAfterMs }: Failure, status: number): Sent {
  const passes = status === 0 || status === 401 || status === 409 || status === 429 || status >= 500;
  return passes ? { kind: 'again', problem, retryAfterMs } : { kind: 'refused', problem };
}

function again(code: Problem['code'], message: string): Sent {
  return { kind: 'again', problem: { code, message }, retryAfterMs: null };
}

function collectionPath({ about }: AgentEvent): string {
  return `/apis/events.k8s.io/v1/namespaces/${eventNamespace(about)}/events`;
}
