import type { EffectiveConfig } from '../config/mod.ts';
import type { ListenAddress } from '../config/mod.ts';
import type { ProxyMode } from '../model/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding } from './check-facts.ts';
import { orderFindings, planFindings } from './check-findings.ts';
import { isRunning, modeOf, nameRunning } from './kube-proxy-facts.ts';
import type { KubeProxySettings } from './kube-proxy-facts.ts';
import type { MigrationFacts } from './migrate-facts.ts';
import { compareSettings } from './migrate-settings.ts';
import { countServers, findMark, findShapes } from './migrate-shapes.ts';
import type { Shape } from './migrate-shapes.ts';
import { planSysctls } from './plan-sysctls.ts';

/** What there was and is of kube-proxy on a node. */
export interface KubeProxySummary {
  readonly state: 'running' | 'stopped' | 'absent';
  /** Null: unknown, or none. */
  readonly mode: ProxyMode | null;
}

export interface Migration {
  readonly kubeProxy: KubeProxySummary;
  /** The worst first. */
  readonly findings: readonly Finding[];
}

/**
 * What changes when the agent takes this node over from its kube-proxy. `theirs` null: kube-proxy's settings are unknown.
 * What the node cannot do for the mode is among it, as `waypost check` says it. Pure.
 */
export function planMigration(ours: EffectiveConfig, theirs: KubeProxySettings | null, facts: MigrationFacts): Migration {
  const shapes = findShapes(facts);
  const running = isRunning(facts.kubeProxy);
  const left = shapes[0]?.mode ?? null;
  const state = running ? 'running' : left === null ? 'absent' : 'stopped';
  const mode = running ? (modeOf(facts.kubeProxy) ?? left) : left;
  const general = planFindings(ours, facts.node).filter(({ level, code }) => isTrouble(level) && !toldHere.has(code));
  const findings = [
    ...tellState(state, mode, shapes, facts),
    ...(theirs === null ? tellUnread(state, facts) : compareSettings(ours, theirs)),
    ...(running ? checkPorts(ours, facts) : []),
    ...(state === 'absent' ? [] : [...tellTakeover(ours, shapes), ...tellServers(ours, facts)]),
    ...checkMark(ours, facts),
    ...(state === 'absent' ? [] : tellParameters(ours, theirs, facts)),
    ...general,
  ];
  return { kubeProxy: { state, mode }, findings: orderFindings(findings) };
}

/** A plain check says these things as well, of a node whose kube-proxy it knows less of. */
const toldHere: ReadonlySet<string> = new Set(['WP_CLI_CHECK_PREDECESSOR', 'WP_CLI_CHECK_SERVERS']);

function isTrouble(level: Finding['level']): boolean {
  return level === 'error' || level === 'warning';
}

function tellState(
  state: KubeProxySummary['state'],
  mode: ProxyMode | null,
  shapes: readonly Shape[],
  { kubeProxy }: MigrationFacts,
): readonly Finding[] {
  const code = 'WP_CLI_CHECK_MIGRATE_PROXY';
  const deprecated = finding(
    'note',
    code,
    'kube-proxy has no future in ipvs mode: upstream switches it off by default in 1.40 and deletes it in 1.43 (KEP-5495)',
    'see docs/ipvs-upstream.md',
  );
  const also = mode === 'ipvs' ? [deprecated] : [];
  switch (state) {
    case 'absent':
      return [finding('ok', code, 'no kube-proxy runs on this node, and none has left anything: there is nothing to take over')];
    case 'stopped':
      return [finding('ok', code, `kube-proxy does not run; what it left serves until the first sync of the agent`), ...also];
    case 'running': {
      const what = `kube-proxy runs on this node (${nameRunning(kubeProxy)}, mode ${mode ?? 'unknown'})`;
      const advice = 'keep it off the node before the agent starts: its rules go on serving until then';
      const empty = shapes.length === 0 ? [finding('note', code, 'it has nothing in the kernel that is known here')] : [];
      return [finding('note', code, what, advice), ...empty, ...also];
    }
    default:
      return state satisfies never;
  }
}

function tellUnread(state: KubeProxySummary['state'], { kubeProxy }: MigrationFacts): readonly Finding[] {
  if (state === 'absent') return [];
  const file = kubeProxy.process?.file;
  const message =
    file === undefined || file === null
      ? 'the settings of kube-proxy are not known: no process and no page tells them'
      : `the configuration ${file.name} of ${nameRunning(kubeProxy)} cannot be read from here`;
  return [finding('warning', 'WP_CLI_CHECK_MIGRATE_CONFIG', message, 'give its file with --config')];
}

/** Both want the same ports, which health checks of load balancers and scrapers know. */
function checkPorts(ours: EffectiveConfig, { sockets }: MigrationFacts): readonly Finding[] {
  const wanted: readonly (readonly [string, ListenAddress | null])[] = [
    ['healthzBindAddress', ours.healthz],
    ['metricsBindAddress', ours.metrics],
  ];
  return wanted.flatMap(([field, place]) => {
    if (place === null || !sockets.some(({ protocol, port }) => protocol === 'TCP' && port === place.port)) return [];
    const message = `port ${place.port} (${field}) is taken as long as kube-proxy runs`;
    return [
      ours.bindAddressHardFail
        ? finding(
            'warning',
            'WP_CLI_CHECK_MIGRATE_PORT',
            `${message}: the agent ends with an error (bindAddressHardFail)`,
            'stop kube-proxy first',
          )
        : finding(
            'note',
            'WP_CLI_CHECK_MIGRATE_PORT',
            `${message}: an agent beside it tries again every 5 s`,
            'stop kube-proxy first',
          ),
    ];
  });
}

/** What becomes of each shape with the first sync of its family. */
function tellTakeover({ mode }: EffectiveConfig, shapes: readonly Shape[]): readonly Finding[] {
  return shapes.map((shape) => {
    const what = `${shape.family}, mode ${shape.mode}: ${shape.objects}, of ${shape.services} ${shape.mode === 'ipvs' ? 'addresses and ports' : 'service ports'}`;
    return finding('note', 'WP_CLI_CHECK_MIGRATE_TAKEOVER', `${what}: ${fateOf(shape.mode, mode)}`);
  });
}

function fateOf(theirs: ProxyMode, ours: ProxyMode): string {
  if (theirs !== ours) return 'it serves until the first sync and is removed right after it; established connections live on';
  switch (ours) {
    case 'iptables':
      return 'the first sync replaces it in one transaction for each table; KUBE-FIREWALL and chains that others jump to stay';
    case 'nftables':
      return 'the first sync replaces the table in one transaction';
    case 'ipvs':
      return 'servers that Services want stay and are adopted, all else of it goes after the first sync';
    default:
      return ours satisfies never;
  }
}

function tellServers(ours: EffectiveConfig, facts: MigrationFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_MIGRATE_SERVERS';
  const { node, foreign } = countServers(facts);
  const findings: Finding[] = [];
  if (node.length > 0) {
    const message = `${node.length} virtual servers are on addresses of the node, such as ${node[0] ?? ''}: kube-proxy's node ports, or another program's, and left alone`;
    findings.push(finding('warning', code, message, 'after the first sync remove what is nobody’s: ipvsadm -Ln, ipvsadm -D'));
  }
  if (foreign.length > 0) {
    const message = `${foreign.length} virtual servers are another program's, such as ${foreign[0] ?? ''}: they stay, and kube-proxy in ipvs mode would have deleted them`;
    const advice = ours.mode === 'ipvs' ? 'name their ranges in ipvs.excludeCIDRs to keep Services off them too' : '';
    findings.push(finding('note', code, message, advice));
  }
  return findings;
}

function checkMark(ours: EffectiveConfig, facts: MigrationFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_MIGRATE_MARK';
  const found = findMark(facts);
  if (found === null) return [];
  const wanted = 2 ** ours.masqueradeBit;
  if (found === wanted) return [finding('ok', code, `the mark for masquerading is ${hex(wanted)} before and after`)];
  const message = `the mark for masquerading is ${hex(found)} now and would be ${hex(wanted)}: rules of others that go by it no longer fit`;
  return [finding('warning', code, message, `set masqueradeBit to ${Math.log2(found)} in the block of the mode`)];
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}

/** Kernel parameters: nobody puts back what kube-proxy has set. */
function tellParameters(ours: EffectiveConfig, theirs: KubeProxySettings | null, facts: MigrationFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_MIGRATE_SYSCTL';
  const { machine, parameters } = facts;
  const old = theirs?.loaded.ok === true ? planSysctls(theirs.loaded.config, machine, 'init') : [];
  const next = planSysctls(ours, machine, 'init');
  const valueOf = (path: string): string | undefined => parameters.get(path)?.value;
  const wanted = new Set(next.map(({ path }) => path));
  const kept = old.filter(({ path, value }) => valueOf(path) === String(value) && !wanted.has(path));
  const changed = next.filter(({ path, value, rule }) => {
    const found = valueOf(path);
    return found !== undefined && (rule === 'exactly' ? found !== String(value) : Number(found) < value);
  });
  return [
    ...(kept.length === 0
      ? []
      : [
          finding(
            'note',
            code,
            `kube-proxy has set what the agent has no use for, and it stays: ${kept.map(({ name, value }) => `${name}=${value}`).join(', ')}`,
            'set it back by hand after the takeover, or restart the node, if nobody else needs it',
          ),
        ]),
    ...changed.map(({ name, path, value }) => {
      const writable = parameters.get(path)?.writable === true;
      const message = `the agent would set ${name} to ${value}; it is ${valueOf(path) ?? ''}`;
      return writable
        ? finding('note', code, message)
        : finding('warning', code, `${message}, and this process may not`, 'run waypost run --init-only with privileges first');
    }),
  ];
}
