import assert from 'node:assert/strict';
import type { LoadReport, Place, Target } from '../lab/mod.ts';

/** An established connection, asked again and again. */
export interface HeldConnection {
  /** Fails the test unless the very same back end answers the very same connection. */
  expectAlive(when: string): Promise<void>;
}

/** Opens a TCP connection that must reach one of these back ends. */
export async function holdConnection(
  place: Place,
  target: Omit<Target, 'protocol' | 'timeoutMs'>,
  backends: readonly string[],
): Promise<HeldConnection> {
  const { connection, attempt } = await place.ask({ op: 'open', ...target, protocol: 'TCP', timeoutMs: 4000 });
  const name = `from ${place.name} to ${target.destination}:${target.port}`;
  assert.ok(
    attempt.answer !== null && backends.includes(attempt.answer.backend),
    `the connection ${name} is opened: ${JSON.stringify(attempt)}`,
  );
  return {
    async expectAlive(when) {
      const answered = await place.ask({ op: 'ping', connection, timeoutMs: 4000 });
      assert.deepEqual(answered.answer, attempt.answer, `the connection ${name} lives ${when}: ${JSON.stringify(answered)}`);
    },
  };
}

/** New connections all the time, each of which must be answered. */
export interface Load {
  readonly name: string;
  report(): Promise<LoadReport>;
  stop(): Promise<LoadReport>;
}

/** One new TCP connection after the other. */
export async function startLoad(place: Place, target: Omit<Target, 'protocol' | 'timeoutMs'>): Promise<Load> {
  const load = await place.ask({ op: 'start-load', ...target, protocol: 'TCP', timeoutMs: 5000, workers: 1, pauseMs: 10 });
  return {
    name: `from ${place.name} to ${target.destination}:${target.port}`,
    report: () => place.ask({ op: 'report-load', load }),
    stop: () => place.ask({ op: 'stop-load', load }),
  };
}
