import { describe } from 'vitest';
import type { Capability } from './capability.ts';

/**
 * `describe`, or where the capability is missing a skipped one whose title and a line on standard
 * error say why. Nothing is ever skipped in silence.
 */
export function describeWhere(capability: Capability, title: string, tests: () => void): void {
  if (capability.ok) {
    describe(title, tests);
    return;
  }
  process.stderr.write(`SKIPPED: ${title}: ${capability.reason}\n`);
  describe.skip(`${title} [skipped: ${capability.reason}]`, tests);
}
