import type { EffectiveConfig } from '../config/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding, NodeFacts } from './check-facts.ts';

/** Seconds, where the operator gives none (the data plane's default). */
const usualTcpTimeout = 7500;

/** What an operator of ipvs mode should know, and what of the configuration asks for trouble. */
export function checkNotes(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  if (config.mode !== 'ipvs') return [];
  const { scheduler } = config.ipvs;
  const note = (message: string): Finding => finding('note', 'WP_CLI_CHECK_LIMIT', message);
  return [
    ...checkIdle(config, facts),
    ...(scheduler === 'sh' || scheduler === 'dh' ? [warnOfHash(scheduler)] : []),
    ...(scheduler === 'ovf' ? [note('the scheduler ovf knows TCP only: UDP and SCTP Services are served with rr')] : []),
    note('every node schedules on its own: the least connections are the least of this node, not of the cluster'),
    note('the kernel never schedules a client whose source port is 20; it is refused'),
    note('connection thresholds of IPVS count closed connections too, for two minutes: none are set'),
  ];
}

/** Specification of IPVS, 1.7: a connection that is forgotten is reset when it speaks again. */
function checkIdle({ ipvs }: EffectiveConfig, { sysctls }: NodeFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_IDLE';
  const keepalive = Number(sysctls.get('net.ipv4.tcp_keepalive_time')?.value ?? 'NaN');
  const timeout = ipvs.timeouts.tcp === 0 ? usualTcpTimeout : ipvs.timeouts.tcp;
  if (!(timeout <= keepalive)) return [];
  const message = `idle TCP connections are forgotten after ${timeout} s, but kept alive every ${keepalive} s only: they will be reset`;
  return [
    finding('warning', code, message, `set ipvs.tcpTimeout above ${keepalive}s, or net.ipv4.tcp_keepalive_time below ${timeout}`),
  ];
}

function warnOfHash(scheduler: string): Finding {
  const message =
    scheduler === 'sh'
      ? 'the scheduler sh places clients by the order in which endpoints came: other nodes place them elsewhere'
      : 'the scheduler dh goes by destination address: each address of a Service has one endpoint';
  return finding('warning', 'WP_CLI_CHECK_HASH', message, 'use mh, with which all nodes agree');
}
