/** RFC 3339 as Go's time.RFC3339Nano writes it; Date.parse alone takes far more than that. */
const timestampPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970 of a timestamp of the API; null for anything else. */
export function parseTimestamp(value: unknown): number | null {
  const time = typeof value === 'string' && timestampPattern.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
