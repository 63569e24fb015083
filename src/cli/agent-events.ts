import type { AgentEvent } from '../kube/mod.ts';
import type { Family, Problem, ProxyMode, ServiceKey } from '../model/mod.ts';
import type { AfterSync, AppliedSync, Notice } from '../proxy/mod.ts';
import { aboutService } from './about-service.ts';

/** What the Node's Events say when the agent runs (specification 9.6). */
export function describeStart(nodeName: string, mode: ProxyMode): readonly AgentEvent[] {
  const about = { kind: 'Node', name: nodeName } as const;
  const action = 'StartKubeProxy';
  const starting: AgentEvent = { about, type: 'Normal', reason: 'Starting', action, message: '' };
  if (mode !== 'ipvs') return [starting];
  const message = 'kube-proxy calls its ipvs mode deprecated and will remove it; waypost goes on offering it';
  return [starting, { about, type: 'Warning', reason: 'IPVSDeprecation', action, message }];
}

const bindReasons: Readonly<Record<string, string>> = {
  health: 'FailedToStartProxierHealthcheck',
  metrics: 'FailedToStartMetricServer',
};

/** A server's address is taken and that ends the agent. `server` is the listener's name. */
export function describeBindFailure(nodeName: string, server: string, message: string): AgentEvent {
  const reason = bindReasons[server] ?? 'FailedToStartServer';
  return { about: { kind: 'Node', name: nodeName }, type: 'Warning', reason, action: 'StartKubeProxy', message };
}

/**
 * Says on a Service that the kernel refuses its rules: once when that begins and once for each other reason,
 * not for each retry. What the kernel took in between begins anew.
 */
export class RefusalEvents implements AfterSync {
  readonly #event: (event: AgentEvent) => void;
  readonly #told = new Map<Family, Map<ServiceKey, string>>();

  constructor(event: (event: AgentEvent) => void) {
    this.#event = event;
  }

  /** Takes every notice and tells of refusals. */
  notice(notice: Notice): void {
    if (notice.kind !== 'refused') return;
    const { family, service, problem } = notice;
    const told = this.#toldOf(family);
    const message = describeRefusal(family, problem);
    if (told.get(service) === message) return;
    told.set(service, message);
    const about = aboutService(service);
    this.#event({ about, type: 'Warning', reason: 'SyncFailed', action: 'Sync', message });
  }

  /** A Service that the kernel took may be told of again. */
  async afterSync({ family, services }: Pick<AppliedSync, 'family' | 'services'>): Promise<void> {
    const told = this.#toldOf(family);
    if (told.size > 0) for (const service of services) told.delete(service);
  }

  #toldOf(family: Family): Map<ServiceKey, string> {
    const told = this.#told.get(family) ?? new Map<ServiceKey, string>();
    this.#told.set(family, told);
    return told;
  }
}

function describeRefusal(family: Family, { code, message }: Problem): string {
  return `the kernel refused the ${family} rules (${code}): ${message}`;
}
