import type { EffectiveConfig } from '../config/mod.ts';
import type { Source } from '../kube/mod.ts';
import { fail, succeed } from '../model/mod.ts';
import type { Clock, Family, NodeRecord, Outcome, Problem } from '../model/mod.ts';
import { isNodeKnown, judgeNode, nodePatience } from '../proxy/mod.ts';

export interface NodeWaitOptions {
  readonly config: EffectiveConfig;
  readonly nodeName: string;
  readonly families: readonly Family[];
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
}

/**
 * Waits until the source has told of the Node as a proxy waits for it (specification 1.4), and closes the
 * source. Fails where a proxy could not start, or with what `stopped` says: a signal's name or a problem.
 */
export async function waitForNode(
  source: Source,
  options: NodeWaitOptions,
  stopped: Promise<string | Problem>,
): Promise<Outcome<void>> {
  const { config, nodeName, families, clock, report } = options;
  const { promise: waited, resolve: finish } = Promise.withResolvers<null>();
  let node: NodeRecord | null = null;
  let listed = false;
  let cancel = (): void => {};
  const look = (): void => {
    if (listed && (isNodeKnown(node, config) || config.manifests !== null)) finish(null);
  };
  source.start({
    change: (snapshot) => {
      node = snapshot.node;
      look();
    },
    synced: () => {
      listed = true;
      cancel = clock.after(nodePatience(config), () => finish(null));
      look();
    },
    problem: report,
  });
  const end = await Promise.race([waited, stopped]);
  cancel();
  await source.close();
  if (typeof end === 'string') return fail('WP_CLI_INTERRUPTED', `${end} received before the initialisation was complete`);
  if (end !== null) return { ok: false, problem: end };
  const { fatal, warnings } = judgeNode(node, { choices: config, nodeName, families });
  for (const warning of warnings) report(warning);
  return fatal === null ? succeed(undefined) : { ok: false, problem: fatal };
}
