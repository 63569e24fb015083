import type { AgentEvent } from './event-object.ts';

/** Where Events go. */
export interface EventSink {
  /** Takes an event and returns at once. */
  write(event: AgentEvent): void;
  /** Settles when everything that was taken is sent or given up. */
  flush(): Promise<void>;
  /** Gives up what is not sent. */
  close(): Promise<void>;
}
