import { formatDuration, markLayout, parsePrefix } from '../model/mod.ts';
import type { Problem, ProxyMode } from '../model/mod.ts';
import { isListenAddress } from './checks.ts';
import { rows } from './fields.ts';
import type { FieldPath, Settings } from './fields.ts';
import { showValue } from './format-value.ts';
import type { Resolved } from './resolve-settings.ts';
import { checkIngress } from './validate-ingress.ts';

/** All that is wrong with the settings, each with file and line or flag, field and value (specification 9.2, 9.3). */
export function validateSettings({ settings, origins }: Resolved): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (path: FieldPath, what: string): void => {
    const place = origins.get(path);
    const value = showValue(rows.find((row) => row.path === path)?.kind ?? 'string', settings[path]);
    problems.push({
      code: 'WP_CONFIG_VALUE',
      message: `${place === undefined ? '' : `${place}: `}${path} ${what}, not ${value}`,
    });
  };
  for (const { path, check, checkedIn } of rows) {
    if (check === null || (checkedIn !== null && !checkedIn.includes(settings.mode as ProxyMode))) continue;
    const wrong = check(settings[path]);
    if (wrong !== null) report(path, wrong);
  }
  checkTogether(settings, report);
  return problems;
}

type Report = (path: FieldPath, what: string) => void;

/** The rules that need more than one field. */
function checkTogether(settings: Settings, report: Report): void {
  const healthz = settings.healthzBindAddress === '' ? null : isListenAddress(settings.healthzBindAddress);
  if (healthz !== null) report('healthzBindAddress', healthz);
  if (settings['logging.format'] === 'json' && settings['logging.vmodule'].length > 0) {
    report('logging.vmodule', 'must be empty where logging.format is json');
  }
  checkPeriods(settings, report);
  if (settings.mode === 'ipvs') checkCaptureBit(settings, report);
  checkDetection(settings, report);
  checkIngress(settings, report);
}

/** Only the block of the active mode is in force, so only that is judged. */
function checkPeriods(settings: Settings, report: Report): void {
  const block = activeBlock(settings.mode);
  const period = settings[`${block}.syncPeriod`];
  const least = settings[`${block}.minSyncPeriod`];
  if (period <= 0) report(`${block}.syncPeriod`, 'must be greater than zero');
  if (least < 0) report(`${block}.minSyncPeriod`, 'must not be negative');
  else if (period > 0 && least > period) {
    report(`${block}.minSyncPeriod`, `must not be greater than ${block}.syncPeriod (${formatDuration(period)})`);
  }
}

/** Bits that other decisions about a packet travel in must not mean two things (side rules, `markLayout`). */
function checkCaptureBit(settings: Settings, report: Report): void {
  const captureBit = settings['ipvs.captureBit'];
  if (captureBit === settings['iptables.masqueradeBit']) report('ipvs.captureBit', 'must not be iptables.masqueradeBit');
  if (captureBit >= 0 && ((markLayout.prefix >>> captureBit) & 1) === 1) {
    report('ipvs.captureBit', `must be no bit of the marks of virtual servers (0x${markLayout.prefix.toString(16)})`);
  }
}

/** The block of the configuration that a mode takes its periods from. */
export function activeBlock(mode: string): ProxyMode {
  return mode === 'ipvs' || mode === 'nftables' ? mode : 'iptables';
}

function checkDetection(settings: Settings, report: Report): void {
  switch (settings.detectLocalMode) {
    case 'ClusterCIDR': {
      if (settings.clusterCIDR !== '' && !isCidrOrPair(settings.clusterCIDR)) {
        report('clusterCIDR', 'must be one CIDR, or one of each family with a comma between and no blanks');
      }
      return;
    }
    case 'BridgeInterface':
      if (settings['detectLocal.bridgeInterface'] === '')
        report('detectLocal.bridgeInterface', 'must be set for BridgeInterface');
      return;
    case 'InterfaceNamePrefix':
      if (settings['detectLocal.interfaceNamePrefix'] === '') {
        report('detectLocal.interfaceNamePrefix', 'must be set for InterfaceNamePrefix');
      }
      return;
    default:
  }
}

function isCidrOrPair(text: string): boolean {
  const prefixes = text.split(',').map(parsePrefix);
  if (prefixes.length > 2 || prefixes.includes(null)) return false;
  return new Set(prefixes.map((prefix) => prefix?.family)).size === prefixes.length;
}
