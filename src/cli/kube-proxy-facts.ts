import { makeConfig } from '../config/mod.ts';
import type { FlagTexts, Loaded } from '../config/mod.ts';
import type { ProxyMode } from '../model/mod.ts';
import { normaliseArguments } from './argv.ts';

/** A process kube-proxy of this network namespace. */
export interface KubeProxyProcess {
  readonly pid: number;
  /** Words of its command line, its own name first. */
  readonly argv: readonly string[];
  /** The file that --config names, read with the eyes of the process; `text` null: it cannot be read. Null: none is named. */
  readonly file: { readonly name: string; readonly text: string | null } | null;
}

/** A metrics page that answers as kube-proxy's does, and not as an agent of ours. */
export interface KubeProxyPage {
  /** `http://127.0.0.1:10249` */
  readonly url: string;
  readonly mode: ProxyMode;
  /** What `/configz` says; null: nothing. */
  readonly configz: string | null;
}

/** What can be seen of a kube-proxy that runs. */
export interface KubeProxyFacts {
  readonly process: KubeProxyProcess | null;
  readonly page: KubeProxyPage | null;
}

/** The settings of a kube-proxy as a `waypost run` would read them, and where they are from, in words. */
export interface KubeProxySettings {
  readonly from: string;
  readonly loaded: Loaded;
}

export function isRunning({ process, page }: KubeProxyFacts): boolean {
  return process !== null || page !== null;
}

/** Whom a message means: `process 4711`. */
export function nameRunning({ process, page }: KubeProxyFacts): string {
  return process === null ? `who answers at ${page?.url ?? ''}` : `process ${process.pid}`;
}

/** Flags of a command line. Words that are no flags, and flags that are none of kube-proxy's, say nothing. */
export function flagsOfCommand(argv: readonly string[]): FlagTexts {
  const texts = new Map<string, string[]>();
  const words = normaliseArguments(argv.slice(1));
  for (const [index, word] of words.entries()) {
    const [, name = '', equals, value = ''] = /^--?([\w-]+)(=([\s\S]*))?$/.exec(word) ?? [];
    if (name === '') continue;
    const next = words[index + 1] ?? '';
    const given = equals === undefined && !next.startsWith('-') ? next : value;
    texts.set(name, [...(texts.get(name) ?? []), given]);
  }
  return texts;
}

/** The settings that a running kube-proxy has, as far as they can be known; null: not at all. */
export function settingsOf({ process, page }: KubeProxyFacts): KubeProxySettings | null {
  if (process !== null && process.file?.text !== null) {
    const { pid, argv, file } = process;
    const from = file === null ? `the flags of process ${pid}` : `${file.name} of process ${pid}`;
    return { from, loaded: makeConfig(flagsOfCommand(argv), file === null ? null : { name: file.name, text: file.text ?? '' }) };
  }
  const text = page === null ? null : readConfigz(page.configz ?? '');
  if (page === null || text === null) return null;
  return { from: `${page.url}/configz`, loaded: makeConfig(new Map(), { name: 'configz', text }) };
}

/** Up to 1.35 the page shows the type that kube-proxy has inside, without a version: those names mean nothing to anybody else. */
function readConfigz(page: string): string | null {
  try {
    const whole: unknown = JSON.parse(page);
    const inner = (whole as Readonly<Record<string, unknown>> | null)?.['kubeproxy.config.k8s.io'];
    const version = (inner as Readonly<Record<string, unknown>> | null | undefined)?.['apiVersion'];
    return typeof version === 'string' ? JSON.stringify(inner) : null;
  } catch {
    return null;
  }
}

/** The mode of a running kube-proxy; null where that cannot be known. */
export function modeOf(facts: KubeProxyFacts): ProxyMode | null {
  if (facts.page !== null) return facts.page.mode;
  const loaded = settingsOf(facts)?.loaded;
  return loaded?.ok === true ? loaded.config.mode : null;
}
