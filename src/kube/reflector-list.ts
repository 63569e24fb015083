import { createListSplitter } from './json-list.ts';
import type { ListPart } from './json-list.ts';
import type { ApiResponse } from './client-api.ts';
import { failure } from './reflector-failure.ts';
import type { Failure } from './reflector-failure.ts';
import { fieldOf, readMeta } from './reflector-object.ts';
import { applyListing, collectObject } from './reflector-records.ts';
import { sendRequest } from './reflector-request.ts';
import { maxObjectBytes } from './reflector-types.ts';
import type { Listing, ReflectorOptions, ReflectorState } from './reflector-types.ts';

/** What the frame of a page says. */
interface Page {
  readonly version: string;
  readonly next: string;
}

/**
 * Reads the whole collection in pages and hands it to the sink; null when that is done. The version is
 * that of the first page: should later pages be newer, the watch only repeats what they showed.
 */
export async function runPagedList<T>(
  options: ReflectorOptions<T>,
  state: ReflectorState,
  signal: AbortSignal,
): Promise<Failure | null> {
  const listing: Listing<T> = new Map();
  let version = '';
  let next = '';
  do {
    const query = { ...(state.paging ? { limit: String(options.pageLimit) } : {}), ...(next === '' ? {} : { continue: next }) };
    const answer = await sendRequest(options, state, query, signal);
    if (!answer.ok) {
      // The token expired before we came back (410): this collection needs to be read in one go.
      if (answer.failure.next === 'relist' && next !== '') state.paging = false;
      return answer.failure;
    }
    const page = await readPage(options, listing, answer.response);
    if ('problem' in page) return page;
    if (version === '') version = page.version;
    next = page.next;
  } while (next !== '' && !signal.aborted);
  if (signal.aborted) return null;
  await applyListing(options, state, listing, version);
  return null;
}

async function readPage<T>(options: ReflectorOptions<T>, listing: Listing<T>, response: ApiResponse): Promise<Page | Failure> {
  const splitter = createListSplitter(maxObjectBytes);
  let meta: unknown = null;
  try {
    for (;;) {
      const piece = await response.read();
      if (!piece.ok) return failure('again', piece.problem);
      if (piece.value === null) break;
      const parts = splitter.push(piece.value);
      if (!parts.ok) return failure('again', parts.problem);
      for (const part of parts.value) {
        const value = parsePart(part);
        if (value === undefined) return notAList(options, `${part.kind} is not JSON`);
        if (part.kind === 'item') collectObject(options, listing, value);
        else if (part.name === 'metadata') meta = value;
        const turn = options.pause();
        if (turn !== null) await turn;
      }
    }
  } finally {
    response.close();
  }
  const version = readMeta({ metadata: meta }).resourceVersion;
  if (!splitter.finished()) return notAList(options, 'it ends in the middle');
  if (version === '') return notAList(options, 'metadata.resourceVersion is missing');
  const next = fieldOf(meta, 'continue');
  return { version, next: typeof next === 'string' ? next : '' };
}

function parsePart(part: ListPart): unknown {
  try {
    return JSON.parse(part.json.toString());
  } catch {
    return undefined;
  }
}

function notAList<T>({ resource }: ReflectorOptions<T>, why: string): Failure {
  return failure('again', { code: 'WP_KUBE_NOT_A_LIST', message: `${resource.name}: the list cannot be read: ${why}` });
}
