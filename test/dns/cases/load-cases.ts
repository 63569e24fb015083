import { readFileSync, readdirSync } from 'node:fs';
import * as v from 'valibot';
import { parse } from 'yaml';
import { parseRcode, parseType, rcode } from '../../../src/dns/constants.ts';
import { formatName, parseName } from '../../../src/dns/name.ts';
import type { Name } from '../../../src/dns/name.ts';
import { parseRecord } from '../../../src/dns/presentation.ts';
import type { ResourceRecord } from '../../../src/dns/record.ts';
import type { KubernetesSettings } from '../../../src/dns/settings.ts';
import type { ForwardOptions } from '../../../src/dns/zone-forward.ts';
import type { ZoneChange } from '../../../src/dns/zone-input.ts';
import { buildCluster, buildSettings, toName } from './build-cluster.ts';
import { caseFile } from './case-schema.ts';
import type { ExpectationText } from './case-schema.ts';

export interface CaseFile {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly about: string;
  readonly settings: KubernetesSettings;
  readonly options: ForwardOptions;
  readonly change: readonly ZoneChange[];
  readonly cases: readonly QueryCase[];
}

export interface QueryCase {
  /** With the items of the checklist in front: `[DNS-1][DNS-5] web.shop.svc.cluster.local. A`. */
  readonly title: string;
  readonly items: readonly number[];
  /** As spelled. */
  readonly name: Name;
  readonly type: number;
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answer: readonly ResourceRecord[];
  /** Null: exactly one SOA record, whose owner is a zone of ours that the denied name is in. */
  readonly authority: readonly ResourceRecord[] | null;
  readonly additional: readonly ResourceRecord[];
  /** In lower case; null where the answer is complete. */
  readonly chase: Name | null;
  /** The zone has nothing to say: the next stage is asked, and without one the reply is REFUSED. */
  readonly next: boolean;
}

/** Every case file of the folder. Throws on the first that does not make sense, naming file and case. */
export function loadCases(folder: string = import.meta.dirname): readonly CaseFile[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  if (files.length === 0) throw new Error(`no case file in ${folder}`);
  return files.toSorted().map((file) => readCaseFile(file, readFileSync(`${folder}/${file}`, 'utf8')));
}

export function readCaseFile(file: string, text: string): CaseFile {
  const parsed = v.safeParse(caseFile, parse(text));
  if (!parsed.success) {
    const lines = parsed.issues.map((issue) => `${file}: ${describePath(text, issue)}: ${issue.message}`);
    throw new Error(lines.join('\n'));
  }
  const { about, cluster, item, cases } = parsed.output;
  return {
    name: file.replace(/\.yaml$/, ''),
    about,
    ...buildSettings(v.parse(caseFile.entries.settings, parsed.output.settings)),
    change: [inFile(file, () => buildCluster(cluster))],
    cases: cases.flatMap((entry) => inFile(`${file}: case ${String(entry.ask)}`, () => expand(entry, listOf(item)))),
  };
}

function inFile<Value>(where: string, build: () => Value): Value {
  try {
    return build();
  } catch (cause) {
    throw new Error(`${where}: ${(cause as Error).message}`, { cause });
  }
}

/** `cases[3] (ask: web.shop… A).anser`. */
function describePath(text: string, issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? 'the whole file';
  const index = /^cases\.(\d+)/.exec(path)?.[1];
  const document = parse(text) as { readonly cases?: readonly { readonly ask?: unknown }[] } | null;
  const ask = index === undefined ? undefined : document?.cases?.[Number(index)]?.ask;
  return ask === undefined ? path : `${path} (ask: ${String(ask)})`;
}

function listOf<Value>(value: Value | readonly Value[] | undefined): readonly Value[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
}

/** One case for each question and type. */
function expand(entry: ExpectationText, fileItems: readonly number[]): readonly QueryCase[] {
  const items = [...new Set([...fileItems, ...listOf(entry.item)])];
  if (items.length === 0) throw new Error('a case names the items of the checklist that it is for');
  const code = parseRcode(entry.rcode);
  if (code === null) throw new Error(`not a response code: ${entry.rcode}`);
  const isNext = entry.next === true;
  const answer = entry.answer.map(toRecord);
  const shared = {
    items,
    rcode: isNext ? rcode.REFUSED : code,
    authoritative: !isNext && entry.flags.includes('aa'),
    answer,
    additional: entry.additional.map(toRecord),
    chase: entry.chase === undefined ? null : toName(entry.chase),
    next: isNext,
  };
  const isComplete = !isNext && entry.chase === undefined;
  return listOf(entry.ask).flatMap((ask) =>
    questionsOf(ask).map(({ name, type, typeText }) => {
      const title = `${items.map((item) => `[DNS-${item}]`).join('')} ${formatName(name)} ${typeText}`;
      const hasData = answer.some((record) => record.type === type);
      const isDenial = isComplete && (code === rcode.NXDOMAIN || (code === rcode.NOERROR && !hasData));
      return { title, name, type, ...shared, authority: entry.authority?.map(toRecord) ?? (isDenial ? null : []) };
    }),
  );
}

interface Question {
  readonly name: Name;
  readonly type: number;
  readonly typeText: string;
}

function questionsOf(ask: string): readonly Question[] {
  const [nameText = '', typeTexts = '', more] = ask.split(' ');
  const name = parseName(nameText);
  if (name === null || more !== undefined) throw new Error(`not a question such as "web.shop.svc.cluster.local. A": ${ask}`);
  return typeTexts.split(',').map((typeText) => {
    const type = parseType(typeText);
    if (type === null) throw new Error(`not a record type: ${typeText}`);
    return { name, type, typeText };
  });
}

function toRecord(text: string): ResourceRecord {
  const record = parseRecord(text);
  if (record === null) throw new Error(`not a record: ${text}`);
  return record;
}
