import { formatEndpoint } from '../model/mod.ts';
import type { ForwardQuestion, ForwardResult, Forwarder } from './forward-contract.ts';
import { UpstreamHealth, probeVia } from './forward-health.ts';
import { orderUpstreams } from './forward-policy.ts';
import type { ForwardPorts } from './forward-ports.ts';
import { ForwardRun } from './forward-run.ts';
import type { WatchedUpstream } from './forward-run.ts';
import { lowerName } from './name.ts';
import type { ForwardRule } from './settings.ts';

/**
 * The upstreams of one rule (specification 11). The forwarder owns the transports it is given and closes them with itself.
 */
export function createForwarder(rule: ForwardRule, ports: ForwardPorts): Forwarder {
  const upstreams = rule.upstreams.map((upstream) => watchUpstream(rule, ports, upstream));
  const runs = new Set<ForwardRun>();
  const underWay = new Map<string, Promise<ForwardResult>>();
  let turn = 0;
  let closed = false;

  const run = (question: ForwardQuestion): Promise<ForwardResult> => {
    const order = orderUpstreams(rule.policy, upstreams.length, turn, ports.random);
    turn += 1;
    return new Promise((resolve) => {
      const started = new ForwardRun(question, { rule, ports, upstreams, order }, (result) => {
        runs.delete(started);
        resolve(result);
      });
      runs.add(started);
      started.start();
    });
  };

  return {
    async ask(question) {
      if (closed) return { kind: 'failed', reason: 'closed' };
      const key = keyOf(question);
      const same = underWay.get(key);
      if (same !== undefined) return same;
      if (rule.maxConcurrent > 0 && underWay.size >= rule.maxConcurrent) {
        ports.observer.reject();
        return { kind: 'overloaded' };
      }
      const result = run(question).finally(() => underWay.delete(key));
      underWay.set(key, result);
      return result;
    },
    close() {
      closed = true;
      for (const one of runs) one.cancel('closed');
      for (const { health } of upstreams) health.close();
      ports.udp.close();
      ports.tcp.close();
    },
  };
}

function watchUpstream(rule: ForwardRule, ports: ForwardPorts, upstream: ForwardRule['upstreams'][number]): WatchedUpstream {
  const label = formatEndpoint(upstream.address, upstream.port);
  const settings = { maxFails: rule.maxFails, intervalMs: rule.healthIntervalMs, probeMs: ports.timing.probeMs };
  const onFailure = (): void => ports.observer.healthcheckFailure(label);
  return { upstream, label, health: new UpstreamHealth(settings, ports.clock, probeVia(ports, rule, upstream), onFailure) };
}

/** Questions of one key get one answer. A name ends with the root, so nothing runs into it. */
function keyOf({ name, type, dnssecOk, checkingDisabled, stream }: ForwardQuestion): string {
  return `${lowerName(name)}${type} ${Number(dnssecOk)}${Number(checkingDisabled)}${Number(stream)}`;
}
