import type { Clock } from '../model/mod.ts';
import { recordType } from './constants.ts';
import type { Forwarder } from './forward-contract.ts';
import { joinLabels, lowerName, rootName } from './name.ts';
import type { Name } from './name.ts';

/** Knows the name that nobody but us asks for. */
export interface LoopDetector {
  /** In lower case. */
  readonly name: Name;
  /** Whether a question of type HINFO is our own, come back. Lower or upper case. */
  seen(name: Name): boolean;
  /** Whether it ever came back. */
  readonly looped: boolean;
}

/** A name for {@link createLoopDetector} that nobody can have asked for: 128 random bits. */
export function makeLoopName(random: (limit: number) => number): Name {
  const word = (): string =>
    random(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return joinLabels([`${word()}${word()}`, `${word()}${word()}`, 'waypost-loop']) ?? rootName;
}

/** All workers that share a port must have detectors of one name: the kernel gives a probe that comes back to any of them. */
export function createLoopDetector(name: Name, onLoop: () => void): LoopDetector {
  let looped = false;
  return {
    name,
    get looped() {
      return looped;
    },
    seen(asked) {
      if (asked.length !== name.length || lowerName(asked) !== name) return false;
      if (!looped) onLoop();
      looped = true;
      return true;
    },
  };
}

export interface LoopSearch {
  readonly clock: Clock;
  /** Between two probes; the upstream may not be there yet when we start. */
  readonly retryMs: number;
  /** Probes until it is left at that. */
  readonly tries: number;
}

/** Specification 11.15: as long as an upstream may take to be there at the start of a node. */
export const loopRetries = { retryMs: 2000, tries: 5 } as const;

/**
 * Sends the probe through a forwarder until it is answered. What comes of it: `loop` where a detector saw it, `clear` where
 * an upstream answered and none did, `unanswered` where no upstream did.
 */
export async function seekLoop(
  forwarder: Forwarder,
  detector: LoopDetector,
  { clock, retryMs, tries }: LoopSearch,
): Promise<'loop' | 'clear' | 'unanswered'> {
  const question = { name: detector.name, type: recordType.HINFO, dnssecOk: false, checkingDisabled: false, stream: false };
  for (let left = tries; left > 0; left -= 1) {
    const result = await forwarder.ask(question);
    if (detector.looped) return 'loop';
    if (result.kind === 'answered') return 'clear';
    if (left > 1) await new Promise<void>((resolve) => clock.after(retryMs, resolve));
  }
  return 'unanswered';
}
