/** Beyond this many remembered keys, those that no longer hold anything back are forgotten. */
const rememberedKeys = 1000;

/**
 * Says whether a message with this key may be spoken now: the first at once, the same one again only
 * after `intervalMs`. An API server that stays away must not fill the log.
 */
export function createThrottle(intervalMs: number, now: () => number): (key: string) => boolean {
  const spokenAt = new Map<string, number>();
  return (key) => {
    const at = now();
    const last = spokenAt.get(key);
    if (last !== undefined && at - last < intervalMs) return false;
    if (spokenAt.size >= rememberedKeys) {
      for (const [old, when] of spokenAt) if (at - when >= intervalMs) spokenAt.delete(old);
    }
    spokenAt.set(key, at);
    return true;
  };
}
