import { randomInt } from 'node:crypto';
import type { Clock } from '../model/mod.ts';
import { openUpstreamTcp } from './driver-upstream-tcp.ts';
import { openUpstreamUdp } from './driver-upstream-udp.ts';
import { forwardTiming } from './forward-ports.ts';
import type { ForwardObserver, ForwardPorts, ForwardTiming } from './forward-ports.ts';
import type { ForwardRule } from './settings.ts';

/** Real sockets and a random source that cannot be guessed, for the forwarder of one rule. */
export function openUpstreams(
  rule: Pick<ForwardRule, 'expireMs'>,
  clock: Clock,
  observer: ForwardObserver,
  timing: ForwardTiming = forwardTiming,
): ForwardPorts {
  return {
    clock,
    random: (limit) => randomInt(limit),
    udp: openUpstreamUdp(observer),
    tcp: openUpstreamTcp({ clock, expireMs: rule.expireMs, observer }),
    observer,
    timing,
  };
}
