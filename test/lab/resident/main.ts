import { parentPort, workerData } from 'node:worker_threads';
import { attemptMany, open } from './attempt.ts';
import type { Held } from './attempt.ts';
import { enterNamespace } from '../enter-namespace.ts';
import { Load } from './load.ts';
import type { Answers, Request } from './protocol.ts';
import { resolveName } from './resolve.ts';
import { listen } from './serve.ts';

/**
 * The thread that lives in a namespace, whose name it is started with: server and client in one. Every request is
 * answered with a message that carries its id.
 */
const held = new Map<number, Held>();
const loads = new Map<number, Load>();
let lastId = 0;

const handlers: { readonly [Op in Request['op']]: (request: Extract<Request, { op: Op }>) => Promise<Answers[Op]> } = {
  async listen(request) {
    await Promise.all(request.listeners.map((listener) => listen(request.name, listener)));
    return null;
  },
  connect: (request) => attemptMany(request, request.count),
  async open(request) {
    const opened = await open(request);
    lastId += 1;
    if (opened.held !== null) held.set(lastId, opened.held);
    return { connection: lastId, attempt: opened.attempt };
  },
  ping: async (request) => need(held, request.connection, 'connection').ping(request.timeoutMs),
  async close(request) {
    need(held, request.connection, 'connection').close();
    held.delete(request.connection);
    return null;
  },
  async 'start-load'(request) {
    lastId += 1;
    loads.set(lastId, new Load(request, request.workers, request.pauseMs));
    return lastId;
  },
  'report-load': async (request) => need(loads, request.load, 'load').report(),
  async 'stop-load'(request) {
    const load = need(loads, request.load, 'load');
    loads.delete(request.load);
    return load.stop();
  },
  http: (request) => fetchText(request.url, request.timeoutMs),
  resolve: (request) => resolveName(request),
};

function need<T>(values: ReadonlyMap<number, T>, id: number, what: string): T {
  const value = values.get(id);
  if (value === undefined) throw new Error(`no ${what} ${id}`);
  return value;
}

async function fetchText(url: string, timeoutMs: number): Promise<Answers['http']> {
  // Few residents are asked for this, and loading it is a good part of their start.
  const { default: http } = await import('node:http');
  return new Promise((resolve, reject) => {
    const request = http.get(url, { timeout: timeoutMs, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url} within ${timeoutMs} ms`)));
    request.on('error', reject);
  });
}

enterNamespace(workerData as string);
parentPort?.on('message', ({ id, ...request }: { readonly id: number } & Request) => {
  const handler = handlers[request.op] as (request: Request) => Promise<unknown>;
  Promise.resolve(request)
    .then(handler)
    .then(
      (value) => parentPort?.postMessage({ id, value }),
      (error: Error) => parentPort?.postMessage({ id, problem: error.message }),
    );
});
