import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Address, Clock, Problem } from '../model/mod.ts';
import { convertSettings, globTest, readAnySettings } from './import-any.ts';
import type { AnyOptions } from './import-any.ts';
import type { DnsSettings } from './settings.ts';
import { defaultSettings } from './settings-default.ts';
import type { NamedText, SettingsReading } from './settings-reading.ts';
import { resolveFiles } from './settings-resolve.ts';

export interface LoadOptions extends Omit<AnyOptions, 'readImport'> {
  /** A file, or a folder that a ConfigMap is mounted at; null: the stock settings. */
  readonly path: string | null;
  /** Addresses that must never be upstreams. */
  readonly own: readonly Address[];
}

export interface WatchOptions extends LoadOptions {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Other settings than before, and what there is to say about them. */
  readonly onSettings: (settings: DnsSettings, warnings: readonly Problem[]) => void;
  /** A change that cannot be used: the settings before it stay. Told once for each change. */
  readonly onProblems: (problems: readonly Problem[]) => void;
}

/** What was read on the way, in order: equal marks mean equal settings. */
interface Load {
  readonly reading: SettingsReading;
  readonly mark: string;
}

/** Reads the configuration of a path, and the resolv.conf files that it names. */
export function loadSettings(options: LoadOptions): SettingsReading {
  return load(options).reading;
}

/**
 * Looks at the configuration as often as the settings in force say, and at the resolv.conf files with it, and tells of
 * changes. `loaded` are the settings that were told of already. The result ends it.
 */
export function watchSettings(options: WatchOptions, loaded: DnsSettings): () => void {
  let reload = loaded.reload;
  let told = JSON.stringify(loaded);
  const first = load(options);
  // The file may have changed since it was read.
  let mark = first.reading.ok && JSON.stringify(first.reading.settings) === told ? first.mark : '';
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const next = load(options);
    if (next.mark !== mark) {
      mark = next.mark;
      const { reading } = next;
      if (!reading.ok) options.onProblems(reading.problems);
      else if (JSON.stringify(reading.settings) !== told) {
        told = JSON.stringify(reading.settings);
        reload = reading.settings.reload;
        options.onSettings(reading.settings, reading.warnings);
      }
    }
    plan();
  };
  const plan = (): void => {
    if (reload === null) return;
    const shift = (options.random() * 2 - 1) * reload.jitterMs;
    // A jitter above the interval would make a rush of it.
    cancel = options.clock.after(Math.max(reload.intervalMs / 2, reload.intervalMs + shift), look);
  };
  plan();
  return () => cancel();
}

function load(options: LoadOptions): Load {
  const marks: string[] = [];
  const readFile = (path: string): string | null => {
    const text = readText(path);
    marks.push(path, text ?? '');
    return text;
  };
  const found = options.path === null ? { files: [], problem: null } : readFiles(options.path, readFile);
  const unresolved: SettingsReading =
    found.problem !== null
      ? { ok: false, problems: [found.problem], warnings: [] }
      : options.path === null
        ? { ok: true, settings: defaultSettings(options), warnings: [] }
        : readAnySettings(found.files, { ...options, readImport: importer(readFile) });
  const reading = resolveFiles(unresolved, { readFile, own: options.own });
  return { reading, mark: JSON.stringify([marks, found.problem?.message ?? '']) };
}

/** Our own document for the configuration of a path, imports of other files included. */
export function convertPath(path: string, options: Omit<AnyOptions, 'readImport'>): ReturnType<typeof convertSettings> {
  const { files, problem } = readFiles(path, readText);
  if (problem !== null) return { yaml: null, settings: null, warnings: [], problems: [problem] };
  return convertSettings(files, { ...options, readImport: importer(readText) });
}

/** Reads the files that an `import` names and that are not among those of the configuration. */
function importer(readFile: (path: string) => string | null): AnyOptions['readImport'] {
  return (pattern, from) => {
    const files = listImport(pattern, from).flatMap((path) => {
      const text = readFile(path);
      return text === null ? [] : [{ name: path, text }];
    });
    return files.length > 0 ? files : null;
  };
}

function readFiles(
  path: string,
  readFile: (path: string) => string | null,
): { readonly files: readonly NamedText[]; readonly problem: Problem | null } {
  try {
    // A mounted ConfigMap has its keys as links, and a folder of its own whose name begins with dots.
    const paths = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => !name.startsWith('.'))
          .toSorted()
          .map((name) => join(path, name))
          .filter((file) => statSync(file).isFile())
      : [path];
    const files = paths.flatMap((file) => {
      const text = readFile(file);
      return text === null ? [] : [{ name: file, text }];
    });
    if (files.length === 0) throw new Error('nothing there can be read');
    return { files, problem: null };
  } catch (cause) {
    const message = `cannot read the DNS configuration ${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { files: [], problem: { code: 'WP_DNS_CONFIG_READ', message, cause } };
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The files that a pattern means, seen from the file that it stands in. The pattern is in the last part of the path alone. */
function listImport(pattern: string, from: string): readonly string[] {
  const path = isAbsolute(pattern) ? pattern : join(dirname(from), pattern);
  const test = globTest(basename(path));
  try {
    const names = readdirSync(dirname(path)).filter((name) => !name.startsWith('.') && test.test(name));
    return names.toSorted().map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}
