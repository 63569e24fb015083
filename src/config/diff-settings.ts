import { isDeepStrictEqual } from 'node:util';
import { formatSetting } from './describe-flags.ts';
import type { EffectiveConfig } from './effective-config.ts';
import { rows } from './fields.ts';

/** A field that a changed file gives another value; values are as one would write them. */
export interface SettingChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
  /** A running agent can take it. */
  readonly live: boolean;
}

/** Every field in which two configurations differ, in the order of the table, and the folder of manifests. */
export function diffSettings(before: EffectiveConfig, after: EffectiveConfig): readonly SettingChange[] {
  const changes = rows
    .filter(({ path }) => !isDeepStrictEqual(before.settings[path], after.settings[path]))
    .map((row) => ({
      path: row.path,
      before: formatSetting(row, before.settings[row.path]),
      after: formatSetting(row, after.settings[row.path]),
      live: row.live,
    }));
  if (before.manifests === after.manifests) return changes;
  return [...changes, { path: 'manifests', before: before.manifests ?? '', after: after.manifests ?? '', live: false }];
}
