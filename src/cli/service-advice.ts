import type { AgentEvent } from '../kube/mod.ts';
import type { Problem } from '../model/mod.ts';
import type { Notice } from '../proxy/mod.ts';
import { aboutService } from './about-service.ts';

/** Services that are remembered as told; beyond that the memory starts afresh. */
const mostRemembered = 10_000;

/** Reasons that the specification of ingress names (15); all else is `NotFollowed`. */
const reasons: Readonly<Record<string, string>> = {
  WP_KUBE_ANNOTATION: 'InvalidAnnotation',
  WP_IPVS_NO_SCHEDULER: 'SchedulerUnavailable',
  WP_INGRESS_MARKS_EXHAUSTED: 'MarkExhausted',
};

/**
 * Tells the owner of a Service, in an Event, what of its annotations cannot be followed and what is done instead. The same
 * is said once while the agent runs, however often the Service is read again.
 */
export class ServiceAdvice {
  readonly #event: (event: AgentEvent) => void;
  readonly #told = new Set<string>();

  constructor(event: (event: AgentEvent) => void) {
    this.#event = event;
  }

  /** Takes every notice of the proxy and tells of advice. */
  notice(notice: Notice): void {
    if (notice.kind === 'advised') this.problem(notice.problem);
  }

  /** Takes every problem and tells of those that name a Service. */
  problem({ service, code, message }: Problem): void {
    if (service === undefined) return;
    const told = `${service} ${message}`;
    if (this.#told.has(told)) return;
    if (this.#told.size >= mostRemembered) this.#told.clear();
    this.#told.add(told);
    const about = aboutService(service);
    const reason = reasons[code] ?? 'NotFollowed';
    this.#event({ about, type: 'Warning', reason, action: 'Configure', message: `${message} (${code})` });
  }
}
