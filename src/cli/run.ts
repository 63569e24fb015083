import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { loadConfig, writeConfig } from '../config/mod.ts';
import type { EffectiveConfig, FlagTexts } from '../config/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { Registry, addFrontendMetrics, addProcessMetrics, createLogger, createProblemLog, systemClock } from '../observe/mod.ts';
import type { Logger } from '../observe/mod.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { chooseFamilies, findIpv6Obstacle } from './families.ts';
import { resolveNodeName } from './node-name.ts';
import { setOomScore } from './oom-score.ts';
import type { ProxyHandle, StartProxy, StartProxyOptions } from './proxy-handle.ts';
import { waitForSignal } from './signals.ts';
import { startServers } from './start-servers.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { readVersion } from './version.ts';

/** Milliseconds that the end may take, once asked for. */
const stopPatience = 5000;

/** `waypost run`: gives the exit code when the agent has ended. */
export async function runAgent(texts: FlagTexts, terminal: Terminal): Promise<number> {
  const loaded = await loadConfig(texts);
  if (!loaded.ok) {
    printProblems(terminal, [...loaded.warnings, ...loaded.problems]);
    return 1;
  }
  const { config, process: flags } = loaded;
  if (flags.writeConfigTo !== null) return await writeConfigFile(flags.writeConfigTo, config, terminal);
  if (flags.cleanup) return await (await import('./cleanup.ts')).runCleanup(terminal);
  const logger = createLogger({ format: config.logFormat, verbosity: config.verbosity, now: Date.now, write: terminal.err });
  for (const warning of loaded.warnings) logger.problem(warning);
  const signal = waitForSignal();
  const prepared = await prepare(config, logger);
  // Imported late: what is wrong so far is said without loading the kernel's and the API server's rooms.
  const served = prepared.ok ? await serve(prepared.value, (await import('./start-proxy.ts')).startProxy, signal) : prepared;
  if (served.ok) return 0;
  logger.error(served.problem.message, { code: served.problem.code });
  return 1;
}

/**
 * Runs the agent until `stopped` settles or the proxy cannot go on, which is a failure as is anything that
 * keeps it from starting. Rules stay in place in any case.
 */
export async function serve(prepared: Prepared, startProxy: StartProxy, stopped: Promise<string>): Promise<Outcome<void>> {
  const { logger } = prepared;
  const { promise: failed, resolve: fatal } = Promise.withResolvers<Problem>();
  const options: StartProxyOptions = { ...prepared, fatal };
  let proxy: ProxyHandle | null = null;
  const servers = await startServers({ ...options, proxy: () => proxy, startedAt: startOfProcess() });
  if (!servers.ok) return servers;
  const closeServers = (): Promise<unknown> => Promise.all(servers.value.map((server) => server.close()));
  const started = await startProxy(options);
  if (!started.ok) {
    await closeServers();
    return started;
  }
  proxy = started.value;
  addFrontendMetrics(options.registry, () => started.value.rows());
  const end = await Promise.race([stopped, failed]);
  if (typeof end === 'string') logger.info(`${end} received: stopping, and leaving all rules in place`);
  const ended = Promise.all([closeServers(), started.value.stop()]).then(() => true);
  if (!(await Promise.race([ended, afterPatience()]))) logger.warn('the end took too long; leaving now');
  return typeof end === 'string' ? succeed(undefined) : { ok: false, problem: end };
}

/** What has to be known before anything is started. */
type Prepared = Omit<StartProxyOptions, 'fatal'>;

async function prepare(config: EffectiveConfig, logger: Logger): Promise<Outcome<Prepared>> {
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

async function writeConfigFile(path: string, config: EffectiveConfig, terminal: Terminal): Promise<number> {
  try {
    await writeFile(path, writeConfig(config));
    return 0;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    printProblems(terminal, [{ code: 'WP_CLI_WRITE', message: `cannot write the configuration to ${path}: ${reason}` }]);
    return 1;
  }
}

/** Milliseconds since 1970. */
function startOfProcess(): number {
  return Date.now() - process.uptime() * 1000;
}

function afterPatience(): Promise<false> {
  return new Promise((resolve) => {
    systemClock.after(stopPatience, () => resolve(false));
  });
}
