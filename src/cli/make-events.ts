import type { EffectiveConfig } from '../config/mod.ts';
import { openEventWriter } from '../kube/mod.ts';
import type { AgentEvent, EventSink } from '../kube/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import type { Logger } from '../observe/mod.ts';
import { apiAccess } from './api-access.ts';

/**
 * Opens where Events go: the API server, or the log where a folder of manifests takes its place. Fails where a
 * kubeconfig cannot be used.
 */
export async function makeEvents(
  config: EffectiveConfig,
  nodeName: string,
  logger: Logger,
  report: (problem: Problem) => void,
): Promise<Outcome<EventSink>> {
  if (config.manifests !== null) return succeed(createLogSink(logger));
  return await openEventWriter({
    ...apiAccess(config, nodeName),
    problem: report,
  });
}

/** Events as lines of the log. */
export function createLogSink(logger: Pick<Logger, 'info'>): EventSink {
  return {
    write: (event) => logger.info('event', fieldsOf(event)),
    flush: async () => {},
    close: async () => {},
  };
}

function fieldsOf({ about, type, reason, action, message }: AgentEvent): Readonly<Record<string, string>> {
  const subject = about.kind === 'Node' ? about.name : `${about.namespace}/${about.name}`;
  return { about: `${about.kind} ${subject}`, type, reason, action, ...(message === '' ? {} : { note: message }) };
}
