import type { FieldPath, Settings } from './fields.ts';

/** What only virtual servers of marks need, which ipvs mode alone has. */
const ofMarks: ReadonlySet<FieldPath> = new Set<FieldPath>([
  'ingress.capture',
  'ingress.fwmark.mask',
  'ingress.fwmark.first',
  'ingress.routeTable',
  'ingress.rulePriority',
  'ingress.dsr.enabled',
  'ingress.dsr.method',
  'ingress.dsr.gue.port',
  'ingress.dsr.clampMSS',
  'ingress.limits.marksPerNamespace',
]);

/** Fields that mean something only beside another one. */
const switches: readonly (readonly [section: string, field: FieldPath])[] = [
  ['ingress.dsr.', 'ingress.dsr.enabled'],
  ['ingress.announce.', 'ingress.announce.enabled'],
  ['ingress.healthChecks.', 'ingress.healthChecks.enabled'],
];

/** Why a field of the section `ingress` has no effect; null where it has one. */
export function explainIdleIngress(path: FieldPath, settings: Settings): string | null {
  if (!settings['ingress.enabled']) return path === 'ingress.enabled' ? null : 'ingress.enabled is false';
  if (settings.mode !== 'ipvs' && ofMarks.has(path)) return `${settings.mode} mode has no virtual servers of marks`;
  const off = switches.find(([section, field]) => path !== field && path.startsWith(section) && settings[field] === false);
  if (off !== undefined) return `${off[1]} is false`;
  const elected = settings['ingress.announce.enabled'] || settings['ingress.pool'].length > 0;
  if (path.startsWith('ingress.lease') && !elected) return 'nothing is announced, and there is no pool';
  return null;
}
