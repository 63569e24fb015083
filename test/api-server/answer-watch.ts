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
    for (const object of history.list(this.collection.name)) if (this.#selector(object)) this.#send('ADDED', object);
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
    this.#write('BOOKMARK', { metadata });
  }

  #send(type: string, object: ApiObject): void {
    this.#write(type, object);
  }

  #write(type: string, object: object): void {
    if (this.#over) return;
    const { kind, apiVersion } = this.collection;
    this.#body.write(`${JSON.stringify({ type, object: { kind, apiVersion, ...object } })}\n`);
  }
}
