import * as v from 'valibot';

/** Of the form below: fields are added under it, and keep their name and meaning. */
export const savedSchema = 'waypost.dev/dump/v1';

const stateSchema = v.object({
  version: v.literal(1),
  schema: v.literal(savedSchema),
  /** Milliseconds since 1970. */
  savedAt: v.number(),
  /** By path, without a query; bodies that are no JSON are text. */
  pages: v.record(v.string(), v.object({ status: v.number(), body: v.unknown() })),
});

/** What `waypost dump` writes. */
export type SavedState = v.InferOutput<typeof stateSchema>;

/** Reads what `waypost dump` wrote. Throws, in words that go on after the file's name, where it is anything else. */
export function readSavedState(text: string): SavedState {
  let document: unknown = null;
  try {
    document = JSON.parse(text);
  } catch {
    // Told below.
  }
  const parsed = v.safeParse(stateSchema, document);
  if (!parsed.success) throw new Error(`not what waypost dump writes, ${savedSchema}`);
  return parsed.output;
}
