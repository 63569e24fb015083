/**
 * Milliseconds since 1970 as Go's RFC 3339 with nanoseconds: UTC, no trailing zeros in the fraction. Null
 * is Go's zero time, which stands for never.
 */
export function formatTime(milliseconds: number | null): string {
  if (milliseconds === null) return '0001-01-01T00:00:00Z';
  return new Date(milliseconds).toISOString().replace(/\.?0*Z$/, 'Z');
}
