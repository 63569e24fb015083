/** The few fields that the protocol itself needs of an object; everything else is the decoder's. */
export interface ObjectMeta {
  readonly resourceVersion: string;
  /** The bookmark that ends the initial events of a streaming list (KEP-3157). */
  readonly initialEventsEnd: boolean;
}

/** Reads `metadata` of anything; what is missing is empty. */
export function readMeta(raw: unknown): ObjectMeta {
  const metadata = fieldOf(raw, 'metadata');
  const version = fieldOf(metadata, 'resourceVersion');
  const mark = fieldOf(fieldOf(metadata, 'annotations'), 'k8s.io/initial-events-end');
  return { resourceVersion: typeof version === 'string' ? version : '', initialEventsEnd: mark === 'true' };
}

/**
 * True where both versions are decimal numbers and the first is smaller: resource versions of one
 * resource can be compared so (KEP-5504). Anything else is not known to be older.
 */
export function isOlderVersion(version: string, than: string): boolean {
  if (!/^[0-9]+$/.test(version) || !/^[0-9]+$/.test(than)) return false;
  return BigInt(version) < BigInt(than);
}

/** A field of anything; undefined where there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
