import assert from 'node:assert/strict';
import type { Attempt, Place, Target } from '../lab/mod.ts';

/** Twenty new TCP connections and more are all answered, by each of these back ends and no other. */
export async function expectAnswers(
  place: Place,
  target: Omit<Target, 'protocol' | 'timeoutMs'>,
  backends: readonly string[],
): Promise<void> {
  const attempts: Attempt[] = [];
  do {
    // Twenty tries miss one of three back ends once in a thousand times, a hundred never.
    attempts.push(...(await place.connect({ ...target, protocol: 'TCP', timeoutMs: 4000 }, 20)));
  } while (namesOf(attempts).length < backends.length && attempts.length < 100);
  assert.deepEqual(namesOf(attempts), backends.toSorted(), `${place.name} to ${target.destination}:${target.port}`);
}

/** The names of the back ends that answered; what became of the others stands in their place. */
function namesOf(attempts: readonly Attempt[]): readonly string[] {
  return [...new Set(attempts.map(({ answer, verdict }) => answer?.backend ?? verdict))].toSorted();
}
