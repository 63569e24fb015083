import { createLineSplitter } from './json-lines.ts';
import type { ApiResponse } from './client-api.ts';
import { failure, readStatus, sortStatus } from './reflector-failure.ts';
import type { Failure } from './reflector-failure.ts';
import { fieldOf, isOlderVersion, readMeta } from './reflector-object.ts';
import { applyEvent, applyListing, collectObject } from './reflector-records.ts';
import { sendRequest } from './reflector-request.ts';
import { maxObjectBytes } from './reflector-types.ts';
import type { Listing, ReflectorOptions, ReflectorState } from './reflector-types.ts';

/**
 * Watches from the known version, or, where there is none, asks for a streaming list (KEP-3157): initial
 * events up to an annotated bookmark, then the watch goes on in the same answer. Null after a regular end.
 */
export async function runWatch<T>(
  options: ReflectorOptions<T>,
  state: ReflectorState,
  signal: AbortSignal,
): Promise<Failure | null> {
  const { timings, clock } = options;
  const seconds = Math.floor(timings.watchSeconds * (1 + options.random()));
  const answer = await sendRequest(options, state, watchQuery(state, seconds), signal);
  if (!answer.ok) return answer.failure;
  const openedAt = clock.now();
  const idleMs = Math.min(seconds * 1000 + timings.watchGraceMs, timings.watchIdleMs ?? Number.POSITIVE_INFINITY);
  const watch = new WatchReader(options, state, answer.response, idleMs);
  const ended = await watch.run(signal);
  answer.response.close();
  const lived = clock.now() - openedAt;
  if (!watch.initial && lived >= timings.shortWatchMs) state.attempt = 0;
  if (ended !== null || signal.aborted || lived >= timings.shortWatchMs) return ended;
  const message = `${options.resource.name}: the API server ended the watch after ${lived} ms`;
  return failure('again', { code: 'WP_KUBE_SHORT_WATCH', message });
}

function watchQuery({ version }: ReflectorState, seconds: number): Readonly<Record<string, string>> {
  const common = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
  if (version !== null) return { ...common, resourceVersion: version };
  return { ...common, sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' };
}

/** About what one read from a socket brings at most. */
const manyOctets = 48 * 1024;

class WatchReader<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #state: ReflectorState;
  readonly #response: ApiResponse;
  readonly #idleMs: number;
  /** When the last piece had been read, and what was to be gathered after it. */
  #readAt = Number.NEGATIVE_INFINITY;
  /** The list that the initial events add up to; null once it is complete. */
  #listing: Listing<T> | null;

  constructor(options: ReflectorOptions<T>, state: ReflectorState, response: ApiResponse, idleMs: number) {
    this.#options = options;
    this.#state = state;
    this.#response = response;
    this.#idleMs = idleMs;
    this.#listing = state.version === null ? new Map() : null;
  }

  get initial(): boolean {
    return this.#listing !== null;
  }

  async run(signal: AbortSignal): Promise<Failure | null> {
    const { resource, pause, timings } = this.#options;
    const splitter = createLineSplitter(maxObjectBytes);
    this.#response.allowIdle(this.initial ? timings.streamQuietMs : this.#idleMs);
    while (!signal.aborted) {
      const piece = await this.#response.read();
      if (!piece.ok) return this.#explainBreak(piece.problem);
      if (piece.value === null) break;
      const lines = splitter.push(piece.value);
      if (!lines.ok) return failure('relist', lines.problem);
      for (const line of lines.value) {
        const ended = await this.#takeLine(line);
        if (ended !== null) return ended;
        const turn = pause();
        if (turn !== null) await turn;
        if (signal.aborted) return null;
      }
      await this.#gather(piece.value.length, signal);
    }
    if (splitter.pendingBytes() === 0 && !this.initial) return null;
    const where = this.initial ? 'before the initial events were complete' : 'in the middle of an event';
    return failure('again', { code: 'WP_KUBE_RESET', message: `${resource.name}: the watch ended ${where}` });
  }

  /**
   * Where changes follow each other closely, what comes within a moment is read together: to wake up for each costs several times
   * what it takes to read it. A change after a while of quiet, and the next one, are read at once, and so is what there is much of.
   */
  async #gather(octets: number, signal: AbortSignal): Promise<void> {
    if (this.initial) return;
    const { clock, timings } = this.#options;
    const close = clock.now() - this.#readAt < timings.gatherMs;
    if (close && octets < manyOctets) await clock.sleep(timings.gatherMs, signal);
    this.#readAt = clock.now();
  }

  #explainBreak(problem: Failure['problem']): Failure {
    // A server that never heard of sendInitialEvents sends what it has and then waits for changes.
    return failure(this.initial && problem.code === 'WP_KUBE_SILENT' ? 'unsupported' : 'again', problem);
  }

  /** Null to go on. A promise only where a list is being applied: most lines cost no turn. */
  #takeLine(line: Buffer): Failure | null | Promise<null> {
    const { name } = this.#options.resource;
    let event: unknown;
    try {
      event = JSON.parse(line.toString());
    } catch (cause) {
      // What it would have said is unknown, so only a list can tell what is true now.
      return failure('relist', { code: 'WP_KUBE_NOT_AN_EVENT', message: `${name}: a watch event is not JSON`, cause });
    }
    const type = fieldOf(event, 'type');
    const object = fieldOf(event, 'object');
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        return this.#takeChange(type, object);
      case 'BOOKMARK':
        return this.#takeBookmark(object);
      case 'ERROR':
        return sortStatus(name, readStatus(object, 500));
      default: {
        const message = `${name}: a watch event of unknown type ${JSON.stringify(type)} is ignored`;
        this.#options.sink.problem({ code: 'WP_KUBE_NOT_AN_EVENT', message });
        return null;
      }
    }
  }

  #takeChange(type: string, object: unknown): Failure | null {
    if (this.#listing !== null) {
      const key = this.#options.resource.keyOf(object);
      if (type !== 'DELETED') collectObject(this.#options, this.#listing, object);
      else if (key !== null) this.#listing.delete(key);
      return null;
    }
    const stale = this.#advance(object);
    if (stale !== null) return stale;
    applyEvent(this.#options, this.#state, type, object);
    return null;
  }

  #takeBookmark(object: unknown): Failure | null | Promise<null> {
    const { resourceVersion, initialEventsEnd } = readMeta(object);
    if (this.#listing === null) return this.#advance(object);
    const { name } = this.#options.resource;
    if (!initialEventsEnd) {
      const message = `${name}: the API server answers a streaming list with a plain watch`;
      return failure('unsupported', { code: 'WP_KUBE_REFUSED', message });
    }
    if (resourceVersion === '') {
      const message = `${name}: the bookmark that ends the initial events has no resourceVersion`;
      return failure('unsupported', { code: 'WP_KUBE_REFUSED', message });
    }
    return this.#finishListing(this.#listing, resourceVersion);
  }

  async #finishListing(listing: Listing<T>, version: string): Promise<null> {
    await applyListing(this.#options, this.#state, listing, version);
    this.#listing = null;
    this.#response.allowIdle(this.#idleMs);
    return null;
  }

  /** Moves the version to resume from; a failure where the server's history is not the one we know. */
  #advance(object: unknown): Failure | null {
    const { version } = this.#state;
    const { resourceVersion } = readMeta(object);
    if (resourceVersion === '') return null;
    if (version !== null && isOlderVersion(resourceVersion, version)) {
      const message = `${this.#options.resource.name}: the API server went back from version ${version} to ${resourceVersion}`;
      return failure('relist', { code: 'WP_KUBE_EXPIRED', message });
    }
    this.#state.version = resourceVersion;
    this.#state.attempt = 0;
    return null;
  }
}
