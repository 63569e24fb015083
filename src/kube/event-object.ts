import { createHash } from 'node:crypto';
import { formatMicroTime } from './micro-time.ts';

/** What an Event is about. */
export type EventSubject =
  | { readonly kind: 'Node'; readonly name: string }
  | { readonly kind: 'Service'; readonly namespace: string; readonly name: string };

/** Something that `kubectl describe` should show. */
export interface AgentEvent {
  readonly about: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase, why the event happened. */
  readonly reason: string;
  /** One word in CamelCase, what was done or failed. */
  readonly action: string;
  /** A sentence, or empty. */
  readonly message: string;
}

/** How often one event happened. */
export interface EventSeries {
  readonly count: number;
  /** Milliseconds since 1970 of the last time. */
  readonly lastAt: number;
}

/** Who reports (specification 9.6). */
const controller = 'kube-proxy';

/** Limits of events.k8s.io/v1 and of an object's name (RFC 1123 subdomain). */
const longest = { note: 1024, instance: 128, name: 253 } as const;

/** The subject as text: `Node/a` or `Service/b/c`. */
export function subjectKey(about: EventSubject): string {
  return about.kind === 'Node' ? `Node/${about.name}` : `Service/${about.namespace}/${about.name}`;
}

/** Where the Event is kept: Events about Nodes, which have no namespace, in `default`. */
export function eventNamespace(about: EventSubject): string {
  return about.kind === 'Node' ? 'default' : about.namespace;
}

/**
 * The Event's name: the subject's and a hash of everything that makes two events the same. A restarted
 * agent counts on in the Event of its predecessor instead of adding one.
 */
export function eventName(event: AgentEvent, instance: string): string {
  const { about, type, reason, action, message } = event;
  const identity = JSON.stringify([subjectKey(about), type, reason, action, message, instance]);
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return `${about.name.slice(0, longest.name - digest.length - 1).replace(/[-.]+$/, '')}.${digest}`;
}

/**
 * An events.k8s.io/v1 Event that happened `series.count` times, last at `series.lastAt`. `instance` is the
 * Node's name, `uid` the subject's if known.
 */
export function renderEvent(event: AgentEvent, instance: string, uid: string, series: EventSeries): object {
  const { about, type, reason, action, message } = event;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: eventName(event, instance), namespace: eventNamespace(about) },
    eventTime: formatMicroTime(series.lastAt),
    reportingController: controller,
    reportingInstance: instance.slice(0, longest.instance),
    action,
    reason,
    regarding: {
      apiVersion: 'v1',
      kind: about.kind,
      name: about.name,
      ...(about.kind === 'Node' ? {} : { namespace: about.namespace }),
      uid,
    },
    note: cutBytes(message, longest.note),
    type,
    ...(series.count > 1 ? renderSeries(series) : {}),
  };
}

/** The part of an Event that counts; the API server accepts no series of fewer than two. */
export function renderSeries({ count, lastAt }: EventSeries): { readonly series: object } {
  return { series: { count: Math.max(2, count), lastObservedTime: formatMicroTime(lastAt) } };
}

/** How often an Event that the API server gave happened. */
export function readCount(raw: unknown): number {
  const series = typeof raw === 'object' && raw !== null && 'series' in raw ? raw.series : null;
  const count = typeof series === 'object' && series !== null && 'count' in series ? series.count : 1;
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 1;
}

/** At most so many bytes of UTF-8, without half a character at the end. */
function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= most
    ? text
    : bytes
        .subarray(0, most)
        .toString()
        .replace(/\uFFFD+$/, '');
}
