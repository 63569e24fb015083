import type { Clock, RowWatch } from '../model/mod.ts';
import { plainReply } from './http-serve.ts';
import type { Reply, Sink } from './http-serve.ts';
import type { DnsFigures, FeedEvents, PageSummary } from './page/wire.ts';
import { VersionedTexts } from './versioned-texts.ts';

/** What is counted elsewhere and has to be waited for. */
export interface LiveFigures {
  /** `services` has JSON of `ServiceCounts` by Service. Null: the kernel counts none in this mode. */
  readonly connections: { readonly services: ReadonlyMap<string, string>; readonly problems: FeedEvents['uncounted'] } | null;
  /** Null: the resolver is off. */
  readonly dns: DnsFigures | null;
}

export interface LiveFeedOptions {
  readonly clock: Clock;
  readonly summary: () => PageSummary;
  /** Follows the rows for one reader; null as long as there are none. */
  readonly watch: () => RowWatch | null;
  /** May not reject. */
  readonly figures: () => Promise<LiveFigures>;
}

/** Readers at a time. */
const mostReaders = 16;
/** Milliseconds between two looks: changes in between travel together. */
const lookPeriod = 500;
/** Milliseconds between two looks at what the kernel and the resolver count, at least. */
const figuresPeriod = 2000;
/** Of the time figures take, this many times it passes before they are asked for again. */
const figuresRest = 20;
/** Services of one event: rows for a few milliseconds of work. */
const portion = 200;
/** Milliseconds that a reader may be behind. */
const patience = 30_000;
const beatPeriod = 15_000;

interface Reader {
  readonly sink: Sink;
  watch: RowWatch | null;
  /** All rows were sent once. */
  ready: boolean;
  /** Since when it reads no more of what it was sent; null: it keeps up. */
  behindSince: number | null;
  lastBeat: number;
  /** What it was sent last, by event. */
  readonly sent: Map<keyof FeedEvents, string>;
  countsVersion: number;
  /** Goes on with the rows in the next turn. */
  cancelNext: (() => void) | null;
}

/**
 * The server-sent events of the status page (WHATWG HTML 9.2). A reader gets everything once and then what changes, twice a
 * second at most. One that does not keep up is skipped: what it missed is known as names and numbers, not as text, and is sent
 * as it is when it reads again. Nothing runs while there is no reader.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #readers = new Set<Reader>();
  readonly #counts = new VersionedTexts();
  #dns: string | null = null;
  #uncounted: string | null = null;
  #cancelLook: (() => void) | null = null;
  #cancelFigures: (() => void) | null = null;
  #asking = false;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  /** The answer to a new reader: a stream, or 503 where there are too many. */
  open(): Reply {
    if (this.#readers.size >= mostReaders) {
      const reply = plainReply(503, `${mostReaders} readers follow the status page already; close one of them\n`);
      return { ...reply, headers: { ...reply.headers, 'Retry-After': '10' } };
    }
    const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
    return { status: 200, headers, body: 'retry: 2000\n\n', stream: (sink) => this.#join(sink) };
  }

  #join(sink: Sink): () => void {
    const now = this.#options.clock.now();
    const reader: Reader = {
      sink,
      watch: null,
      ready: false,
      behindSince: null,
      lastBeat: now,
      sent: new Map(),
      countsVersion: 0,
      cancelNext: null,
    };
    this.#readers.add(reader);
    this.#write(reader, 'hello', JSON.stringify({ now }));
    this.#serve(reader, JSON.stringify(this.#options.summary()));
    this.#cancelLook ??= this.#options.clock.after(lookPeriod, () => this.#look());
    if (this.#cancelFigures === null && !this.#asking) void this.#askFigures();
    return () => this.#leave(reader);
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    reader.cancelNext?.();
    reader.watch?.close();
    if (this.#readers.size > 0) return;
    this.#cancelLook?.();
    this.#cancelFigures?.();
    this.#cancelLook = null;
    this.#cancelFigures = null;
    this.#counts.clear();
  }

  #look(): void {
    const { clock, summary } = this.#options;
    this.#cancelLook = clock.after(lookPeriod, () => this.#look());
    const now = clock.now();
    const text = JSON.stringify(summary());
    for (const reader of this.#readers) {
      if (reader.behindSince !== null && now - reader.behindSince > patience) reader.sink.drop();
      else this.#serve(reader, text);
    }
  }

  async #askFigures(): Promise<void> {
    const { clock, figures } = this.#options;
    this.#asking = true;
    const begun = clock.now();
    const { connections, dns } = await figures();
    const took = clock.now() - begun;
    this.#asking = false;
    if (this.#readers.size === 0) return;
    this.#cancelFigures = clock.after(Math.max(figuresPeriod, figuresRest * took), () => {
      this.#cancelFigures = null;
      void this.#askFigures();
    });
    this.#dns = dns === null ? null : JSON.stringify(dns);
    this.#uncounted = connections === null ? null : JSON.stringify(connections.problems);
    if (connections !== null) this.#counts.replace(connections.services);
  }

  #serve(reader: Reader, summary: string): void {
    if (reader.behindSince !== null) return;
    this.#writeChanged(reader, 'summary', summary);
    if (this.#dns !== null) this.#writeChanged(reader, 'dns', this.#dns);
    if (this.#uncounted !== null) this.#writeChanged(reader, 'uncounted', this.#uncounted);
    if (reader.countsVersion < this.#counts.version) {
      const parts = this.#counts.since(reader.countsVersion).map(([key, text]) => `${JSON.stringify(key)}:${text}`);
      reader.countsVersion = this.#counts.version;
      this.#write(reader, 'connections', `{${parts.join(',')}}`);
    }
    const now = this.#options.clock.now();
    if (now - reader.lastBeat >= beatPeriod) {
      reader.lastBeat = now;
      this.#write(reader, 'beat', JSON.stringify({ now }));
    }
    if (reader.cancelNext === null) this.#sendRows(reader);
  }

  /** One portion in a turn of the event loop: others wait meanwhile. */
  #sendRows(reader: Reader): void {
    reader.cancelNext = null;
    if (reader.behindSince !== null) return;
    reader.watch ??= this.#options.watch();
    const rows = reader.watch?.take(portion) ?? [];
    if (rows.length > 0) this.#write(reader, 'rows', JSON.stringify(rows));
    if (reader.watch !== null && reader.watch.waiting === 0) {
      if (!reader.ready) this.#write(reader, 'ready', '{}');
      reader.ready = true;
    } else if (rows.length > 0 && reader.behindSince === null) this.#continue(reader);
  }

  #continue(reader: Reader): void {
    reader.cancelNext = this.#options.clock.after(0, () => this.#sendRows(reader));
  }

  #writeChanged(reader: Reader, event: keyof FeedEvents, text: string): void {
    if (reader.sent.get(event) === text) return;
    reader.sent.set(event, text);
    this.#write(reader, event, text);
  }

  /** JSON has no line ends of its own, so one line of data holds it. */
  #write(reader: Reader, event: keyof FeedEvents, text: string): void {
    if (reader.sink.write(`event: ${event}\ndata: ${text}\n\n`) || reader.behindSince !== null) return;
    reader.behindSince = this.#options.clock.now();
    reader.sink.onDrain(() => {
      reader.behindSince = null;
      if (this.#readers.has(reader) && reader.cancelNext === null) this.#continue(reader);
    });
  }
}
