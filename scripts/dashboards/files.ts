import { alerts } from './alerts.ts';
import { dnsBoard, proxyBoard } from './boards.ts';
import { listKnownMetrics } from '../metrics/known-metrics.ts';
import { renderAlerts, renderBoard } from './render.ts';

/** Every file of deploy/observability with its content. */
export function renderFiles(): ReadonlyMap<string, string> {
  const known = listKnownMetrics();
  return new Map([
    ['deploy/observability/waypost-proxy.json', renderBoard(proxyBoard, known, 'waypost_frontends')],
    ['deploy/observability/waypost-dns.json', renderBoard(dnsBoard, known, 'coredns_build_info')],
    ['deploy/observability/waypost.rules.yaml', renderAlerts(alerts)],
  ]);
}
