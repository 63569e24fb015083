import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { resolve as resolvePath } from 'node:path';
import { agentSocket } from '../config/mod.ts';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { readSavedState } from './saved-state.ts';

/** Where an agent's pages come from. */
export type AgentPlace =
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'socket'; readonly path: string }
  /** What `waypost dump` wrote. */
  | { readonly kind: 'file'; readonly path: string };

/** What a page says. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Where commands look for the agent of this node, one after the other, unless they are told. */
export const agentUrl = `unix:${agentSocket},http://127.0.0.1:10249`;

/** The place that `--from FILE` names, else that of `--url`. */
export function placeOf({ url, from }: { readonly url: string; readonly from?: string }): string {
  return from === undefined ? url : `saved:${from}`;
}

/** Reads `http://HOST:PORT`, `https://...`, `unix:/PATH` and `saved:PATH` (of `--from`), with commas between. Fails with `WP_CLI_URL`. */
export function parsePlaces(text: string): Outcome<readonly AgentPlace[]> {
  // A file's name may have commas, and nothing is tried after it.
  if (text.startsWith('saved:')) return succeed([{ kind: 'file', path: resolvePath(text.slice('saved:'.length)) }]);
  const places: AgentPlace[] = [];
  for (const one of text.split(',')) {
    if (one.startsWith('unix:/')) places.push({ kind: 'socket', path: one.slice('unix:'.length) });
    else if (URL.canParse(one) && /^https?:$/.test(new URL(one).protocol)) places.push({ kind: 'http', url: one });
    else {
      const examples = 'http://127.0.0.1:10249 or unix:/run/waypost/agent.sock';
      return fail('WP_CLI_URL', `--url must be a URL such as ${examples}, not "${one}"`);
    }
  }
  return succeed(places);
}

/** A page of a place, for messages. */
export function describePage(place: AgentPlace, path: string): string {
  if (place.kind === 'http') return new URL(path, place.url).href;
  return place.kind === 'socket' ? `unix:${place.path} ${path}` : `${place.path} (${path})`;
}

/** Asks for a page. Throws where nobody can be asked, or after `patience` milliseconds. */
export async function fetchPage(place: AgentPlace, path: string, method: string, patience: number): Promise<Answer> {
  if (place.kind === 'socket') return await askSocket(place.path, path, method, patience);
  if (place.kind === 'file') {
    const state = readSavedState(await readFile(place.path, 'utf8'));
    const [name = ''] = path.split('?');
    const page = state.pages[name];
    if (page === undefined) throw new Error(`it has no page ${name}`);
    return { status: page.status, text: typeof page.body === 'string' ? page.body : JSON.stringify(page.body) };
  }
  const response = await fetch(new URL(path, place.url), { method, signal: AbortSignal.timeout(patience) });
  return { status: response.status, text: await response.text() };
}

/** Milliseconds since 1970 that ages are counted from: now, or when a state was saved. Where it cannot be read that is told elsewhere. */
export async function timeAt(url: string): Promise<number> {
  const places = parsePlaces(url);
  const [place] = places.ok ? places.value : [];
  return place?.kind === 'file' ? readSavedState(await readFile(place.path, 'utf8')).savedAt : Date.now();
}

/** `fetch` knows no sockets of files. */
function askSocket(socketPath: string, path: string, method: string, patience: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, path, method, signal: AbortSignal.timeout(patience) };
    const asked = request(options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }));
    });
    asked.on('error', reject);
    asked.end();
  });
}
