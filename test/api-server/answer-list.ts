import type { ServerResponse } from 'node:http';
import type { CollectionInfo } from './collections.ts';
import type { BodyWriter } from './fault.ts';
import type { ApiObject, History } from './history.ts';
import type { Selector } from './selectors.ts';
import { answerStatus } from './status.ts';

/** What is left of a list that a client reads in pages, as it was when the first page was given. */
interface OpenList {
  readonly version: number;
  readonly rest: readonly ApiObject[];
}

/** Lists in pages. Continue tokens stand for the state of the first page and can be made to expire. */
export class ListAnswerer {
  readonly #open = new Map<string, OpenList>();
  #issued = 0;

  /** Every token given so far is answered with 410 from now on. */
  expireTokens(): void {
    this.#open.clear();
  }

  answer(
    history: History,
    collection: CollectionInfo,
    query: URLSearchParams,
    selector: Selector,
    to: { readonly response: ServerResponse; readonly body: BodyWriter },
  ): void {
    const token = query.get('continue') ?? '';
    const open: OpenList | undefined =
      token === '' ? { version: history.version, rest: history.list(collection.name).filter(selector) } : this.#open.get(token);
    if (open === undefined) {
      answerStatus(to.response, 410, 'The provided continue parameter is too old to display a consistent list result.');
      return;
    }
    const limit = Number(query.get('limit') ?? '0') || open.rest.length;
    const items = open.rest.slice(0, limit);
    const rest = open.rest.slice(limit);
    const metadata = {
      resourceVersion: String(open.version),
      ...(rest.length === 0 ? {} : this.#keep({ version: open.version, rest })),
    };
    const { apiVersion, kind } = collection;
    to.response.writeHead(200, { 'content-type': 'application/json' });
    to.body.write(JSON.stringify({ kind: `${kind}List`, apiVersion, metadata, items }));
    to.body.end();
  }

  #keep(open: OpenList): { readonly continue: string; readonly remainingItemCount: number } {
    this.#issued += 1;
    const token = Buffer.from(`page-${this.#issued}`).toString('base64url');
    this.#open.set(token, open);
    return { continue: token, remainingItemCount: open.rest.length };
  }
}
