import { expect, test } from 'vitest';
import type { AgentEvent } from '../kube/mod.ts';
import type { Problem } from '../model/mod.ts';
import { ServiceAdvice } from './service-advice.ts';

const problem: Problem = { code: 'WP_KUBE_ANNOTATION', message: 'Service shop/web: no such scheduler', service: 'shop/web' };

test('[INGRESS-52] [INGRESS-41] a problem that names a Service becomes an Event on it, once', () => {
  const events: AgentEvent[] = [];
  const advice = new ServiceAdvice((event) => events.push(event));
  advice.problem({ code: 'WP_KUBE_FIELD', message: 'Service shop/web: spec.type is 7' });
  advice.problem(problem);
  advice.problem(problem);
  advice.notice({ kind: 'advised', family: 'IPv4', problem });
  expect(events).toEqual([
    {
      about: { kind: 'Service', namespace: 'shop', name: 'web' },
      type: 'Warning',
      reason: 'InvalidAnnotation',
      action: 'Configure',
      message: 'Service shop/web: no such scheduler (WP_KUBE_ANNOTATION)',
    },
  ]);
  advice.notice({ kind: 'advised', family: 'IPv6', problem: { ...problem, message: 'another' } });
  advice.notice({ kind: 'failed', family: 'IPv6', problem: { ...problem, message: 'a third' } });
  expect(events).toHaveLength(2);
  const codes = ['WP_IPVS_NO_SCHEDULER', 'WP_INGRESS_MARKS_EXHAUSTED', 'WP_PROXY_IDLE_WEIGHTS'] as const;
  for (const code of codes) advice.problem({ ...problem, code, message: code });
  expect(events.slice(2).map(({ reason }) => reason)).toEqual(['SchedulerUnavailable', 'MarkExhausted', 'NotFollowed']);
});
