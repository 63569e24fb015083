import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { backoffDelay } from './backoff.ts';
import type { WritingClient } from './client-api.ts';
import { openCredentials } from './client-auth.ts';
import { systemClock } from './client-clock.ts';
import type { Clock } from './client-clock.ts';
import { createRateLimit } from './client-limit.ts';
import { createHttpClient } from './driver-http.ts';
import { createEventLimit } from './event-limit.ts';
import { eventName, subjectKey } from './event-object.ts';
import type { AgentEvent } from './event-object.ts';
import { sendEvent } from './event-send.ts';
import type { EventSink } from './event-sink.ts';

export interface EventWriterOptions {
  /** As for the source of the cluster's state. */
  readonly kubeconfig: string;
  readonly master: string;
  readonly nodeName: string;
  readonly qps: number;
  readonly burst: number;
  readonly userAgent: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of Events that could not be sent. */
  readonly problem: (problem: Problem) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const attempts = 4;
const retry = { baseMs: 1000, maxMs: 30_000 } as const;
const idleMs = 10_000;
/** Different events that are remembered, and that may wait. */
const mostRemembered = 1000;

/** One event and how often it happened. */
interface Tally {
  readonly event: AgentEvent;
  /** Times that the server does not know of. */
  unsent: number;
  lastAt: number;
  /** What the server counts; null before the first success. */
  known: number | null;
}

/**
 * Writes Events to an API server, in the background and one at a time (events.k8s.io/v1). The same event
 * again only raises a count. What cannot be sent after a few tries is dropped and told as a problem. Opens
 * nothing before the first event. Fails as the credentials do.
 */
export function createEventWriter(options: EventWriterOptions): Outcome<EventSink> {
  const credentials = openCredentials(options);
  if (!credentials.ok) return credentials;
  return succeed(new EventWriter(options, createHttpClient(credentials.value, options)));
}

class EventWriter implements EventSink {
  readonly #options: EventWriterOptions;
  readonly #client: WritingClient;
  readonly #clock: Clock;
  readonly #takeTurn: () => number;
  readonly #mayTell: (object: string) => boolean;
  readonly #stop = new AbortController();
  readonly #tallies = new Map<string, Tally>();
  readonly #queue = new Set<Tally>();
  #running: Promise<void> | null = null;

  constructor(options: EventWriterOptions, client: WritingClient) {
    this.#options = options;
    this.#client = client;
    this.#clock = options.clock ?? systemClock;
    this.#takeTurn = createRateLimit(options.qps, options.burst, () => this.#clock.now());
    this.#mayTell = createEventLimit(() => this.#clock.now());
  }

  write(event: AgentEvent): void {
    if (this.#stop.signal.aborted) return;
    const tally = this.#tallyOf(event);
    tally.unsent += 1;
    tally.lastAt = this.#clock.now();
    if (this.#queue.has(tally) || !this.#mayTell(subjectKey(event.about))) return;
    this.#queue.add(tally);
    this.#running ??= this.#work();
  }

  async flush(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#client.close();
  }

  #tallyOf(event: AgentEvent): Tally {
    const name = `${subjectKey(event.about)} ${eventName(event, this.#options.nodeName)}`;
    const tally = this.#tallies.get(name) ?? { event, unsent: 0, lastAt: 0, known: null };
    this.#tallies.delete(name);
    this.#tallies.set(name, tally);
    if (this.#tallies.size > mostRemembered) {
      const [oldest, forgotten] = this.#tallies.entries().next().value ?? [];
      if (oldest !== undefined) this.#tallies.delete(oldest);
      if (forgotten !== undefined) this.#queue.delete(forgotten);
    }
    return tally;
  }

  async #work(): Promise<void> {
    for (const tally of this.#queue) {
      await this.#deliver(tally);
      if (this.#stop.signal.aborted) break;
    }
    this.#running = null;
  }

  async #deliver(tally: Tally): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      await this.#clock.sleep(this.#takeTurn(), signal);
      // What happens from here on is for the next time; it may not be lost between the two.
      this.#queue.delete(tally);
      const { unsent, lastAt } = tally;
      if (unsent === 0) return;
      const options = { client: this.#client, instance: this.#options.nodeName, idleMs };
      const sent = await sendEvent(tally.event, { count: unsent, lastAt }, tally.known, options, signal);
      if (sent.kind === 'sent') {
        tally.known = sent.count;
        tally.unsent -= unsent;
        return;
      }
      if (signal.aborted) return;
      if (sent.kind === 'refused' || attempt + 1 >= attempts) {
        this.#drop(tally, sent.problem);
        return;
      }
      const delay = backoffDelay(attempt, retry, this.#options.random ?? Math.random);
      await this.#clock.sleep(Math.max(delay, sent.retryAfterMs ?? 0), signal);
    }
  }

  #drop({ event }: Tally, { message }: Problem): void {
    const what = `${event.reason} about ${subjectKey(event.about)}`;
    this.#options.problem({ code: 'WP_KUBE_EVENT', message: `the Event ${what} was not written: ${message}` });
  }
}
