import { lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { boundTtl, changeOwners, changeRcode, changeValues, moveOwners, renameOwner } from './rewrite-answer.ts';
import type { AnswerChange } from './rewrite-answer.ts';
import { compileChange, compileTest } from './rewrite-name.ts';
import type { RewriteMatch, RewriteRule } from './settings.ts';

/** A question that rules changed. */
export interface Rewritten {
  /** In lower case. */
  readonly name: Name;
  readonly type: number;
  /** Makes the answer to this question one to the asker's: its name, and what rules for answers say. */
  readonly undo: (answer: Answer) => Answer;
}

type Answer = Parameters<AnswerChange>[0];

/** The question on its way through the rules, and what its answer has to go through, the last first. */
interface State {
  readonly name: Name;
  readonly type: number;
  readonly undo: readonly AnswerChange[];
}

/** One rule: the state after it, or null where it does not match. */
type Step = (state: State) => State | null;

/**
 * Makes the stage of specification 13.4. It takes the name as spelled; null: no rule matches. Each rule is looked at once, in
 * the order of the file, so that no set of rules can turn in a circle.
 */
export function compileRewrite(rules: readonly RewriteRule[]): (name: Name, type: number) => Rewritten | null {
  const steps = rules.map(({ matches, after }) => ({ step: compileMatch(matches), stops: after === 'stop' }));
  return (name, type) => {
    let state: State = { name, type, undo: [] };
    let matched = false;
    for (const { step, stops } of steps) {
      const next = step(state);
      if (next === null) continue;
      state = next;
      matched = true;
      if (stops) break;
    }
    if (!matched) return null;
    const { undo } = state;
    return {
      name: lowerName(state.name),
      type: state.type,
      undo: (answer) => undo.reduceRight((changed, change) => change(changed), answer),
    };
  };
}

function compileMatch(match: RewriteMatch): Step {
  switch (match.kind) {
    case 'type':
      return (state) => (state.type === match.from ? { ...state, type: match.to } : null);
    case 'name':
      return compileNameRule(match);
    case 'ttl':
      return withAnswer(compileTest(match.how, match.from), boundTtl(match.min, match.max));
    case 'rcode':
      return withAnswer(compileTest(match.how, match.name), changeRcode(match.from, match.to));
  }
}

function withAnswer(test: (name: Name) => boolean, change: AnswerChange): Step {
  return (state) => (test(lowerName(state.name)) ? { ...state, undo: [...state.undo, change] } : null);
}

function compileNameRule(match: Extract<RewriteMatch, { readonly kind: 'name' }>): Step {
  const change = compileChange(match.how, match.from, match.to);
  const answers = compileAnswers(match);
  return (state) => {
    const name = change(lowerName(state.name));
    return name === null ? null : { ...state, name, undo: [...state.undo, ...answers(name, state.name)] };
  };
}

/** What a rule does to answers, given the new name and the one before. */
function compileAnswers(
  match: Extract<RewriteMatch, { readonly kind: 'name' }>,
): (now: Name, before: Name) => readonly AnswerChange[] {
  const { answers, how } = match;
  if (answers === 'keep') return () => [];
  if (answers !== 'auto') {
    // In the order of the file, so the last comes first here.
    const changes = answers.toReversed().map(({ kind, from, to }) => {
      const change = compileChange('regex', from, to);
      return kind === 'name' ? changeOwners(change) : changeValues(change);
    });
    return () => changes;
  }
  const [from, to] = [suffixOf(match.from), suffixOf(match.to)];
  if (how !== 'suffix' || from === null || to === null) return (now, before) => [renameOwner(now, before)];
  // Other owners of the answer, at the end of a CNAME or of a service record, go back as well; the asker's spelling is last.
  return (now, before) => [renameOwner(lowerName(before), before), moveOwners(to, from), renameOwner(now, before)];
}

/** The zone that a suffix such as `.example.org.` stands for. */
function suffixOf(text: string): Name | null {
  const name = parseName(text.replace(/^\./, '').toLowerCase());
  return name === null ? null : lowerName(name);
}
