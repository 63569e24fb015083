import { readFile } from 'node:fs/promises';
import type { Problem } from '../model/mod.ts';
import type { Reading } from './assignment.ts';
import { deriveConfig } from './effective-config.ts';
import type { EffectiveConfig } from './effective-config.ts';
import { describeIdleSettings } from './idle-settings.ts';
import { readDocuments } from './read-document.ts';
import { readFlags } from './read-flags.ts';
import type { FlagTexts, ProcessFlags } from './read-flags.ts';
import { resolveSettings } from './resolve-settings.ts';
import { validateSettings } from './validate-settings.ts';
import { warnOfMarks } from './warn-marks.ts';

/** A configuration to run with, or everything that is wrong with it. */
export type Loaded =
  | {
      readonly ok: true;
      readonly config: EffectiveConfig;
      readonly process: ProcessFlags;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** Loads the configuration that the flags of `waypost run` give, reading the file of `--config` if there is one. */
export async function loadConfig(texts: FlagTexts): Promise<Loaded> {
  const path = texts.get('config')?.at(-1) ?? '';
  if (path === '') return makeConfig(texts, null);
  try {
    return makeConfig(texts, { name: path, text: await readFile(path, 'utf8') });
  } catch (cause) {
    const message = `cannot read the configuration file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { ok: false, problems: [{ code: 'WP_CONFIG_READ', message, cause }], warnings: [] };
  }
}

/** The pure part of {@link loadConfig}: flags and the text of the file. */
export function makeConfig(texts: FlagTexts, file: { readonly name: string; readonly text: string } | null): Loaded {
  const flags = readFlags(texts);
  const reading = file === null ? null : readDocuments(file.text, file.name);
  const resolved = resolveSettings(reading, flags);
  const warnings = [
    ...(reading?.warnings ?? []),
    ...ignoredFlags(reading, flags.ignoredWithFile),
    ...deprecatedFlags(texts),
    ...describeIdleSettings(resolved, texts).map((message) => ({ code: 'WP_CONFIG_NO_EFFECT' as const, message })),
    ...warnOfMarks(resolved.settings),
  ];
  const unread = reading?.problems ?? [];
  // The values of a file that cannot be read are defaults: judging them would blame the wrong thing.
  const broken = unread.some(({ code }) => code !== 'WP_CONFIG_TYPE');
  const problems = [...flags.problems, ...unread, ...(broken ? [] : validateSettings(resolved))];
  if (problems.length > 0) return { ok: false, problems, warnings };
  const manifests = flags.process.manifests ?? reading?.manifests ?? null;
  const config = deriveConfig(resolved.settings, { manifests, master: flags.process.master });
  return { ok: true, config, process: flags.process, warnings };
}

function ignoredFlags(reading: Reading | null, names: readonly string[]): readonly Problem[] {
  if (reading === null || names.length === 0) return [];
  const list = names.map((name) => `--${name}`).join(', ');
  return [{ code: 'WP_CONFIG_FLAG_IGNORED', message: `beside --config these flags have no effect: ${list}` }];
}

function deprecatedFlags(texts: FlagTexts): readonly Problem[] {
  return ['healthz-port', 'metrics-port']
    .filter((name) => texts.has(name))
    .map((name) => ({
      code: 'WP_CONFIG_FLAG_DEPRECATED',
      message: `--${name} is deprecated: give the port with --${name.replace('-port', '')}-bind-address`,
    }));
}
