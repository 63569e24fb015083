import type { Problem, ProxyMode } from '../model/mod.ts';
import type { Assignment } from './assignment.ts';
import { parseDuration } from '../model/mod.ts';
import type { Field, ValueKind, ValueKinds } from './field.ts';
import { rows } from './fields.ts';
import { parseMark } from './mark-text.ts';
import { parsePool } from './pool-text.ts';
import { flagSpecs } from './process-flags.ts';
import type { Read } from './read-value.ts';

/** Flags as given: name without dashes, and each value in order. */
export type FlagTexts = ReadonlyMap<string, readonly string[]>;

/** What flags that set no field say. */
export interface ProcessFlags {
  readonly config: string | null;
  readonly manifests: string | null;
  readonly master: string | null;
  readonly writeConfigTo: string | null;
  readonly initOnly: boolean;
  readonly cleanup: boolean;
  readonly healthzPort: number | null;
  readonly metricsPort: number | null;
}

export interface FlagReading {
  readonly process: ProcessFlags;
  readonly problems: readonly Problem[];
  /** The fields that the flags set in a mode. Beside a file only those that beat it. */
  assignmentsFor(mode: ProxyMode, withFile: boolean): readonly Assignment[];
  /** Flags that do not count beside a file. */
  readonly ignoredWithFile: readonly string[];
}

/** Reads the texts of flags by their kinds. The names are known already. */
export function readFlags(texts: FlagTexts): FlagReading {
  const values = new Map<string, ValueKinds[ValueKind]>();
  const problems: Problem[] = [];
  for (const { name, kind } of flagSpecs) {
    const given = texts.get(name);
    if (given === undefined || kind === 'ignored') continue;
    const read = readTexts(kind, given);
    if ('value' in read) values.set(name, read.value);
    else problems.push({ code: 'WP_CONFIG_FLAG', message: `--${name} must be ${read.needs}, not "${given.at(-1) ?? ''}"` });
  }
  const ignoredWithFile = flagSpecs.filter(({ name, beatsFile }) => !beatsFile && texts.has(name)).map(({ name }) => name);
  return {
    process: processFlagsOf(values),
    problems,
    ignoredWithFile,
    assignmentsFor: (mode, withFile) => assign(values, mode, withFile),
  };
}

function processFlagsOf(values: ReadonlyMap<string, unknown>): ProcessFlags {
  const text = (name: string): string | null => {
    const value = values.get(name);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const port = (name: string): number | null => (values.get(name) as number | undefined) ?? null;
  return {
    config: text('config'),
    manifests: text('manifests'),
    master: text('master'),
    writeConfigTo: text('write-config-to'),
    initOnly: values.get('init-only') === true,
    cleanup: values.get('cleanup') === true,
    healthzPort: port('healthz-port'),
    metricsPort: port('metrics-port'),
  };
}

function assign(values: ReadonlyMap<string, ValueKinds[ValueKind]>, mode: ProxyMode, withFile: boolean): readonly Assignment[] {
  const counts = ({ flag }: Field): boolean =>
    flag !== null && (flag.modes?.includes(mode) ?? true) && (!withFile || flag.beatsFile === true);
  return rows.filter(counts).flatMap((row) => {
    const value = values.get(row.flag?.name ?? '');
    return value === undefined ? [] : [{ path: row.path, value, origin: `--${row.flag?.name ?? ''}` }];
  });
}

/** Several values: lists and maps are joined, of anything else the last counts (pflag). */
function readTexts(kind: ValueKind, given: readonly string[]): Read<ValueKinds[ValueKind]> {
  const parts = given.flatMap((text) => (text === '' ? [] : text.split(',')));
  if (kind === 'string-list') return { value: parts };
  if (kind === 'level-list') return readLevels(parts);
  if (kind === 'switches') return readSwitches(parts);
  if (kind === 'pool-list') return readPools(parts);
  return readText(kind, given.at(-1) ?? '');
}

function readText(
  kind: Exclude<ValueKind, 'string-list' | 'level-list' | 'switches' | 'pool-list'>,
  text: string,
): Read<string | number | boolean> {
  switch (kind) {
    case 'string':
      return { value: text };
    case 'boolean': {
      const value = readBoolean(text);
      return value === null ? { needs: 'true or false' } : { value };
    }
    case 'integer': {
      const value = /^[-+]?\d+$/.test(text) ? Number(text) : Number.NaN;
      return Number.isSafeInteger(value) ? { value } : { needs: 'a whole number' };
    }
    case 'number':
      return /^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(text) ? { value: Number(text) } : { needs: 'a number' };
    case 'duration':
    case 'flush-duration': {
      const value = parseDuration(text);
      return value === null ? { needs: 'a duration such as 30s, 500ms or 1h2m3s' } : { value };
    }
    case 'mark': {
      const value = parseMark(text);
      return value === null ? { needs: 'a number of 32 bits such as 0x1fff' } : { value };
    }
    default:
      return kind satisfies never;
  }
}

/** The spellings of Go's `strconv.ParseBool`. */
function readBoolean(text: string): boolean | null {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : null;
}

function readSwitches(parts: readonly string[]): Read<Readonly<Record<string, boolean>>> {
  const switches: Record<string, boolean> = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    const value = equals < 1 ? null : readBoolean(part.slice(equals + 1).trim());
    if (value === null) return { needs: 'a list like Name=true,Other=false' };
    switches[part.slice(0, equals).trim()] = value;
  }
  return { value: switches };
}

function readLevels(parts: readonly string[]): Read<readonly string[]> {
  return parts.every((part) => /^[^=]+=\d+$/.test(part)) ? { value: parts } : { needs: 'a list like pattern=2,other=4' };
}

function readPools(parts: readonly string[]): Read<ValueKinds['pool-list']> {
  const pools = parts.map(parsePool);
  return pools.every((pool) => pool !== null)
    ? { value: pools }
    : { needs: 'a list like name=192.0.2.0/28+192.0.2.40-192.0.2.50' };
}
