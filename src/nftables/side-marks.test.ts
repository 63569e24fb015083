import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markLayout, markOfServer, serverOfMark } from '../model/mod.ts';
import type { SideDecision } from '../model/mod.ts';
import {
  checkLane,
  decisionOfMark,
  dropMark,
  groupOfMark,
  markOfDecision,
  markOfGroup,
  markOfPick,
  rejectMark,
} from './side-marks.ts';

const number = fc.integer({ min: markLayout.firstNumber, max: markLayout.numberMask });
const decisions: fc.Arbitrary<SideDecision> = fc.oneof(
  fc.constantFrom<SideDecision>({ verdict: 'reject' }, { verdict: 'drop' }),
  fc.record({ verdict: fc.constant('balance' as const), server: fc.oneof(fc.constant(0), number), masquerade: fc.boolean() }),
  fc.record({ verdict: fc.constant('sticky' as const), group: number, masquerade: fc.boolean() }),
);

describe('marks of decisions', () => {
  it('say the decision, and are all different', () => {
    fc.assert(
      fc.property(decisions, (decision) => {
        expect(decisionOfMark(markOfDecision(decision))).toEqual(decision);
      }),
    );
  });

  it('are unsigned and have our prefix', () => {
    fc.assert(
      fc.property(decisions, (decision) => {
        expect(Math.floor(markOfDecision(decision) / 2 ** 24)).toBe(0x57);
      }),
    );
  });

  it('are those that the balancer expects', () => {
    expect(markOfDecision({ verdict: 'balance', server: 77, masquerade: true })).toBe(markOfServer(77, true));
    expect(markOfPick(77)).toBe(markOfServer(77, false));
    for (const mark of [rejectMark, dropMark, markOfGroup(77)]) expect(serverOfMark(mark)).toBeNull();
  });

  it('of others say nothing', () => {
    for (const mark of [0, 0x57000003, 0x57800001, 0x57400001]) expect(decisionOfMark(mark)).toBeNull();
    for (const mark of [1, 0x4000, 0x58000010, 0xffffffff]) expect(decisionOfMark(mark)).toEqual({ verdict: 'mark', mark });
    for (const mark of [0x57000010, 0x57c00010, 0x57400001]) expect(groupOfMark(mark)).toBeNull();
    expect(groupOfMark(0x57400010)).toBe(16);
  });

  it('exist for numbers in range only', () => {
    for (const server of [1, 15, 0x400000, 1.5, -1]) {
      expect(() => markOfDecision({ verdict: 'balance', server, masquerade: false })).toThrow(RangeError);
      expect(() => markOfGroup(server)).toThrow(RangeError);
    }
    expect(() => markOfPick(0)).toThrow(RangeError);
    for (const mark of [0, -1, 0x100000000, 1.5, 0x57000010]) {
      expect(() => markOfDecision({ verdict: 'mark', mark })).toThrow(RangeError);
      expect(() => checkLane(mark)).toThrow(RangeError);
    }
  });
});
