import * as v from 'valibot';
import { placeOf } from './agent-place.ts';
import { askPage, problemSchema, tellUnanswered } from './ask-agent.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { judgeStatus } from './status-findings.ts';
import type { NodeStatus } from './status-page.ts';
import { formatStatus } from './status-print.ts';
import type { Terminal } from './terminal.ts';

export interface StatusOptions {
  readonly url: string;
  readonly from?: string;
  readonly output: 'text' | DocumentFormat;
}

const familyName = v.picklist(['IPv4', 'IPv6']);

const statusSchema = v.object({
  now: v.number(),
  agent: v.object({ version: v.string(), mode: v.string(), node: v.string(), startedAt: v.number() }),
  synced: v.boolean(),
  nodeEligible: v.boolean(),
  families: v.array(
    v.object({
      family: familyName,
      lastUpdated: v.nullable(v.number()),
      pendingSince: v.nullable(v.number()),
      healthy: v.boolean(),
      frontends: v.object({ Pending: v.number(), Done: v.number(), Error: v.number() }),
    }),
  ),
  healthChecks: v.array(
    v.object({
      service: v.string(),
      family: familyName,
      port: v.number(),
      listening: v.boolean(),
      localEndpoints: v.number(),
    }),
  ),
  dns: v.object({ configured: v.boolean(), running: v.boolean(), ready: v.boolean() }),
  ingress: v.object({ running: v.boolean(), publications: v.number() }),
  problems: v.array(v.object({ ...problemSchema.entries, at: v.number(), times: v.number() })),
});

/** `waypost status`: one look at the node. Gives the exit code: 1 where something is wrong, or no agent answers. */
export async function runStatus({ output, ...where }: StatusOptions, terminal: Terminal): Promise<number> {
  const asked = await askPage<NodeStatus>(placeOf(where), '/status', statusSchema);
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  const status = asked.value;
  const findings = judgeStatus(status);
  const healthy = findings.length === 0;
  if (output === 'text') terminal.out(formatStatus(status, findings));
  else printDocument({ version: 1, healthy, findings, ...status }, output, terminal);
  return healthy ? 0 : 1;
}
