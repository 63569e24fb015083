import { describeIdleGates } from './feature-gates.ts';
import { rows } from './fields.ts';
import type { FieldPath, Settings } from './fields.ts';
import { showValue } from './format-value.ts';
import { explainIdleIngress } from './idle-ingress.ts';
import { ingressFields } from './ingress-fields.ts';
import type { FlagTexts } from './read-flags.ts';
import type { Resolved } from './resolve-settings.ts';

type Explain = (settings: Settings) => string | null;

/** Fields that are accepted and do nothing, with what happens instead; null where the value asks for just that. */
const idleFields: readonly (readonly [FieldPath, Explain])[] = [
  ['clientConnection.contentType', (settings) => explainWire(settings['clientConnection.contentType'])],
  ['clientConnection.acceptContentTypes', (settings) => explainWire(settings['clientConnection.acceptContentTypes'])],
  ['configSyncPeriod', () => 'nothing is delivered again that has not changed'],
  ['logging.flushFrequency', () => 'every line is written at once'],
  [
    'logging.vmodule',
    (settings) => {
      if (settings['logging.vmodule'].length === 0) return null;
      return `one level holds for all of the log, ${settings['logging.verbosity']} (-v)`;
    },
  ],
  ...ingressFields.map(({ path }) => [path, (settings: Settings) => explainIdleIngress(path, settings)] as const),
];

const oneStream = 'all of the log goes to standard error';
const unbuffered = 'every line is written at once';

/** Flags without a field that are accepted and do nothing. */
const idleFlags: ReadonlyMap<string, string> = new Map([
  ['log-text-split-stream', oneStream],
  ['log-json-split-stream', oneStream],
  ['log-text-info-buffer-size', unbuffered],
  ['log-json-info-buffer-size', unbuffered],
  ['boot-id-file', 'the boot id is not read'],
  ['machine-id-file', 'the machine id is not read'],
]);

/** One sentence for each setting that was given and does nothing, with what happens instead of it. */
export function describeIdleSettings({ settings, origins }: Resolved, texts: FlagTexts): readonly string[] {
  const fields = idleFields.flatMap(([path, explain]) => {
    const place = origins.get(path);
    // A file that `--write-config-to` wrote gives every field; its defaults ask for nothing.
    const row = rows.find((each) => each.path === path);
    if (place === undefined || row === undefined || settings[path] === row.fallback) return [];
    const instead = explain(settings);
    return instead === null ? [] : [`${place}: ${path} ${showValue(row.kind, settings[path])} has no effect: ${instead}`];
  });
  const flags = [...idleFlags].filter(([name]) => texts.has(name) && texts.get(name)?.at(-1) !== 'false');
  return [
    ...fields,
    ...flags.map(([name, instead]) => `--${name} has no effect: ${instead}`),
    ...describeIdleGates(settings.featureGates),
  ];
}

/** The reference speaks protobuf by default; nobody who asks for it asks for more than speed. */
function explainWire(value: string): string | null {
  return value === '' || /\bjson\b/.test(value) ? null : 'the API server is asked for JSON';
}
