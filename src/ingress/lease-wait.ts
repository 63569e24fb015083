import type { Clock } from '../model/mod.ts';

/** Resolves after `ms` milliseconds, or as soon as the signal fires. */
export function waitFor(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, finish);
  signal.addEventListener('abort', finish, { once: true });
  function finish(): void {
    cancel();
    signal.removeEventListener('abort', finish);
    resolve();
  }
  return promise;
}

/** A signal that fires with the parent or after `ms`. `done` has to be called, so that nothing is left behind on the parent. */
export function limitSignal(clock: Clock, ms: number, parent: AbortSignal): { readonly signal: AbortSignal; done(): void } {
  const own = new AbortController();
  const end = (): void => own.abort();
  if (parent.aborted) end();
  parent.addEventListener('abort', end, { once: true });
  const cancel = clock.after(ms, end);
  return {
    signal: own.signal,
    done: () => {
      cancel();
      parent.removeEventListener('abort', end);
    },
  };
}
