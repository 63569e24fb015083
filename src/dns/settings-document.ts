import * as v from 'valibot';
import { LineCounter, isMap, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { DnsSettings, ServerBlock } from './settings.ts';
import { concludeReading, newNotes } from './settings-reading.ts';
import type { NamedText, Notes, SettingsReading } from './settings-reading.ts';
import { documentSchema } from './settings-schema.ts';
import type { ReadDocument } from './settings-schema.ts';

export const dnsApiVersion = 'waypost.dev/v1alpha1';
export const dnsKind = 'WaypostDNSConfiguration';

/** Reads our own document, YAML or JSON. All problems are found, each with its file, line, field and value. */
export function readDocument({ name, text }: NamedText): SettingsReading {
  const notes = newNotes();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  for (const error of document.errors) {
    const message = `${name}:${lines.linePos(error.pos[0]).line}: not valid YAML: ${error.message.replaceAll(/\s+/g, ' ')}`;
    notes.problems.push({ code: 'WP_DNS_CONFIG_SYNTAX', message });
  }
  if (notes.problems.length === 0 && !isMap(document.contents)) {
    notes.problems.push({ code: 'WP_DNS_CONFIG_VALUE', message: `${name}:1: the document must be a map of fields` });
  }
  const value = notes.problems.length > 0 ? null : toPlain(document, name, notes);
  if (notes.problems.length > 0) return { ok: false, ...notes };
  const result = v.safeParse(documentSchema, value);
  if (!result.success) {
    for (const issue of result.issues) reportIssue(notes, issue, { name, document, lines });
    return { ok: false, ...notes };
  }
  const settings = toSettings(result.output);
  checkBlocks(settings, name, notes);
  return concludeReading(notes, () => settings);
}

/** Aliases can make a small text a huge value: the reader of YAML refuses that with an exception. */
function toPlain(document: Document, name: string, notes: Notes): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    notes.problems.push({ code: 'WP_DNS_CONFIG_SYNTAX', message: `${name}: not usable YAML: ${reason}` });
    return null;
  }
}

interface Place {
  readonly name: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

function reportIssue(notes: Notes, issue: v.BaseIssue<unknown>, { name, document, lines }: Place): void {
  const keys = (issue.path ?? []).map(({ key }) => key);
  const field = keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  const line = lines.linePos(offsetOf(document, keys)).line;
  const missing = issue.type === 'strict_object' && issue.received === 'undefined' && keys.length > 0;
  const unknown = issue.type === 'strict_object' && issue.expected === 'never';
  const sentence = unknown
    ? 'is no known field'
    : missing
      ? 'is missing'
      : issue.type === 'strict_object'
        ? `must be a map of fields, not ${issue.received}`
        : `${issue.message}${issue.message.startsWith('must') ? `, not ${describeInput(issue.input)}` : ''}`;
  notes.problems.push({
    code: unknown ? 'WP_DNS_CONFIG_UNKNOWN_FIELD' : 'WP_DNS_CONFIG_VALUE',
    message: `${name}:${line}: ${field === '' ? 'the document' : field} ${sentence}`,
  });
}

function describeInput(input: unknown): string {
  const text = JSON.stringify(input) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Where the innermost part of a path that is there begins. */
function offsetOf(document: Document, path: readonly unknown[]): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String((item.key as { readonly value?: unknown } | null)?.value ?? item.key) === String(key),
      );
      offset = (pair?.key as Node | null | undefined)?.range?.[0] ?? offset;
      node = (pair?.value as Node | null | undefined) ?? null;
    } else {
      node = (node as { get?(key: unknown, keep: boolean): Node | null } | null)?.get?.(key, true) ?? null;
      offset = node?.range?.[0] ?? offset;
    }
  }
  return offset;
}

/** Rules that are about more than one field. */
function checkBlocks(settings: DnsSettings, name: string, notes: Notes): void {
  const complain = (index: number, sentence: string): void => {
    notes.problems.push({ code: 'WP_DNS_CONFIG_VALUE', message: `${name}: servers[${index}]${sentence}` });
  };
  for (const [index, { kubernetes, forward, rewrite }] of settings.blocks.entries()) {
    if (kubernetes !== null) {
      if (kubernetes.zones.length === 0) complain(index, '.kubernetes.zones must name a zone');
      if (kubernetes.zonal && kubernetes.noEndpoints) complain(index, '.kubernetes.zonal and noEndpoints exclude each other');
      if (kubernetes.namespaces !== null && kubernetes.namespaceLabels !== null) {
        complain(index, '.kubernetes.namespaces and namespaceLabels exclude each other');
      }
    }
    for (const [at, rule] of forward.entries()) {
      const count = rule.upstreams.length + (rule.upstreamFiles?.length ?? 0);
      if (count < 1 || count > 15) complain(index, `.forward[${at}] must have 1 to 15 upstreams or upstreamFiles, not ${count}`);
    }
    for (const [at, { matches }] of rewrite.entries()) {
      if (matches.kind === 'ttl' && matches.min > matches.max)
        complain(index, `.rewrite[${at}].matches.min must not be above max`);
    }
  }
}

function toSettings({ health, ready, metrics, reload, servers }: ReadDocument): DnsSettings {
  return {
    blocks: servers.map(toBlock),
    health: health === null ? null : { ...health.listen, lameDuckMs: health.lameDuck },
    ready,
    metrics,
    reload: reload === null ? null : { intervalMs: reload.interval, jitterMs: reload.jitter },
  };
}

function toBlock({ cache, hosts, kubernetes, forward, autopath, ...rest }: ReadDocument['servers'][number]): ServerBlock {
  return {
    ...rest,
    cache: cache === null ? null : toCache(cache),
    autopath: autopath === null ? null : withoutUndefined(autopath),
    hosts: hosts === null ? null : rename(hosts, 'reload', 'reloadMs'),
    kubernetes: kubernetes === null ? null : rename(kubernetes, 'startupTimeout', 'startupTimeoutMs'),
    forward: forward.map((rule) =>
      withoutUndefined(rename(rename(rule, 'healthInterval', 'healthIntervalMs'), 'expire', 'expireMs')),
    ),
  };
}

type ReadCache = NonNullable<ReadDocument['servers'][number]['cache']>;

function toCache({ servfail, prefetch, serveStale, ...rest }: ReadCache): NonNullable<ServerBlock['cache']> {
  return {
    ...rest,
    servfailMs: servfail,
    prefetch: prefetch === null ? null : rename(prefetch, 'interval', 'intervalMs'),
    serveStale: serveStale === null ? null : rename(serveStale, 'for', 'forMs'),
  };
}

/** The object with one field under another name: a duration whose name tells the unit. */
function rename<T extends object, K extends keyof T, N extends string>(object: T, from: K, to: N): Omit<T, K> & Record<N, T[K]> {
  const { [from]: value, ...rest } = object;
  return { ...rest, [to]: value } as unknown as Omit<T, K> & Record<N, T[K]>;
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Fields that the document does not have are absent, not undefined. */
function withoutUndefined<T extends object>(object: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as WithoutUndefined<T>;
}
