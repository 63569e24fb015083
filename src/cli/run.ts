import { loadConfig } from '../config/mod.ts';
import type { EffectiveConfig, FlagTexts, Loaded } from '../config/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { createLogger, systemClock } from '../observe/mod.ts';
import type { Logger } from '../observe/mod.ts';
import { describeStart } from './agent-events.ts';
import { applySysctls, prepare, startOfProcess } from './prepare.ts';
import type { Prepared } from './prepare.ts';
import type { ProxyHandle, StartProxy, StartProxyOptions } from './proxy-handle.ts';
import { RecentProblems } from './recent-problems.ts';
import { LiveConfig } from './live-config.ts';
import { waitForSignal } from './signals.ts';
import { followConfig } from './follow-config.ts';
import { startServers } from './start-servers.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { ConfigWatch } from './watch-config.ts';
import { writeConfigFile } from './write-config-file.ts';

/** Milliseconds that the end may take, once asked for. */
const stopPatience = 5000;

/** Milliseconds that the Event of why the agent ends may take. */
const eventPatience = 3000;

/** `waypost run`: gives the exit code when the agent has ended. */
export async function runAgent(texts: FlagTexts, terminal: Terminal): Promise<number> {
  // Opened before the file is read: what is written in between is not missed.
  await using watch = await ConfigWatch.open(texts.get('config')?.at(-1) ?? '');
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
  const ended = await runPrepared(config, logger, { initOnly: flags.initOnly, watch, load: () => loadConfig(texts) });
  if (ended.ok) return 0;
  logger.error(ended.problem.message, { code: ended.problem.code });
  return 1;
}

/** What `runAgent` knows beside the configuration. */
interface RunFacts {
  readonly initOnly: boolean;
  /** The file of `--config`; null: there is none. */
  readonly watch: ConfigWatch | null;
  readonly load: () => Promise<Loaded>;
}

/** Rooms are imported late: what is wrong before they are needed is said without loading them. */
async function runPrepared(config: EffectiveConfig, logger: Logger, { initOnly, watch, load }: RunFacts): Promise<Outcome<void>> {
  const stopped = waitForSignal();
  const prepared = await prepare(config, logger);
  if (!prepared.ok) return prepared;
  const { clock, report: tell } = prepared.value;
  const follow: FollowFile = async (live, report) => {
    if (watch === null) return await new Promise(() => {});
    return await followConfig({ path: watch.path, next: () => watch.next(), load, live, clock, logger, report });
  };
  if (initOnly) {
    const ended = Promise.race([stopped, follow(new LiveConfig(config), tell)]);
    return await (await import('./initialise.ts')).initialise(prepared.value, ended);
  }
  const set = await applySysctls(prepared.value, 'run');
  if (!set.ok) return set;
  const { makeEvents } = await import('./make-events.ts');
  const events = await makeEvents(config, prepared.value.nodeName, logger, prepared.value.report);
  if (!events.ok) return events;
  const { startProxy } = await import('./start-proxy.ts');
  const served = await serve({ ...prepared.value, event: (event) => events.value.write(event) }, startProxy, stopped, follow);
  if (!served.ok) await Promise.race([events.value.flush(), pause(eventPatience)]);
  await events.value.close();
  return served;
}

/** Takes changes of the configuration file into the agent; resolves where it has to end for them. */
type FollowFile = (live: LiveConfig, report: (problem: Problem) => void) => Promise<Problem>;

/**
 * Runs the agent until `stopped` settles with a signal's name, `follow` with a problem, or the proxy cannot go on. A problem
 * is a failure, as is anything that keeps the agent from starting. Rules stay in place in any case.
 */
export async function serve(
  prepared: Prepared,
  startProxy: StartProxy,
  stopped: Promise<string>,
  follow: FollowFile = () => new Promise(() => {}),
): Promise<Outcome<void>> {
  const { logger, config, nodeName, event } = prepared;
  const { promise: failed, resolve: fatal } = Promise.withResolvers<Problem>();
  const recent = new RecentProblems(() => prepared.clock.now());
  const report = (problem: Problem): void => {
    recent.note(problem);
    prepared.report(problem);
  };
  const live = new LiveConfig(config);
  let { verbosity } = config;
  live.follow((now) => {
    // A level that was set by the debug pages stays where the file does not change it.
    if (now.verbosity !== verbosity) logger.setVerbosity(now.verbosity);
    ({ verbosity } = now);
  });
  const options: StartProxyOptions = { ...prepared, live, report, fatal };
  let proxy: ProxyHandle | null = null;
  const servers = await startServers({
    ...options,
    proxy: () => proxy,
    startedAt: startOfProcess(),
    recent: () => recent.list(),
  });
  if (!servers.ok) return servers;
  const closeServers = (): Promise<unknown> => Promise.all(servers.value.map((server) => server.close()));
  const changed = follow(live, report);
  const started = await startProxy(options);
  if (!started.ok) {
    await closeServers();
    return started;
  }
  proxy = started.value;
  live.follow((now) => started.value.setPace?.(now));
  if (event !== undefined) for (const one of describeStart(nodeName, config.mode)) event(one);
  const end = await Promise.race([stopped, failed, changed]);
  if (typeof end === 'string') logger.info(`${end} received: stopping, and leaving all rules in place`);
  const ended = Promise.all([closeServers(), started.value.stop()]).then(() => true);
  const patience = stopPatience + (proxy.dns?.lameDuckMs ?? 0);
  if (!(await Promise.race([ended, pause(patience)]))) logger.warn('the end took too long; leaving now');
  return typeof end === 'string' ? succeed(undefined) : { ok: false, problem: end };
}

function pause(milliseconds: number): Promise<false> {
  return new Promise((resolve) => {
    systemClock.after(milliseconds, () => resolve(false));
  });
}
