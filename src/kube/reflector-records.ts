import type { Problem } from '../model/mod.ts';
import type { Decoded } from './decode.ts';
import type { Listing, ReflectorOptions, ReflectorState, Resource } from './reflector-types.ts';

/**
 * Reads one object into a listing. A malformed one is reported and keeps its place, so that a good
 * version which is already known stays.
 */
export function collectObject<T>(options: ReflectorOptions<T>, listing: Listing<T>, raw: unknown): void {
  const key = options.resource.keyOf(raw);
  if (options.resource.isGone?.(raw) === true) {
    // A streaming list may have told of an earlier state.
    if (key !== null) listing.delete(key);
    return;
  }
  const decoded = decodeSafely(options.resource, raw);
  reportDecoded(options, decoded);
  if (key !== null) listing.set(key, decoded.ok ? decoded.value : null);
}

/**
 * Hands a complete list to the sink: what is new or different, then what is gone, giving way to the rest
 * of the process in between. The result shows at once, except for the first list: its readers wait for
 * `listed`, and ten thousand objects in one commit would be one long turn.
 */
export async function applyListing<T>(
  { sink, pause }: ReflectorOptions<T>,
  state: ReflectorState,
  listing: Listing<T>,
  version: string,
): Promise<void> {
  const first = !state.listed;
  if (!first) sink.hold();
  for (const [key, record] of listing) {
    if (record !== null) {
      sink.upsert(record);
      state.known.add(key);
    }
    const turn = pause();
    if (turn !== null) await turn;
  }
  for (const key of state.known) {
    if (listing.has(key)) continue;
    sink.remove(key);
    state.known.delete(key);
    const turn = pause();
    if (turn !== null) await turn;
  }
  state.version = version;
  state.brokenStreams = 0;
  state.listed = true;
  if (first) sink.listed();
  else sink.release();
}

/**
 * Applies one event of a running watch. A known object that became malformed keeps its last good
 * version: traffic that works is not taken down for a field that cannot be read (specification 1.7).
 */
export function applyEvent<T>(options: ReflectorOptions<T>, state: ReflectorState, type: string, raw: unknown): void {
  const { resource, sink } = options;
  const key = resource.keyOf(raw);
  if (key !== null && (type === 'DELETED' || resource.isGone?.(raw) === true)) {
    sink.remove(key);
    state.known.delete(key);
    return;
  }
  const decoded = decodeSafely(resource, raw);
  reportDecoded(options, decoded);
  if (type === 'DELETED' || !decoded.ok || key === null) return;
  sink.upsert(decoded.value);
  state.known.add(key);
}

/** A decoder that throws is a bug, but one object must not end the watch of all others. */
function decodeSafely<T>(resource: Resource<T>, raw: unknown): Decoded<T> {
  try {
    return resource.decode(raw);
  } catch (cause) {
    const message = `${resource.name} ${resource.keyOf(raw) ?? 'without a name'}: reading the object failed, it is ignored`;
    return { ok: false, problem: { code: 'WP_KUBE_OBJECT', message, cause } };
  }
}

function reportDecoded<T>({ sink }: ReflectorOptions<T>, decoded: Decoded<T>): void {
  const problems: readonly Problem[] = decoded.ok ? decoded.warnings : [decoded.problem];
  for (const problem of problems) sink.problem(problem);
}
