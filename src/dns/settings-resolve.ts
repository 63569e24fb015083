import type { Address } from '../model/mod.ts';
import { formatName } from './name.ts';
import { readResolvConf } from './resolv-conf.ts';
import type { ResolvConf } from './resolv-conf.ts';
import type { AutopathSettings, DnsSettings, ForwardRule } from './settings.ts';
import { concludeReading } from './settings-reading.ts';
import type { Notes, SettingsReading } from './settings-reading.ts';

export interface ResolveOptions {
  /** Null: there is no such file. */
  readonly readFile: (path: string) => string | null;
  /** Addresses that we listen on and cluster DNS addresses that we intercept: never upstreams (specification 11.15). */
  readonly own: readonly Address[];
}

/** Puts the name servers and search lists of resolv.conf files in the place of their paths. Pure but for `readFile`. */
export function resolveFiles(reading: SettingsReading, options: ResolveOptions): SettingsReading {
  if (!reading.ok) return reading;
  const notes: Notes = { problems: [], warnings: [...reading.warnings] };
  const files = new Map<string, ResolvConf | null>();
  const read = (path: string): ResolvConf | null => {
    const known = files.get(path);
    if (known !== undefined) return known;
    const text = options.readFile(path);
    const file = text === null ? null : readResolvConf(text, options.own);
    files.set(path, file);
    if (file === null)
      notes.problems.push({ code: 'WP_DNS_RESOLV_MISSING', message: `cannot read ${path}, which name servers are taken from` });
    return file;
  };
  const settings = fillSettings(reading.settings, read, notes);
  for (const { forward } of reading.settings.blocks) for (const rule of forward) checkUpstreams(rule, options.own, notes);
  // A file without any usable name server forwards nothing; with one, the lines that could not be used are told of.
  for (const [path, file] of files) {
    const problems = (file?.problems ?? []).map((problem) => ({ ...problem, message: `${path}: ${problem.message}` }));
    const needed = reading.settings.blocks.some(({ forward }) =>
      forward.some((rule) => rule.upstreamFiles?.includes(path) === true),
    );
    if (needed && file?.nameservers.length === 0) notes.problems.push(...problems);
    else notes.warnings.push(...problems);
  }
  return concludeReading(notes, () => settings);
}

/** The stub of systemd-resolved forwards to what resolv.conf names, and that may be us. */
const systemStub = '127.0.0.53';

/** To forward to ourselves would be a loop (specification 11.15). On other ports somebody else may listen. */
function checkUpstreams({ suffix, upstreams }: ForwardRule, own: readonly Address[], notes: Notes): void {
  for (const { address, port } of upstreams) {
    if (port !== 53 || (address !== systemStub && !own.includes(address))) continue;
    const whose = address === systemStub ? 'the stub resolver of this node' : 'an address that we answer on ourselves';
    const message = `forward ${formatName(suffix)}: the upstream ${address} is ${whose}; forwarding there would be a loop`;
    notes.problems.push({ code: 'WP_DNS_UPSTREAM_OWN', message });
  }
}

type ReadResolv = (path: string) => ResolvConf | null;

function fillSettings(settings: DnsSettings, read: ReadResolv, notes: Notes): DnsSettings {
  return {
    ...settings,
    blocks: settings.blocks.map((block) => ({
      ...block,
      forward: block.forward.map((rule) => fillRule(rule, read, notes)),
      autopath: block.autopath === null ? null : fillAutopath(block.autopath, read),
    })),
  };
}

/** Upstreams of one rule, specification 11.1. */
const mostUpstreams = 15;

function fillRule({ upstreamFiles, ...rule }: ForwardRule, read: ReadResolv, notes: Notes): ForwardRule {
  const found = (upstreamFiles ?? []).flatMap((path) => read(path)?.nameservers ?? []);
  const upstreams = [...rule.upstreams, ...found];
  if (upstreams.length > mostUpstreams) {
    notes.warnings.push({
      code: 'WP_DNS_UPSTREAMS',
      message: `only the first ${mostUpstreams} of ${upstreams.length} upstreams are used`,
    });
  }
  return { ...rule, upstreams: upstreams.slice(0, mostUpstreams) };
}

function fillAutopath({ searchFile, ...autopath }: AutopathSettings, read: ReadResolv): AutopathSettings {
  return searchFile === undefined ? autopath : { ...autopath, search: [...autopath.search, ...(read(searchFile)?.search ?? [])] };
}
