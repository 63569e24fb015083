import type { IpvsNotice } from '../ipvs/mod.ts';
import type { Logger } from '../observe/mod.ts';

/** Writes what a data plane set on the node beside virtual servers and rules: always, since it concerns other programs. */
export function logNodeChange(notice: IpvsNotice, logger: Pick<Logger, 'info'>): void {
  switch (notice.kind) {
    case 'sysctl':
      logger.info('kernel parameter set', { name: notice.name, from: notice.from, to: notice.to });
      return;
    case 'timeouts': {
      const { from, to } = notice;
      logger.info('IPVS timeouts set, in seconds', {
        tcp: to.tcp,
        tcpFin: to.tcpFin,
        udp: to.udp,
        before: `${from.tcp} ${from.tcpFin} ${from.udp}`,
      });
      return;
    }
    default:
      notice satisfies never;
  }
}
