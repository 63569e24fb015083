import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { formatDuration } from '../model/mod.ts';
import type { EffectiveConfig } from './effective-config.ts';
import type { DocumentName, Field, ValueKind, ValueKinds } from './field.ts';
import { rows } from './fields.ts';
import type { Settings } from './fields.ts';
import { formatMark } from './mark-text.ts';
import { ownApiVersion, ownKind, proxyApiVersion, proxyKind } from './read-document.ts';

type Row = (typeof rows)[number];

/** The settings as the nested KubeProxyConfiguration that `/configz` shows: durations are text. */
export function describeSettings(settings: Settings): Readonly<Record<string, unknown>> {
  return nest({ apiVersion: proxyApiVersion, kind: proxyKind }, rowsOf('proxy'), settings);
}

/** Our own document; null where it would say nothing that holds not anyway. */
function describeOwn({ settings, manifests }: EffectiveConfig): Readonly<Record<string, unknown>> | null {
  const given = rowsOf('own').filter((row) => !isDeepStrictEqual(settings[row.path], row.fallback));
  if (manifests === null && given.length === 0) return null;
  const head = { apiVersion: ownApiVersion, kind: ownKind };
  return nest(manifests === null ? head : { ...head, manifests }, given, settings);
}

function rowsOf(document: DocumentName): readonly Row[] {
  return rows.filter((row) => row.document === document);
}

function nest(head: Readonly<Record<string, unknown>>, given: readonly Row[], settings: Settings): Record<string, unknown> {
  const root: Record<string, unknown> = { ...head };
  for (const row of given) {
    const parts = row.path.split('.');
    let section = root;
    for (const part of parts.slice(0, -1)) section = (section[part] ??= {}) as Record<string, unknown>;
    section[parts.at(-1) ?? ''] = describeValue(row, settings[row.path]);
  }
  return root;
}

/**
 * The configuration as YAML that loads back to the same settings. What only flags can say is lost: a
 * disabled health address, `--master`, and a least period of zero in the iptables and nftables modes.
 */
export function writeConfig(config: EffectiveConfig): string {
  const own = describeOwn(config);
  return [describeSettings(config.settings), ...(own === null ? [] : [own])].map((document) => stringify(document)).join('---\n');
}

function describeValue({ kind }: Field, value: ValueKinds[ValueKind]): unknown {
  if (kind === 'duration' || kind === 'flush-duration') return formatDuration(value as number);
  if (kind === 'mark') return formatMark(value as number);
  if (kind === 'level-list') return (value as readonly string[]).map(describeLevel);
  return value;
}

function describeLevel(entry: string): { readonly filePattern: string; readonly verbosity: number } {
  const equals = entry.lastIndexOf('=');
  return { filePattern: entry.slice(0, equals), verbosity: Number(entry.slice(equals + 1)) };
}
