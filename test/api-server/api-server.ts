import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { answerEvent, findEventTarget } from './answer-event.ts';
import type { EventTarget } from './answer-event.ts';
import { ListAnswerer } from './answer-list.ts';
import { decideObject, findObjectTarget, refuseObject, sendObject } from './answer-object.ts';
import type { ObjectTarget } from './answer-object.ts';
import { OpenWatch } from './answer-watch.ts';
import { findCollection, findNamespace } from './collections.ts';
import type { CollectionInfo, CollectionName } from './collections.ts';
import { BodyWriter, goneLine } from './fault.ts';
import type { Fault, SeenRequest } from './fault.ts';
import { History } from './history.ts';
import type { ApiObject } from './history.ts';
import { parseSelectors } from './selectors.ts';
import type { Selector } from './selectors.ts';
import { answerStatus } from './status.ts';

export interface ApiServerOptions {
  /** 0 for a free one; kept over `close` and `start`. */
  readonly port?: number;
  /** Key, certificate and client certificate demands of an HTTPS server; plain HTTP without. */
  readonly tls?: ServerOptions;
}

/**
 * An HTTP server on loopback that speaks the list and watch protocol of a Kubernetes API server for
 * Services, EndpointSlices, Nodes, Namespaces and Pods, takes Events, Leases, ConfigMaps and the status of Services, and fails on
 * request in every way a real one does.
 */
export class ApiServer implements AsyncDisposable {
  history = new History();
  /** How requests for a streaming list (KEP-3157) are answered: served, taken for a plain watch, or 422. */
  streaming: 'served' | 'ignored' | 'refused' = 'served';
  /** How a version that was compacted away is answered: as an ERROR event in the watch or as HTTP status. */
  gone: 'event' | 'status' = 'event';
  /** Bearer tokens that are accepted; null for anybody. */
  tokens: ReadonlySet<string> | null = null;
  /** Asked for every request that is authenticated; what it returns is what goes wrong. */
  intercept: (request: SeenRequest) => Fault | null = () => null;
  readonly requests: SeenRequest[] = [];
  readonly #options: ApiServerOptions;
  readonly #lists = new ListAnswerer();
  readonly #watches = new Set<OpenWatch>();
  #server: Server | null = null;
  #port: number;

  constructor(options: ApiServerOptions = {}) {
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  /** Listens on 127.0.0.1, after `close` on the same port again. Gives the URL. */
  async start(): Promise<string> {
    const { tls } = this.#options;
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    server.on('request', (request, response) => this.#answer(request, response));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    return this.url;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  /** Cuts all connections and stops listening; the objects stay. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Creates or replaces an object and tells the watches. */
  put(collection: CollectionName, object: ApiObject): void {
    const event = this.history.put(collection, object);
    for (const watch of this.#watches) watch.deliver(event);
  }

  /** False where there was no such object. */
  remove(collection: CollectionName, namespace: string | undefined, name: string): boolean {
    const event = this.history.remove(collection, namespace, name);
    if (event !== null) for (const watch of this.#watches) watch.deliver(event);
    return event !== null;
  }

  /** Forgets the history: watches that resume from an earlier version, and continue tokens, are too old. */
  compact(): void {
    this.history.compact();
    this.#lists.expireTokens();
  }

  /** Makes only the continue tokens of unfinished lists too old. */
  expireContinueTokens(): void {
    this.#lists.expireTokens();
  }

  sendBookmarks(): void {
    for (const watch of this.#watches) watch.bookmark(this.history.version);
  }

  /** Ends all watches the regular way. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** Breaks all watches, after these bytes where given. */
  resetWatches(lastWords = ''): void {
    for (const watch of this.#watches) {
      if (lastWords !== '') watch.writeRaw(lastWords);
      watch.reset();
    }
  }

  openWatches(collection?: CollectionName): number {
    return [...this.#watches].filter((watch) => collection === undefined || watch.collection.name === collection).length;
  }

  /** Requests so far of this verb, and of this collection where given. */
  count(verb: SeenRequest['verb'], collection?: CollectionName): number {
    return this.requests.filter((seen) => seen.verb === verb && (collection === undefined || seen.collection === collection))
      .length;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // Clients break connections on purpose here; their errors are theirs.
    response.on('error', () => {});
    const url = new URL(request.url ?? '/', this.url);
    const target = findEventTarget(url.pathname, request.method ?? '');
    if (target !== null) return void this.#answerEvent(target, request, response);
    const object = findObjectTarget(url.pathname, request.method ?? '');
    if (object !== null) return void this.#answerObject(object, request, response);
    const nodeName = /^\/api\/v1\/nodes\/([^/]+)$/.exec(url.pathname)?.[1];
    if (nodeName !== undefined && request.method === 'GET') return this.#answerNode(nodeName, request, response);
    const collection = findCollection(url.pathname);
    if (collection === undefined) return answerStatus(response, 404, 'the server could not find the requested resource');
    if (request.method !== 'GET') return answerStatus(response, 405, 'only reading is offered');
    const seen = describeRequest(collection, url, request.headers.authorization);
    const admitted = this.#admit(seen, response);
    if (!admitted.ok) return undefined;
    const { fault } = admitted;
    const selector = within(findNamespace(url.pathname), parseSelectors(url.searchParams));
    if (selector === null) return answerStatus(response, 400, 'unable to parse the selector');
    const to = { response, body: new BodyWriter(response, fault) };
    if (seen.verb === 'list') return this.#lists.answer(this.history, collection, url.searchParams, selector, to);
    return this.#answerWatch(seen, collection, url.searchParams, selector, to, fault);
  }

  /** Notes the request, and answers it if it may not go on. */
  #admit(seen: SeenRequest, response: ServerResponse): { readonly ok: boolean; readonly fault: Fault | null } {
    this.requests.push(seen);
    if (this.tokens !== null && (seen.token === null || !this.tokens.has(seen.token))) {
      answerStatus(response, 401, 'Unauthorized');
      return { ok: false, fault: null };
    }
    const fault = this.intercept(seen);
    if (fault?.kind === 'reset') response.destroy();
    if (fault?.kind === 'status') answerStatus(response, fault.status, 'as the test wishes', fault.retryAfter, fault.reason);
    return { ok: fault?.kind !== 'hang' && fault?.kind !== 'reset' && fault?.kind !== 'status', fault };
  }

  async #answerEvent(target: EventTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? null;
    const seen: SeenRequest = { ...target, collection: 'events', query: {}, token, isStatus: false };
    const admitted = this.#admit(seen, response);
    if (!admitted.ok) return;
    const changed = answerEvent(target, await readBody(request), this.history.list('events'), response);
    if (changed !== null) this.put('events', changed);
  }

  async #answerObject(target: ObjectTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? null;
    const { name } = target.collection;
    const admitted = this.#admit({ ...target, collection: name, query: {}, token }, response);
    if (!admitted.ok) return;
    const body = await readBody(request);
    const find = (key: string): ApiObject | undefined => this.history.find(name, target.namespace, key);
    const answer = decideObject(target, body, find, new Date());
    if (answer.kind === 'refused') return refuseObject(response, answer);
    if (answer.kind === 'stored') this.put(name, answer.object);
    const stored = find(answer.object.metadata.name) ?? answer.object;
    // The change has been made; that its answer is lost is a fault of its own.
    if (admitted.fault?.kind === 'unheard') return void response.destroy();
    return sendObject(response, target, stored);
  }

  #answerNode(name: string, request: IncomingMessage, response: ServerResponse): void {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? null;
    const seen: SeenRequest = { collection: 'nodes', verb: 'get', namespace: null, name, isStatus: false, query: {}, token };
    if (!this.#admit(seen, response).ok) return;
    const node = this.history.list('nodes').find(({ metadata }) => metadata.name === name);
    if (node === undefined) return answerStatus(response, 404, `nodes "${name}" not found`);
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ kind: 'Node', apiVersion: 'v1', ...node }));
  }

  #answerWatch(
    seen: SeenRequest,
    collection: CollectionInfo,
    query: URLSearchParams,
    selector: Selector,
    to: { readonly response: ServerResponse; readonly body: BodyWriter },
    fault: Fault | null,
  ): void {
    const from = query.get('resourceVersion') ?? '';
    const fromNow = from === '' || from === '0';
    if (seen.verb === 'stream' && this.streaming === 'refused') {
      const message =
        'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
      return answerStatus(to.response, 422, message);
    }
    const missed = fromNow ? [] : this.history.since(collection.name, Number(from));
    if (missed === null && this.gone === 'status') return answerStatus(to.response, 410, 'too old resource version');
    const watch = new OpenWatch(collection, selector, query, to);
    if (fault?.kind === 'lines') {
      for (const line of fault.lines) watch.writeRaw(`${line}\n`);
      if (fault.after === 'end') return watch.end();
      if (fault.after === 'reset') return watch.reset();
    }
    if (missed === null) {
      watch.writeRaw(`${goneLine}\n`);
      return watch.end();
    }
    this.#watches.add(watch);
    to.response.on('close', () => this.#watches.delete(watch));
    if (fromNow) watch.sendInitial(this.history, seen.verb === 'stream' && this.streaming === 'served');
    for (const event of missed) watch.deliver(event);
    return undefined;
  }
}

function within(namespace: string | null, selector: Selector | null): Selector | null {
  if (namespace === null || selector === null) return selector;
  return (object) => object.metadata.namespace === namespace && selector(object);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function describeRequest(collection: CollectionInfo, url: URL, authorization: string | undefined): SeenRequest {
  const query = url.searchParams;
  const watching = query.get('watch') === 'true' || query.get('watch') === '1';
  const streaming = watching && query.get('sendInitialEvents') === 'true';
  return {
    collection: collection.name,
    verb: streaming ? 'stream' : watching ? 'watch' : 'list',
    namespace: findNamespace(url.pathname),
    name: '',
    isStatus: false,
    query: Object.fromEntries(query),
    token: authorization?.replace(/^Bearer /, '') ?? null,
  };
}
