/**
 * The client-side rate limit of `clientConnection.qps` and `burst` (specification 9.2): a token bucket.
 * The returned function takes one token and says how many milliseconds to wait before using it.
 * A negative or zero `qps` means no limit, as in client-go.
 */
export function createRateLimit(qps: number, burst: number, now: () => number): () => number {
  const capacity = Math.max(1, burst);
  let tokens = capacity;
  let filledAt = now();
  return () => {
    if (qps <= 0) return 0;
    const at = now();
    tokens = Math.min(capacity, tokens + (Math.max(0, at - filledAt) * qps) / 1000) - 1;
    filledAt = at;
    return tokens >= 0 ? 0 : Math.ceil((-tokens * 1000) / qps);
  };
}
