import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { describeFields } from './describe-fields.ts';
import { rows } from './fields.ts';

const fields = new Map(describeFields().map((one) => [one.path, one]));

test('every field once, in the order of the table', () => {
  expect(describeFields().map(({ path }) => path)).toEqual(rows.map(({ path }) => path));
  expect(fields.size).toBe(rows.length);
});

test.each([
  ['mode', { document: 'KubeProxyConfiguration', flag: 'proxy-mode', type: 'text', fallback: 'iptables', otherFallbacks: [] }],
  ['ipvs.drainTime', { document: 'WaypostConfiguration', flagBeatsFile: true, type: 'duration', fallback: '5m0s' }],
  ['clientConnection.acceptContentTypes', { flag: null, flagModes: null, flagBeatsFile: false, fallback: '' }],
  ['ingress.fwmark.mask', { type: 'number of 32 bits', fallback: '0x00000fff' }],
  ['iptables.localhostNodePorts', { fallback: 'true', otherFallbacks: [{ where: 'ipvs', fallback: 'false' }] }],
  ['ipvs.minSyncPeriod', { fallback: '0s', otherFallbacks: [{ where: 'flags only', fallback: '1s' }] }],
  ['nodePortAddresses', { fallback: '', otherFallbacks: [{ where: 'nftables', fallback: 'primary' }] }],
  ['metricsBindAddress', { otherFallbacks: [{ where: 'bindAddress of IPv6', fallback: '[::1]:10249' }] }],
  ['nftables.masqueradeAll', { flag: 'masquerade-all', flagModes: ['nftables'] }],
])('%s', (path, expected) => {
  expect(fields.get(path)).toMatchObject(expected);
});

test('a running agent takes periods and the level of the log, and nothing else', () => {
  const live = describeFields().filter(({ change }) => change === 'live');
  const periods = ['iptables', 'ipvs', 'nftables'].flatMap((mode) => [`${mode}.syncPeriod`, `${mode}.minSyncPeriod`]);
  expect(live.map(({ path }) => path)).toEqual(['logging.verbosity', ...periods]);
});

test('the reference page tells the same of how changes take effect', async () => {
  const page = await readFile(new URL('../../docs/reference.md', import.meta.url), 'utf8');
  const told = new Map(
    [...page.matchAll(/^\| `([^`]+)` \| [^|]*\| [^|]*\| (live|restart) \|/gm)].map(([, path, change]) => [path, change]),
  );
  expect(describeFields().filter(({ path, change }) => told.get(path) !== change)).toEqual([]);
});

test('the reference page tells the same of defaults that are one word', async () => {
  const page = await readFile(new URL('../../docs/reference.md', import.meta.url), 'utf8');
  const wrong = describeFields().filter(({ path, flag, fallback, otherFallbacks, type }) => {
    // Durations are shorter there, and what depends on other things is put in words.
    if (otherFallbacks.length > 0 || type === 'duration' || fallback === '') return false;
    return !page.includes(`| \`${path}\` | ${flag === null ? '' : `\`--${flag}\``} | \`${fallback}\` |`);
  });
  expect(wrong.map(({ path }) => path)).toEqual([]);
});
