import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { makeDataPlanes } from './make-data-planes.ts';
import { makeSource } from './make-source.ts';
import { applySysctls } from './prepare.ts';
import type { Prepared } from './prepare.ts';
import { waitForNode } from './wait-node.ts';

/**
 * `--init-only`: everything of a start that needs privileges, so that a later run may do with CAP_NET_ADMIN
 * alone. Needs the API server and the Node; sets kernel parameters, looks whether the mode can be used, writes
 * no rule and opens no port (specification 9.6).
 */
export async function initialise(prepared: Prepared, stopped: Promise<string | Problem>): Promise<Outcome<void>> {
  const { config, nodeName, families, report, logger } = prepared;
  const source = await makeSource(config, nodeName, () => null, { request: () => {}, turn: () => {} }, null, null);
  if (!source.ok) return source;
  const known = await waitForNode(source.value, prepared, stopped);
  if (!known.ok) return known;
  const set = await applySysctls(prepared, 'init');
  if (!set.ok) return set;
  const made = await makeDataPlanes({ mode: config.mode, config, families, pause: () => null, degraded: report });
  if (!made.ok) return made;
  await made.value.close();
  logger.info('initialised: kernel parameters are set and no rule was written', { ...made.value.notes });
  return succeed(undefined);
}
