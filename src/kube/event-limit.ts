/** As client-go's spam filter: what one object may cause at once, and how fast that comes back. */
const burst = 25;
const refillMs = 300_000;
const mostObjects = 4096;

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/**
 * Says whether one more Event about an object may be sent: 25 at once, one more every five minutes. Of more
 * than 4096 objects the one that was quiet for longest is forgotten.
 */
export function createEventLimit(now: () => number): (object: string) => boolean {
  const buckets = new Map<string, Bucket>();
  return (object) => {
    const at = now();
    const last = buckets.get(object) ?? { tokens: burst, at };
    const tokens = Math.min(burst, last.tokens + Math.max(0, at - last.at) / refillMs);
    const allowed = tokens >= 1;
    buckets.delete(object);
    buckets.set(object, { tokens: allowed ? tokens - 1 : tokens, at });
    if (buckets.size > mostObjects) buckets.delete(buckets.keys().next().value ?? '');
    return allowed;
  };
}
