import { markLayout, markOfServer } from '../model/mod.ts';
import type { SideDecision } from '../model/mod.ts';

/** Marks of decisions that are no server's: numbers below `markLayout.firstNumber`. */
export const rejectMark = markOfServer(1, false);
export const dropMark = markOfServer(2, false);

/** All marks of side rules that ask for a sticky group, and for masquerade too where `masquerade` is true. */
export function stickyLane(masquerade: boolean): { readonly mask: number; readonly equals: number } {
  const equals = markLayout.prefix | markLayout.sticky | (masquerade ? markLayout.masquerade : 0);
  return { mask: ~markLayout.numberMask >>> 0, equals: equals >>> 0 };
}

/** All marks of side rules. */
export const ownMarks = { mask: markLayout.prefixMask, equals: markLayout.prefix } as const;

/** All marks of side rules that ask for masquerade. */
export const masqueradeMarks = {
  mask: (markLayout.prefixMask | markLayout.masquerade) >>> 0,
  equals: (markLayout.prefix | markLayout.masquerade) >>> 0,
} as const;

/** The mark that a group's packets have until a server is picked, without masquerade. */
export function markOfGroup(group: number): number {
  return (markLayout.prefix | markLayout.sticky | checkNumber('group', group)) >>> 0;
}

/** The group of a mark made by {@link markOfGroup}, or null. */
export function groupOfMark(mark: number): number | null {
  const group = mark & markLayout.numberMask;
  return group >= markLayout.firstNumber && markOfGroup(group) === mark ? group : null;
}

/** The mark under which a decision travels to the balancer. */
export function markOfDecision(decision: SideDecision): number {
  switch (decision.verdict) {
    case 'reject':
      return rejectMark;
    case 'drop':
      return dropMark;
    case 'balance':
      if (decision.server === 0) return markOfServer(0, decision.masquerade);
      return markOfServer(checkNumber('server', decision.server), decision.masquerade);
    case 'mark':
      return checkLane(decision.mark);
    case 'sticky':
      return (markOfGroup(decision.group) | (decision.masquerade ? markLayout.masquerade : 0)) >>> 0;
  }
}

/** The decision of a mark made by {@link markOfDecision}; null for any other mark. Every mark outside our layout is some lane's. */
export function decisionOfMark(mark: number): SideDecision | null {
  if (mark === rejectMark) return { verdict: 'reject' };
  if (mark === dropMark) return { verdict: 'drop' };
  if (!isOwnMark(mark)) return mark === 0 ? null : { verdict: 'mark', mark };
  const masquerade = (mark & markLayout.masquerade) !== 0;
  const number = mark & markLayout.numberMask;
  const numbered = number >= markLayout.firstNumber;
  if ((mark & markLayout.sticky) !== 0) return numbered ? { verdict: 'sticky', group: number, masquerade } : null;
  return numbered || number === 0 ? { verdict: 'balance', server: number, masquerade } : null;
}

/** The mark of a lane, which is none of {@link markLayout}. */
export function checkLane(mark: number): number {
  if (Number.isInteger(mark) && mark > 0 && mark <= 0xff_ff_ff_ff && !isOwnMark(mark)) return mark;
  throw new RangeError(`${mark} is no packet mark of a lane`);
}

function isOwnMark(mark: number): boolean {
  return (mark & markLayout.prefixMask) >>> 0 === markLayout.prefix;
}

/** The mark of a server that sticky groups remember: without masquerade. */
export function markOfPick(server: number): number {
  return markOfServer(checkNumber('server', server), false);
}

function checkNumber(what: string, number: number): number {
  if (Number.isInteger(number) && number >= markLayout.firstNumber && number <= markLayout.numberMask) return number;
  throw new RangeError(`${what} ${number} has no packet mark`);
}
