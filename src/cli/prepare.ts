import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { EffectiveConfig } from '../config/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { Registry, addProcessMetrics, createProblemLog, systemClock } from '../observe/mod.ts';
import type { Logger } from '../observe/mod.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { ensureSysctls, readMachineFacts } from './driver-sysctl.ts';
import { chooseFamilies, findIpv6Obstacle } from './families.ts';
import { resolveNodeName } from './node-name.ts';
import { setOomScore } from './oom-score.ts';
import { planSysctls } from './plan-sysctls.ts';
import type { StartProxyOptions } from './proxy-handle.ts';
import { readVersion } from './version.ts';

/** What has to be known before anything is started. */
export type Prepared = Omit<StartProxyOptions, 'fatal' | 'live'>;

/** Looks at the machine and at what the configuration makes of it; changes only this process. */
export async function prepare(config: EffectiveConfig, logger: Logger): Promise<Outcome<Prepared>> {
  const capabilities = findMissingCapabilities(await readFile('/proc/self/status', 'utf8'));
  const [missing] = capabilities.fatal;
  if (missing !== undefined) return { ok: false, problem: missing };
  const nodeName = resolveNodeName(config.hostnameOverride, hostname());
  if (!nodeName.ok) return nodeName;
  const families = chooseFamilies(config, await findIpv6Obstacle());
  if (!families.ok) return families;
  const oomScore = await setOomScore(config.settings.oomScoreAdj);
  const warnings: readonly (Problem | null)[] = [...capabilities.warnings, ...families.value.warnings, oomScore];
  for (const warning of warnings) if (warning !== null) logger.problem(warning);
  const registry = new Registry();
  addProcessMetrics(registry, startOfProcess());
  logger.info('waypost starts', {
    version: readVersion(),
    node: nodeName.value,
    mode: config.mode,
    families: families.value.families.join(','),
    source: config.manifests ?? config.kubeconfig ?? config.master ?? 'in-cluster',
  });
  return succeed({
    config,
    nodeName: nodeName.value,
    families: families.value.families,
    clock: systemClock,
    registry,
    logger,
    report: createProblemLog(logger, systemClock.now),
  });
}

/** Sets the kernel parameters that the configuration asks for; one that cannot be set is a failure. */
export async function applySysctls(
  { config, logger }: Pick<Prepared, 'config' | 'logger'>,
  purpose: 'run' | 'init',
): Promise<Outcome<void>> {
  const set = await ensureSysctls(planSysctls(config, await readMachineFacts(), purpose));
  if (!set.ok) return set;
  if (set.value.length > 0) logger.info('kernel parameters set', { names: set.value.join(', ') });
  return succeed(undefined);
}

/** Milliseconds since 1970. */
export function startOfProcess(): number {
  return Date.now() - process.uptime() * 1000;
}
