import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '../observe/mod.ts';
import { runProgram } from './program.ts';
import { makeQuestion } from './question.fixture.ts';

/** What a command came to. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command and keeps what it prints. */
export async function runWords(...words: readonly string[]): Promise<Printed> {
  const printed = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (printed.out += text),
    err: (text: string) => void (printed.err += text),
  };
  return { code: await runProgram(words, terminal), ...printed };
}

/** Pages of an agent, really served. */
export interface AgentStage {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the pages; all others are 404, as with an agent of an older version. */
export async function startAgentStage(pages: () => ReadonlyMap<string, Page>): Promise<AgentStage> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
    const page = pages().get(pathname);
    if (page === undefined) return response.writeHead(404).end('404 page not found');
    const question = makeQuestion({ method: request.method ?? 'GET', query: searchParams });
    return void Promise.resolve(page(question)).then((reply) => response.writeHead(reply.status, reply.headers).end(reply.body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
