import { diffSettings } from '../config/mod.ts';
import type { Loaded } from '../config/mod.ts';
import type { Clock, Problem } from '../model/mod.ts';
import type { Logger } from '../observe/mod.ts';
import type { LiveConfig } from './live-config.ts';
import { strongerChange } from './watch-config.ts';
import type { FileChange } from './watch-config.ts';

export interface FollowOptions {
  readonly path: string;
  /** Resolves with the next change of the file. */
  readonly next: () => Promise<FileChange>;
  readonly load: () => Promise<Loaded>;
  readonly live: LiveConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: (problem: Problem) => void;
}

/** Milliseconds without a change after which a file is whole: programs empty it first, or write in pieces. */
const quietTime = 100;

/**
 * Takes changes of the configuration file into the running agent where that can be done. Resolves with the reason where the
 * agent has to end (specification 9.6: a file that was written or moved), and never otherwise.
 */
export async function followConfig(options: FollowOptions): Promise<Problem> {
  const { path, next, load } = options;
  for (let coming = next(); ;) {
    let change = await coming;
    coming = next();
    for (let more = await within(coming, options.clock); more !== null; more = await within(coming, options.clock)) {
      change = strongerChange(change, more);
      coming = next();
    }
    if (change === 'renamed') return endFor(`the configuration file ${path} was renamed`);
    const end = takeFile(await load(), change, options);
    if (end !== null) return end;
  }
}

/** What `coming` says before it has been quiet for long enough, or null. */
async function within(coming: Promise<FileChange>, clock: Clock): Promise<FileChange | null> {
  const { promise: quiet, resolve } = Promise.withResolvers<null>();
  const cancel = clock.after(quietTime, () => resolve(null));
  const first = await Promise.race([coming, quiet]);
  cancel();
  return first;
}

/** Applies what was loaded; gives the reason where the agent has to end. */
function takeFile(loaded: Loaded, change: FileChange, { path, live, logger, report }: FollowOptions): Problem | null {
  for (const warning of loaded.warnings) report(warning);
  if (!loaded.ok) {
    for (const problem of loaded.problems) report(problem);
    report({
      code: 'WP_CLI_CONFIG_REFUSED',
      message: `the configuration file ${path} cannot be used as it is now: going on with the one before, while a restart would fail`,
    });
    return null;
  }
  const changes = diffSettings(live.current, loaded.config);
  const lasting = changes.filter((one) => !one.live).map((one) => one.path);
  if (lasting.length > 0) {
    const what = `the configuration file ${path} was ${change}, and a running agent cannot take what differs: ${lasting.join(', ')}`;
    if (change === 'updated') return endFor(what);
    report({ code: 'WP_CLI_CONFIG_WAITS', message: `${what}; nothing of it is in force before a restart` });
    return null;
  }
  live.replace(loaded.config);
  for (const { path: field, before, after } of changes) logger.info('setting changed', { field, before, after });
  if (changes.length === 0) logger.info('the configuration file was written, and no setting differs', { file: path });
  return null;
}

function endFor(what: string): Problem {
  return { code: 'WP_CLI_CONFIG_CHANGED', message: `${what}: ending, so that a restart takes the new configuration` };
}
