import { formatType, rcode, recordType } from './constants.ts';
import { formatName, isWithin, lowerName, rootName } from './name.ts';
import type { Name } from './name.ts';
import { readName } from './read-name.ts';
import type { Answer, ResourceRecord } from './record.ts';
import type { TemplateRule } from './settings.ts';
import { compileRegex } from './template-regex.ts';
import type { Regex } from './template-regex.ts';
import { compileTemplateText, readZoneFileRecord } from './template-text.ts';
import type { TemplateFacts, TemplateText } from './template-text.ts';

/** An answer that a template gave. */
export interface TemplateAnswer extends Answer {
  /** In lower case, where the answer ends with a CNAME whose target is wanted; null: complete. */
  readonly chase: Name | null;
}

interface Compiled {
  readonly rule: TemplateRule;
  readonly expressions: readonly Regex[];
  readonly answer: readonly TemplateText[];
  readonly authority: readonly TemplateText[];
  readonly additional: readonly TemplateText[];
}

const failed: TemplateAnswer = {
  rcode: rcode.SERVFAIL,
  authoritative: false,
  answer: [],
  authority: [],
  additional: [],
  chase: null,
};

/**
 * Makes the stage of specification 13.5. It takes the name in lower case; null: no template has to do with the question, and
 * the next stage is asked. A name within a template's zones that none of its expressions matches, where it does not fall
 * through, fails: somebody meant to decide about it and did not.
 */
export function compileTemplates(rules: readonly TemplateRule[]): (name: Name, type: number) => TemplateAnswer | null {
  const templates = rules.map(compileRule);
  return (name, type) => {
    for (const template of templates) {
      const { rule } = template;
      if (rule.type !== null && rule.type !== type) continue;
      const zone = zoneOf(name, rule.zones);
      if (zone === null) continue;
      const facts = matchFacts(template, name, zone, type);
      if (facts !== null) return render(template, facts, type);
      if (!rule.fallthrough.some((within) => isWithin(name, within))) return failed;
    }
    return null;
  };
}

function compileRule(rule: TemplateRule): Compiled {
  return {
    rule,
    expressions: rule.match.map((pattern) => certain(compileRegex(pattern))),
    answer: rule.answer.map((text) => certain(compileTemplateText(text))),
    authority: rule.authority.map((text) => certain(compileTemplateText(text))),
    additional: rule.additional.map((text) => certain(compileTemplateText(text))),
  };
}

/** Settings were checked when they were read. */
function certain<T>(outcome: { ok: true; value: T } | { ok: false; problem: { message: string } }): T {
  if (!outcome.ok) throw new TypeError(outcome.problem.message);
  return outcome.value;
}

function zoneOf(name: Name, zones: readonly Name[]): Name | null {
  let best: Name | null = null;
  for (const zone of zones) if (isWithin(name, zone) && zone.length > (best?.length ?? 0)) best = zone;
  return best;
}

function matchFacts({ expressions }: Compiled, name: Name, zone: Name, type: number): TemplateFacts | null {
  const text = formatName(name);
  const plain = { Name: text, Zone: formatName(zone), Type: formatType(type), Class: 'IN' };
  if (expressions.length === 0) return { ...plain, match: [text], groups: new Map() };
  for (const expression of expressions) {
    const match = expression.match(text);
    if (match !== null) return { ...plain, match, groups: expression.groups };
  }
  return null;
}

function render(template: Compiled, facts: TemplateFacts, type: number): TemplateAnswer {
  const answer = renderAll(template.answer, facts);
  const authority = renderAll(template.authority, facts);
  const additional = renderAll(template.additional, facts);
  if (answer === null || authority === null || additional === null) return failed;
  const chase = type === recordType.CNAME ? null : openEnd(answer);
  return { rcode: template.rule.rcode, authoritative: true, answer, authority, additional, chase };
}

function renderAll(texts: readonly TemplateText[], facts: TemplateFacts): ResourceRecord[] | null {
  const records: ResourceRecord[] = [];
  for (const write of texts) {
    const text = write(facts);
    const record = text === null ? null : readZoneFileRecord(text);
    if (record === null) return null;
    records.push(record);
  }
  return records;
}

/** The target of the last CNAME, where no record of the answer belongs to it. */
function openEnd(answer: readonly ResourceRecord[]): Name | null {
  const last = answer.findLast(({ type }) => type === recordType.CNAME);
  if (last === undefined) return null;
  const target = lowerName(readName(last.data, 0, last.data.length, 0)?.name ?? rootName);
  return answer.some(({ name }) => lowerName(name) === target) ? null : target;
}
