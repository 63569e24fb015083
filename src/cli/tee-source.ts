import type { Source } from '../kube/mod.ts';
import type { Dirty, Snapshot } from '../model/mod.ts';

/** The same source, with somebody else who is told of every commit too, before its owner is. */
export function teeSource(source: Source, listen: (snapshot: Snapshot, dirty: Dirty) => void, listed = (): void => {}): Source {
  return {
    start: (handlers) =>
      source.start({
        ...handlers,
        change: (snapshot, dirty) => {
          listen(snapshot, dirty);
          handlers.change(snapshot, dirty);
        },
        synced: () => {
          listed();
          handlers.synced();
        },
      }),
    close: () => source.close(),
  };
}
