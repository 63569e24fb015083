import type { FeedEvents } from '../wire.ts';

export type FeedHandlers = { readonly [E in keyof FeedEvents]: (data: FeedEvents[E]) => void };

/** How the page stands with the agent. */
export type FeedState = 'connecting' | 'live' | 'lost' | 'refused';

/** Milliseconds until the agent is asked again after it turned the page away. */
const refusedPause = 5000;

/**
 * Follows the agent's events. A browser comes back by itself after a lost connection, and not after an answer that is no stream
 * (the agent has readers enough): then the page does.
 */
export function followFeed(handlers: FeedHandlers, changed: (state: FeedState) => void): void {
  const source = new EventSource('events');
  source.addEventListener('open', () => changed('live'));
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED) {
      changed('lost');
      return;
    }
    changed('refused');
    setTimeout(() => followFeed(handlers, changed), refusedPause);
  });
  const listen = <E extends keyof FeedEvents>(event: E): void => {
    source.addEventListener(event, (message: MessageEvent<string>) => {
      handlers[event](JSON.parse(message.data) as FeedEvents[E]);
    });
  };
  for (const event of Object.keys(handlers) as (keyof FeedEvents)[]) listen(event);
}
