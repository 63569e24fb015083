import type { ServerResponse } from 'node:http';
import type { CollectionInfo } from './collections.ts';
import type { BodyWriter } from './fault.ts';
import type { ApiObject, History, HistoryEvent } from './history.ts';
import type { Selector } from './selectors.ts';

/** One open watch: writes what the selector lets through until it is ended. */
export class OpenWatch {
  readonly collection: CollectionInfo;
  readonly #selector: Selector;
  readonly #bookmarks: boolean;
  readonly #body: BodyWriter;
  #timer: NodeJS.Timeout | undefined;
  /** Ended or broken; what happens now is for the watch that resumes. */
  #over = false;

  constructor(
    collection: CollectionInfo,
    selector: Selector,
    query: URLSearchParams,
    to: { readonly response: ServerResponse; readonly body: BodyWriter },
  ) {
    this.collection = collection;
    this.#selector = selector;
    this.#bookmarks = query.get('allowWatchBookmarks') === 'true';
    this.#body = to.body;
    const seconds = Number(query.get('timeoutSeconds') ?? '0');
    if (seconds > 0) this.#timer = setTimeout(() => this.end(), seconds * 1000).unref();
    to.response.on('close', () => clearTimeout(this.#timer));
    to.response.writeHead(200, { 'content-type': 'application/json' });
    to.response.flushHeaders();
  }

  /** Synthetic ADDED events for what is there; with `mark`, the bookmark that says it was all (KEP-3157). */
  sendInitial(history: History, mark: boolean): void {
    const objects = history.list(this.collection.name).filter((object) => this.#selector(object));
    // A server has a buffer for what it writes, and does not send each event by itself.
    for (let from = 0; from < objects.length; from += writtenTogether) {
      const events = objects.slice(from, from + writtenTogether).map((object) => this.#eventOf('ADDED', object));
      this.#write(events.join(''));
    }
    if (mark) this.#sendBookmark(history.version, { 'k8s.io/initial-events-end': 'true' });
  }

  /** A change that crosses the selector's border arrives as ADDED or DELETED, as in the real server. */
  deliver({ collection, before, after, version }: HistoryEvent): void {
    if (collection !== this.collection.name) return;
    const was = before !== null && this.#selector(before);
    const is = after !== null && this.#selector(after);
    if (is) this.#send(was ? 'MODIFIED' : 'ADDED', after);
    else if (was) this.#send('DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
  }

  /** Only to those who asked for bookmarks. */
  bookmark(version: number): void {
    if (this.#bookmarks) this.#sendBookmark(version, undefined);
  }

  writeRaw(text: string): void {
    this.#body.write(text);
  }

  end(): void {
    this.#over = true;
    this.#body.end();
  }

  reset(): void {
    this.#over = true;
    this.#body.reset();
  }

  #sendBookmark(version: number, annotations: Readonly<Record<string, string>> | undefined): void {
    const metadata = {
      resourceVersion: String(version),
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    };
    this.#write(`{"type":"BOOKMARK","object":${this.#encode({ metadata })}}\n`);
  }

  #send(type: string, object: ApiObject): void {
    this.#write(this.#eventOf(type, object));
  }

  /** An object is encoded once for all that watch it, as in the real server. */
  #eventOf(type: string, object: ApiObject): string {
    const known = encodings.get(object);
    const encoded = known ?? this.#encode(object);
    if (known === undefined) encodings.set(object, encoded);
    return `{"type":"${type}","object":${encoded}}\n`;
  }

  #encode(object: object): string {
    const { kind, apiVersion } = this.collection;
    return JSON.stringify({ kind, apiVersion, ...object });
  }

  #write(text: string): void {
    if (!this.#over) this.#body.write(text);
  }
}

/** Initial events of one write. */
const writtenTogether = 32;
/** Of objects, which are never changed but replaced. */
const encodings = new WeakMap<ApiObject, string>();
