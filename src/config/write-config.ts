import { stringify } from 'yaml';
import { formatDuration } from './duration.ts';
import type { EffectiveConfig } from './effective-config.ts';
import type { Field, ValueKind, ValueKinds } from './field.ts';
import { rows } from './fields.ts';
import type { Settings } from './fields.ts';
import { ownApiVersion, ownKind, proxyApiVersion, proxyKind } from './read-document.ts';

/** The settings as the nested KubeProxyConfiguration that `/configz` shows: durations are text. */
export function describeSettings(settings: Settings): Readonly<Record<string, unknown>> {
  const root: Record<string, unknown> = { apiVersion: proxyApiVersion, kind: proxyKind };
  for (const row of rows) {
    const parts = row.path.split('.');
    const section = parts.length === 1 ? root : ((root[parts[0] ?? ''] ??= {}) as Record<string, unknown>);
    section[parts.at(-1) ?? ''] = describeValue(row, settings[row.path]);
  }
  return root;
}

/**
 * The configuration as YAML that loads back to the same settings. What only flags can say is lost: a
 * disabled health address, `--master`, and a least period of zero in the iptables and nftables modes.
 */
export function writeConfig(config: EffectiveConfig): string {
  const own = config.manifests === null ? [] : [{ apiVersion: ownApiVersion, kind: ownKind, manifests: config.manifests }];
  return [describeSettings(config.settings), ...own].map((document) => stringify(document)).join('---\n');
}

function describeValue({ kind }: Field, value: ValueKinds[ValueKind]): unknown {
  if (kind === 'duration' || kind === 'flush-duration') return formatDuration(value as number);
  if (kind === 'level-list') return (value as readonly string[]).map(describeLevel);
  return value;
}

function describeLevel(entry: string): { readonly filePattern: string; readonly verbosity: number } {
  const equals = entry.lastIndexOf('=');
  return { filePattern: entry.slice(0, equals), verbosity: Number(entry.slice(equals + 1)) };
}
