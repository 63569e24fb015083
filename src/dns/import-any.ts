import { parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import { readCorefile } from './corefile.ts';
import type { CorefileOptions } from './corefile.ts';
import { kubeDnsKeys, readKubeDns } from './import-kube-dns.ts';
import type { DnsSettings } from './settings.ts';
import type { DefaultOptions } from './settings-default.ts';
import { dnsKind, readDocument } from './settings-document.ts';
import type { NamedText, SettingsReading } from './settings-reading.ts';
import { formatSettings } from './settings-write.ts';

/** What readers of any format need. */
export interface AnyOptions extends DefaultOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Files for an `import` that are not among those given; null: none. */
  readonly readImport: CorefileOptions['readImport'];
  readonly fill?: NonNullable<CorefileOptions['fill']>;
}

/** A text that was recognised. */
type Source =
  | { readonly kind: 'document'; readonly file: NamedText }
  | { readonly kind: 'corefile'; readonly file: NamedText; readonly beside: readonly NamedText[] }
  | { readonly kind: 'kube-dns'; readonly name: string; readonly data: ReadonlyMap<string, string> };

/**
 * Reads whatever configures a cluster's DNS, from one file or from all files of a folder: a Corefile, our own document, a
 * ConfigMap of CoreDNS, a node-local cache or kube-dns as a manifest, or the keys of one as files. Name servers from
 * resolv.conf stay paths.
 */
export function readAnySettings(files: readonly NamedText[], options: AnyOptions): SettingsReading {
  const sources = recognise(files);
  const [source, second] = sources;
  if (source === undefined) {
    const names = files.map(({ name }) => name).join(', ');
    return refuse(
      `found neither a Corefile nor ${dnsKind} nor a ConfigMap of CoreDNS or kube-dns in ${names === '' ? 'an empty folder' : names}`,
    );
  }
  if (second !== undefined) {
    return refuse(
      `found more than one configuration: ${sources.map((one) => (one.kind === 'kube-dns' ? one.name : one.file.name)).join(', ')}`,
    );
  }
  switch (source.kind) {
    case 'document':
      return readDocument(source.file);
    case 'kube-dns':
      return readKubeDns(source.data, source.name, options);
    case 'corefile':
      return readCorefile(source.file.text, {
        fileName: source.file.name,
        env: options.env,
        clusterDomain: options.clusterDomain,
        upstreamFile: options.upstreamFile,
        readImport: (pattern, from) => importBeside(source.beside, pattern) ?? options.readImport(pattern, from),
        ...(options.fill === undefined ? {} : { fill: options.fill }),
      });
  }
}

/** Our own document for any configuration, or what is wrong with that. */
export function convertSettings(
  files: readonly NamedText[],
  options: AnyOptions,
): { readonly yaml: string | null; readonly settings: DnsSettings | null } & Pick<SettingsReading, 'warnings'> & {
    readonly problems: SettingsReading['warnings'];
  } {
  const reading = readAnySettings(files, options);
  if (!reading.ok) return { yaml: null, settings: null, warnings: reading.warnings, problems: reading.problems };
  return { yaml: formatSettings(reading.settings), settings: reading.settings, warnings: reading.warnings, problems: [] };
}

function refuse(message: string): SettingsReading {
  return { ok: false, problems: [{ code: 'WP_DNS_CONFIG_KIND', message }], warnings: [] };
}

function recognise(files: readonly NamedText[]): readonly Source[] {
  const corefile =
    files.find(({ name }) => baseName(name) === 'Corefile') ?? files.find(({ name }) => baseName(name) === 'Corefile.base');
  if (corefile !== undefined) return [{ kind: 'corefile', file: corefile, beside: files.filter((file) => file !== corefile) }];
  const keys = files.filter(({ name }) => kubeDnsKeys.includes(baseName(name)));
  if (keys.length > 0) {
    const data = new Map(keys.map(({ name, text }) => [baseName(name), text]));
    return [{ kind: 'kube-dns', name: keys.map(({ name }) => name).join(', '), data }];
  }
  const sources = files.flatMap(recogniseFile);
  const [only, ...others] = files;
  // A Corefile may have any name; nothing else is left that the one file could be.
  if (sources.length === 0 && only !== undefined && others.length === 0 && !isManifest(only)) {
    return [{ kind: 'corefile', file: only, beside: [] }];
  }
  return sources;
}

function isManifest({ text }: NamedText): boolean {
  return readManifests(text).length > 0;
}

function recogniseFile(file: NamedText): readonly Source[] {
  return readManifests(file.text).flatMap((object): readonly Source[] => {
    if (object['kind'] === dnsKind) return [{ kind: 'document', file }];
    if (object['kind'] !== 'ConfigMap') return [];
    const data = dataOf(object);
    const name = `${file.name} (ConfigMap ${String((object['metadata'] as Fields | undefined)?.['name'] ?? '')})`;
    const corefile = data.get('Corefile');
    const beside = [...data].filter(([key]) => key !== 'Corefile').map(([key, text]) => ({ name: key, text }));
    if (corefile !== undefined) return [{ kind: 'corefile', file: { name, text: corefile }, beside }];
    return kubeDnsKeys.some((key) => data.has(key)) ? [{ kind: 'kube-dns', name, data }] : [];
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** The objects with a kind that a text holds as YAML or JSON, those of lists too; none where it is something else. */
function readManifests(text: string): readonly Fields[] {
  if (!/\bkind\b/.test(text)) return [];
  const parsed = parseAllDocuments(text, { prettyErrors: false, logLevel: 'error' });
  const documents: readonly Document[] = 'empty' in parsed ? [] : parsed;
  // A document of ours that is no good YAML is still ours, and its reader says what is wrong.
  if (documents.some(({ errors }) => errors.length > 0)) {
    return new RegExp(`^\\s*["']?kind["']?\\s*:\\s*["']?${dnsKind}\\b`, 'm').test(text) ? [{ kind: dnsKind }] : [];
  }
  return documents.flatMap((document) => {
    const value = plainOf(document);
    const items = value['kind'] === 'List' || value['kind'] === 'ConfigMapList' ? value['items'] : [value];
    return (Array.isArray(items) ? items : []).filter(isObject).filter((item) => typeof item['kind'] === 'string');
  });
}

function plainOf(document: Document): Fields {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function dataOf(object: Fields): ReadonlyMap<string, string> {
  const data = isObject(object['data']) ? object['data'] : {};
  return new Map(Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** The files of a ConfigMap or folder that the last part of a pattern names; null: none. */
function importBeside(beside: readonly NamedText[], pattern: string): readonly NamedText[] | null {
  const test = globTest(baseName(pattern));
  const found = beside.filter(({ name }) => test.test(baseName(name))).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return found.length > 0 ? found : null;
}

/** A shell pattern for one part of a path. */
export function globTest(pattern: string): RegExp {
  const source = pattern.replaceAll(/[.+^${}()|[\]\\*?]/g, (character) =>
    character === '*' ? '[^/]*' : character === '?' ? '[^/]' : `\\${character}`,
  );
  return new RegExp(`^${source}$`);
}
