import type { ProxyMode } from '../../src/model/mod.ts';
import { flowsOf } from './flow.ts';
import type { Flow, Group } from './flow.ts';
import { judge } from './judge.ts';
import type { Outcome } from './judge.ts';
import type { FlowResult } from './lab-runner.ts';
import { namesOf } from './senders.ts';

/** Every outcome that rules can have for a flow's first packet, worked out without sending it. */
export type FlowTracer = (flow: Flow) => readonly Outcome[];

/** Answers the same table by tracing. Nothing is skipped: a tracer knows every protocol and family. */
export function runTraced(group: Group, tracer: FlowTracer, mode: ProxyMode = 'iptables'): readonly FlowResult[] {
  return flowsOf([group], mode).map((flow) => ({
    flow,
    problems: judge(flow, tracer(flow), namesOf(flow.from)),
    skipped: null,
  }));
}
