import { describe, expect, it } from 'vitest';
import type { ForwardQuestion, ForwardResult, Forwarder } from './forward-contract.ts';
import { HandClock, settle } from './forward.fixture.ts';
import { createLoopDetector, loopRetries, makeLoopName, seekLoop } from './forward-loop.ts';
import { formatName } from './name.ts';

const denied: ForwardResult = {
  kind: 'answered',
  rcode: 3,
  authenticData: false,
  truncated: false,
  answer: [],
  authority: [],
  upstream: '10.0.0.1:53',
};
const failed: ForwardResult = { kind: 'failed', reason: 'nobody there' };

function forwarder(ask: (question: ForwardQuestion) => ForwardResult): Forwarder & { readonly asked: ForwardQuestion[] } {
  const asked: ForwardQuestion[] = [];
  return {
    asked,
    async ask(question) {
      asked.push(question);
      return ask(question);
    },
    close() {},
  };
}

const name = makeLoopName((limit) => Math.floor(limit / 3));

describe('the search for a loop', () => {
  it('[DNS-125] asks for HINFO of a name of its own; an answer without the name coming back is no loop', async () => {
    const loops: string[] = [];
    const detector = createLoopDetector(name, () => loops.push('loop'));
    const upstream = forwarder(() => denied);
    expect(await seekLoop(upstream, detector, { clock: new HandClock(), ...loopRetries })).toBe('clear');
    expect(upstream.asked).toEqual([{ name, type: 13, dnssecOk: false, checkingDisabled: false, stream: false }]);
    expect(loops).toEqual([]);
  });

  it('[DNS-125] finds it when the name comes back, in any spelling, and tells once', async () => {
    const loops: string[] = [];
    const detector = createLoopDetector(name, () => loops.push('loop'));
    const upstream = forwarder((question) => {
      expect(detector.seen(question.name.toUpperCase())).toBe(true);
      expect(detector.seen(question.name)).toBe(true);
      return failed;
    });
    expect(await seekLoop(upstream, detector, { clock: new HandClock(), ...loopRetries })).toBe('loop');
    expect(loops).toEqual(['loop']);
    expect(detector.looped).toBe(true);
  });

  it('[DNS-125] asks again as long as no upstream is there, within bounds', async () => {
    const clock = new HandClock();
    const detector = createLoopDetector(name, () => {});
    const dead = forwarder(() => failed);
    const never = seekLoop(dead, detector, { clock, retryMs: 2000, tries: 3 });
    await clock.turn(1999);
    expect(dead.asked).toHaveLength(1);
    await clock.turn(2001);
    expect(await never).toBe('unanswered');
    expect(dead.asked).toHaveLength(3);
    const late = forwarder(() => (late.asked.length < 2 ? failed : denied));
    const found = seekLoop(late, detector, { clock, retryMs: 2000, tries: 3 });
    await settle();
    await clock.turn(2000);
    expect(await found).toBe('clear');
  });

  it('[DNS-125] does not take other names for its own', () => {
    const detector = createLoopDetector(name, () => {});
    expect(detector.seen(`\x01a${name}`)).toBe(false);
    expect(detector.seen(makeLoopName(() => 7))).toBe(false);
    expect(detector.looped).toBe(false);
    expect(formatName(name)).toMatch(/^[0-9a-f]{16}\.[0-9a-f]{16}\.waypost-loop\.$/);
  });
});
