import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { patient } from './patience.ts';

/**
 * Asks until the answer is not null and returns it. Throws after `timeoutMs` (longer on a slow
 * machine) with what was awaited and what `explain` adds.
 */
export async function pollUntil<T>(
  awaited: string,
  ask: () => Promise<T | null>,
  options: { readonly timeoutMs?: number; readonly everyMs?: number; readonly explain?: () => string } = {},
): Promise<T> {
  const deadline = performance.now() + patient(options.timeoutMs ?? 15_000);
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one question at a time is the point
    const value = await ask();
    if (value !== null) return value;
    if (performance.now() > deadline) throw new Error(`gave up waiting for ${awaited}. ${options.explain?.() ?? ''}`);
    // oxlint-disable-next-line no-await-in-loop
    // An emulated processor has little to spare for questions: they would take it from who is to answer.
    await pause(patient(options.everyMs ?? 20));
  }
}
