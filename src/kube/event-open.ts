import type { Outcome } from '../model/mod.ts';
import type { EventSink } from './event-sink.ts';
import type { EventWriterOptions } from './event-writer.ts';

/** An {@link EventSink} that writes to an API server. Loaded on demand, for the reason of `openClusterSource`. */
export async function openEventWriter(options: EventWriterOptions): Promise<Outcome<EventSink>> {
  const { createEventWriter } = await import('./event-writer.ts');
  return createEventWriter(options);
}
