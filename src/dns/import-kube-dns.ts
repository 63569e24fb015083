import * as v from 'valibot';
import { lowerName, parseName } from './name.ts';
import type { DnsSettings, ForwardRule, Upstream } from './settings.ts';
import { defaultSettings, plainForward } from './settings-default.ts';
import type { DefaultOptions } from './settings-default.ts';
import { concludeReading, newNotes } from './settings-reading.ts';
import type { Notes, SettingsReading } from './settings-reading.ts';
import { parseUpstream } from './settings-text.ts';

/** Keys of the ConfigMap `kube-dns`. */
export const kubeDnsKeys: readonly string[] = ['stubDomains', 'upstreamNameservers', 'federations'];

/** As many as kube-dns takes. */
const mostNameservers = 3;

/**
 * Turns the ConfigMap of kube-dns into settings (specification 21.2): the stock ones, with a rule for each stub domain and
 * with the upstream name servers in place of resolv.conf. Values are JSON in text. `name` begins messages.
 */
export function readKubeDns(data: ReadonlyMap<string, string>, name: string, options: DefaultOptions): SettingsReading {
  const notes = newNotes();
  const stubs = readJson(data, 'stubDomains', stubSchema, '{"example.org": ["10.0.0.53"]}', name, notes) ?? {};
  const servers = readJson(data, 'upstreamNameservers', serversSchema, '["10.0.0.53"]', name, notes) ?? [];
  if ((data.get('federations') ?? '').trim() !== '') {
    notes.warnings.push({
      code: 'WP_DNS_KUBE_DNS_IGNORED',
      message: `${name}: federations: names of federations are not served any more`,
    });
  }
  for (const key of data.keys()) {
    if (!kubeDnsKeys.includes(key))
      notes.warnings.push({ code: 'WP_DNS_KUBE_DNS_IGNORED', message: `${name}: ${key}: is no key of kube-dns` });
  }
  if (servers.length > mostNameservers) {
    complain(notes, name, `upstreamNameservers: there may be ${mostNameservers} name servers and not ${servers.length}`);
  }
  const rules = Object.entries(stubs).map(([domain, list]) => readStub(domain, list, name, notes));
  const upstreams = servers.flatMap((server) => readServer('upstreamNameservers', server, name, notes));
  return concludeReading(notes, () => combine(defaultSettings(options), rules, upstreams));
}

const stubSchema = v.record(v.string(), v.array(v.string()));
const serversSchema = v.array(v.string());

function readJson<T>(
  data: ReadonlyMap<string, string>,
  key: string,
  schema: v.GenericSchema<unknown, T>,
  example: string,
  name: string,
  notes: Notes,
): T | null {
  const text = (data.get(key) ?? '').trim();
  if (text === '') return null;
  const result = v.safeParse(schema, parseJson(text));
  if (result.success) return result.output;
  complain(notes, name, `${key}: must be JSON such as ${example}, not ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`);
  return null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function readStub(domain: string, list: readonly string[], name: string, notes: Notes): ForwardRule {
  const suffix = parseName(domain);
  if (suffix === null) complain(notes, name, `stubDomains: "${domain}" is no domain`);
  if (list.length === 0) complain(notes, name, `stubDomains: ${domain} has no name server`);
  const upstreams = list.flatMap((server) => readServer(`stubDomains: ${domain}`, server, name, notes));
  return { ...plainForward, suffix: lowerName(suffix ?? ''), upstreams };
}

function readServer(field: string, text: string, name: string, notes: Notes): readonly Upstream[] {
  const upstream = parseUpstream(text);
  if (upstream === null) complain(notes, name, `${field}: "${text}" is no address such as 10.0.0.53 or 10.0.0.53:5353`);
  return upstream === null ? [] : [upstream];
}

function complain(notes: Notes, name: string, sentence: string): void {
  notes.problems.push({ code: 'WP_DNS_KUBE_DNS_VALUE', message: `${name}: ${sentence}` });
}

function combine(stock: DnsSettings, stubs: readonly ForwardRule[], upstreams: readonly Upstream[]): DnsSettings {
  const rest = upstreams.length === 0 ? null : { ...plainForward, upstreams };
  return {
    ...stock,
    blocks: stock.blocks.map((block) => ({ ...block, forward: [...stubs, ...(rest === null ? block.forward : [rest])] })),
  };
}
