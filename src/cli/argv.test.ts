import { expect, test } from 'vitest';
import { normaliseArguments } from './argv.ts';

test.each([
  ['--proxy_mode=a_b', '--proxy-mode=a_b'],
  ['--hostname_override a_b', '--hostname-override a_b'],
  ['--masquerade-all', '--masquerade-all=true'],
  ['--masquerade_all --cluster-cidr x', '--masquerade-all=true --cluster-cidr x'],
  ['--masquerade-all=false', '--masquerade-all=false'],
  ['--masquerade-all false', '--masquerade-all=true false'],
  ['--oom-score-adj -999', '--oom-score-adj -999'],
  ['--cluster-cidr --masquerade-all', '--cluster-cidr --masquerade-all'],
  ['-v=4', '--v=4'],
  ['-v 4 --ipvs_strict_arp', '-v 4 --ipvs-strict-arp=true'],
  ['-- --masquerade_all', '-- --masquerade_all'],
  ['--help --masquerade-all', '--help --masquerade-all=true'],
  ['word_with_dash', 'word_with_dash'],
  ['--cluster_cidir=10.0.0.0/8', '--cluster-cidir'],
])('[SP-139] %s becomes %s', (given, normal) => {
  expect(normaliseArguments(given.split(' ')).join(' ')).toBe(normal);
});
