import { isPort } from '../model/mod.ts';
import { readCache } from './corefile-cache.ts';
import type { BlockDraft, ProcessDraft } from './corefile-draft.ts';
import { readForward } from './corefile-forward.ts';
import { readKubernetes } from './corefile-kubernetes.ts';
import type { Token } from './corefile-lex.ts';
import { readAcl, readHosts, readLog, readTemplate } from './corefile-local.ts';
import { smallDirectives } from './corefile-process.ts';
import type { DirectiveReader } from './corefile-process.ts';
import { readRewrite } from './corefile-rewrite.ts';
import { placeOf, readTree } from './corefile-tree.ts';
import type { BlockTree, TreeOptions } from './corefile-tree.ts';
import { serveLocally } from './import-node-local.ts';
import { formatName, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { ServerBlock } from './settings.ts';
import { plainBlock, usualClusterDomain } from './settings-default.ts';
import { concludeReading, newNotes } from './settings-reading.ts';
import type { Notes, SettingsReading } from './settings-reading.ts';
import { readZones } from './settings-zones.ts';

export interface CorefileOptions extends TreeOptions {
  /** What takes the place of `__PILLAR__DNS__DOMAIN__`, in lower case. */
  readonly clusterDomain?: Name;
  /** The node's resolv.conf: what takes the place of `__PILLAR__UPSTREAM__SERVERS__`, and has the search list for autopath. */
  readonly upstreamFile?: string;
}

const directives: Readonly<Record<string, DirectiveReader>> = {
  ...smallDirectives,
  acl: readAcl,
  cache: readCache,
  forward: readForward,
  hosts: readHosts,
  kubernetes: readKubernetes,
  log: readLog,
  rewrite: readRewrite,
  template: readTemplate,
};

/** Plugins that people know from CoreDNS and that have no counterpart here. */
const foreignDirectives: ReadonlySet<string> = new Set(
  `auto azure cancel chaos clouddns debug dns64 dnssec dnstap erratic etcd fanout federation file geoip grpc grpc_server header
  https https3 k8s_external k8s_gateway local metadata multicluster multisocket nomad nsid on pprof proxy quic root route53
  secondary sign startup shutdown timeouts tls trace transfer tsig unbound view whoami`.split(/\s+/),
);

/**
 * Reads a Corefile. All problems are found, each with its file, line, directive and value. Paths of resolv.conf files stay
 * paths: `resolveFiles` puts their name servers in.
 */
export function readCorefile(text: string, options: CorefileOptions): SettingsReading {
  const notes = newNotes();
  const { clusterDomain = usualClusterDomain, upstreamFile = '/etc/resolv.conf' } = options;
  const fill = new Map([
    ['__PILLAR__DNS__DOMAIN__', formatName(clusterDomain).replace(/\.$/, '')],
    ['__PILLAR__UPSTREAM__SERVERS__', upstreamFile],
    ...(options.fill ?? []),
  ]);
  const trees = readTree(text, { ...options, fill }, notes);
  const process: ProcessDraft = { health: null, ready: null, metrics: null, reload: null };
  const drafts = trees.flatMap((tree) => readBlock(tree, { process, notes, upstreamFile }));
  if (trees.length === 0 && notes.problems.length === 0) {
    notes.problems.push({ code: 'WP_DNS_COREFILE_SYNTAX', message: `${options.fileName}: there is no server block` });
  }
  const blocks = serveLocally(drafts, clusterDomain);
  checkTwins(blocks, options.fileName, notes);
  return concludeReading(notes, () => ({ blocks, ...process }));
}

interface Reader {
  readonly process: ProcessDraft;
  readonly notes: Notes;
  readonly upstreamFile: string;
}

/** One block for each port that its keys name. */
function readBlock({ keys, lines }: BlockTree, { process, notes, upstreamFile }: Reader): readonly BlockDraft[] {
  const zonesOfPort = new Map<number, Name[]>();
  for (const key of keys) {
    const read = readKey(key, notes);
    if (read !== null) zonesOfPort.set(read.port, [...new Set([...(zonesOfPort.get(read.port) ?? []), ...read.zones])]);
  }
  return [...zonesOfPort].map(([port, zones], index) => {
    const draft: BlockDraft = { block: { ...plainBlock(zones, port) }, asksCluster: false };
    // The same lines are read for each port; what is wrong with them is told once.
    const heard = index === 0 ? notes : newNotes();
    for (const line of lines) {
      const [directive] = line.words;
      const reader = Object.hasOwn(directives, directive.text) ? directives[directive.text] : undefined;
      if (reader === undefined) reportUnknown(heard, directive);
      else if (line.body !== null && withoutBlock.has(directive.text)) reportBlock(heard, directive);
      else reader({ notes: heard, directive: directive.text, zones, upstreamFile }, line, draft, process);
    }
    return draft;
  });
}

const withoutBlock: ReadonlySet<string> = new Set(['ready', 'reload', 'loop', 'bufsize', 'minimal', 'any', 'autopath']);

function reportBlock(notes: Notes, { text, ...token }: Token): void {
  notes.problems.push({ code: 'WP_DNS_COREFILE_VALUE', message: `${placeOf({ ...token, text })}: ${text}: takes no block` });
}

function reportUnknown(notes: Notes, token: Token): void {
  const place = placeOf(token);
  if (foreignDirectives.has(token.text)) {
    notes.problems.push({ code: 'WP_DNS_COREFILE_UNSUPPORTED', message: `${place}: the plugin ${token.text} is not supported` });
  } else {
    const known = Object.keys(directives).toSorted().join(', ');
    notes.problems.push({
      code: 'WP_DNS_COREFILE_DIRECTIVE',
      message: `${place}: unknown directive "${token.text}"; there are ${known}`,
    });
  }
}

/** `cluster.local`, `.:5353`, `dns://example.org`, `10.0.0.0/24:53`. */
function readKey(token: Token, notes: Notes): { readonly zones: readonly Name[]; readonly port: number } | null {
  const complain = (sentence: string): null => {
    notes.problems.push({ code: 'WP_DNS_COREFILE_VALUE', message: `${placeOf(token)}: ${sentence}` });
    return null;
  };
  const scheme = /^([a-z0-9]+):\/\//.exec(token.text)?.[1];
  if (scheme !== undefined && scheme !== 'dns') {
    return complain(`the server block ${token.text} is for ${scheme}://, which is not supported; plain DNS over UDP and TCP is`);
  }
  const text = token.text.replace(/^dns:\/\//, '');
  // A prefix of IPv6 has colons of its own: what stands behind the length is the port.
  const parts = text.includes('/') ? /^(.*\/\d+)(?::(\d+))?$/ : /^(.*?)(?::(\d*))?$/;
  const [, zone = text, port = '53'] = parts.exec(text) ?? [];
  if (!isPort(Number(port))) return complain(`"${token.text}" has no port from 1 to 65535`);
  const zones = zone === '' ? [rootName] : readZones(zone);
  return zones === null ? complain(`"${token.text}" is neither a zone nor a prefix`) : { zones, port: Number(port) };
}

/** Two blocks for one zone and port would hide each other, unless they listen on different addresses. */
function checkTwins(blocks: readonly ServerBlock[], fileName: string, notes: Notes): void {
  const seen = new Set<string>();
  for (const { zones, port, bind } of blocks) {
    for (const zone of zones) {
      for (const address of bind.length > 0 ? bind : ['']) {
        const key = `${zone} ${port} ${address}`;
        if (seen.has(key)) {
          const message = `${fileName}: two server blocks are for the zone ${formatName(zone)} on port ${port}`;
          notes.problems.push({ code: 'WP_DNS_COREFILE_VALUE', message });
        }
        seen.add(key);
      }
    }
  }
}
