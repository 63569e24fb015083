import { describeSettings } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding } from './check-facts.ts';
import type { KubeProxySettings } from './kube-proxy-facts.ts';

const code = 'WP_CLI_CHECK_MIGRATE_SETTING';

/** What kube-proxy's settings come to here: what cannot be used, what has no effect, and where ours are otherwise. */
export function compareSettings(ours: EffectiveConfig, theirs: KubeProxySettings): readonly Finding[] {
  const { loaded, from } = theirs;
  const read = [
    ...(loaded.ok ? [] : loaded.problems).map(({ message }) =>
      finding(
        'error',
        'WP_CLI_CHECK_MIGRATE_CONFIG',
        `${from}: ${message}`,
        'correct it for the agent, which does not start with it',
      ),
    ),
    ...loaded.warnings.map(({ message }) =>
      finding('warning', 'WP_CLI_CHECK_MIGRATE_CONFIG', `${from}: ${message}`, 'see waypost config explain for what there is'),
    ),
  ];
  if (!loaded.ok) return read;
  const different = [...listDifferences(loaded.config, ours), ...compareModes(loaded.config, ours)];
  const same = finding('ok', code, `the settings of kube-proxy (${from}) are those that the agent would run with`);
  return [...read, ...(different.length === 0 ? [same] : different)];
}

/** Fields of KubeProxyConfiguration alone: what only we have kube-proxy cannot say. */
function listDifferences(theirs: EffectiveConfig, ours: EffectiveConfig): readonly Finding[] {
  const old = flatten(describeSettings(theirs.settings));
  return [...flatten(describeSettings(ours.settings))].flatMap(([path, value]) => {
    const before = old.get(path) ?? 'null';
    if (before === value) return [];
    const advice = path === 'mode' ? '' : `set ${path} to ${before} to keep it`;
    return [finding('note', code, `${path} is ${before} for kube-proxy and would be ${value} for the agent`, advice)];
  });
}

function flatten(value: unknown, path = ''): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([[path, JSON.stringify(value)]]);
  const inner = Object.entries(value).map(([name, part]) => flatten(part, path === '' ? name : `${path}.${name}`));
  return new Map(inner.flatMap((part) => [...part]));
}

/** What Services do otherwise where the mode is another one (specification 3.4, 12.3). */
function compareModes(theirs: EffectiveConfig, ours: EffectiveConfig): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (level: 'note' | 'warning', message: string, advice = ''): void => {
    findings.push(finding(level, code, message, advice));
  };
  const anywhere = theirs.mode !== 'nftables' && theirs.nodePorts.kind === 'all';
  if (anywhere && ours.nodePorts.kind === 'primary')
    add('warning', 'node ports are accepted at the primary addresses of the node only', 'name ranges in nodePortAddresses');
  const onLoopback = theirs.mode === 'iptables' && theirs.localhostNodePorts && theirs.nodePorts.kind !== 'primary';
  if (onLoopback && (ours.mode === 'nftables' || !ours.localhostNodePorts)) {
    const advice =
      ours.mode === 'nftables' ? 'have what uses them ask an address of the node' : 'set iptables.localhostNodePorts to true';
    add('warning', `node ports on 127.0.0.1 are not served in mode ${ours.mode} as it is configured`, advice);
  }
  if (ours.mode === 'nftables' && theirs.mode !== 'nftables')
    add(
      'note',
      'packets to Services are not accepted ahead of other tables: a firewall that drops by default has to let them pass',
      'see docs/nftables.md',
    );
  if (theirs.mode === 'ipvs')
    add(
      'note',
      'the interface kube-ipvs0 goes: addresses of Services are no longer listed on an interface',
      'have what looks for them there, as announcers and monitoring do, ask the API server or waypost services',
    );
  if (theirs.mode === 'ipvs' && ours.mode !== 'ipvs' && theirs.ipvs.scheduler !== 'rr')
    add(
      'warning',
      `mode ${ours.mode} draws at random: the scheduler ${theirs.ipvs.scheduler} has no effect`,
      'stay in mode ipvs to keep it',
    );
  return findings;
}
