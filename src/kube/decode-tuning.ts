import { compareText, noTuning, parseDuration, schedulerNames } from '../model/mod.ts';
import type { EndpointWeight, ServiceTuning } from '../model/mod.ts';
import { isObject, noteAnnotation } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';
import { isName, shareString } from './decode-names.ts';

const schedulerAnnotation = 'waypost.dev/scheduler';
const weightsAnnotation = 'waypost.dev/weights';
const drainAnnotation = 'waypost.dev/drain-time';
const drainSecondsAnnotation = 'waypost.dev/drain-seconds';

/** As in our other interfaces to weights; the kernel's own bound is higher. */
const maxWeight = 65_535;
const maxDrainSeconds = 86_400;
/** The bound that the ingress name of the setting has. */
const maxIngressDrainSeconds = 3600;
/** All annotations of an object may have so many octets together (apimachinery `TotalAnnotationSizeLimitB`). */
const maxWeightsLength = 262_144;

/**
 * A Service's annotations of ours. What is malformed is left out and noted, and what is good beside it counts. Services
 * without any share one value.
 */
export function readTuning(findings: Findings, annotations: unknown): ServiceTuning {
  if (!isObject(annotations)) return noTuning;
  const scheduler = readScheduler(findings, annotations[schedulerAnnotation]);
  const weights = readWeights(findings, annotations[weightsAnnotation]);
  const drainSeconds = readDrain(findings, annotations);
  if (scheduler === null && weights.length === 0 && drainSeconds === null) return noTuning;
  return { scheduler, weights, drainSeconds };
}

function readScheduler(findings: Findings, value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  const known = schedulerNames.find((name) => name === value);
  if (known !== undefined) return known;
  noteAnnotation(findings, schedulerAnnotation, value, `one of ${schedulerNames.join(', ')} is needed, it is ignored`);
  return null;
}

/** `node-1=3,zone:zone-a=2` or `{"node-1":3,"zone:zone-a":2}`; of two entries for one node or zone the first counts. */
function readWeights(findings: Findings, value: unknown): readonly EndpointWeight[] {
  if (value === undefined || value === null || value === '') return noTuning.weights;
  const texts = typeof value === 'string' && value.length <= maxWeightsLength ? listWeights(value) : null;
  if (texts === null) {
    const needed = 'text like node-1=3,zone:zone-a=2 or {"node-1":3,"zone:zone-a":2} is needed, it is ignored';
    noteAnnotation(findings, weightsAnnotation, value, needed);
    return noTuning.weights;
  }
  const found = new Map<string, EndpointWeight>();
  for (const text of texts) {
    const entry = parseWeight(text);
    if (entry === null) {
      const consequence = `node=weight or zone:name=weight with a weight from 0 to ${maxWeight} is needed, the entry is left out`;
      noteAnnotation(findings, weightsAnnotation, text, consequence);
    } else if (found.has(keyOf(entry))) {
      noteAnnotation(findings, weightsAnnotation, text, 'an earlier entry has the same name, this one is left out');
    } else found.set(keyOf(entry), entry);
  }
  return [...found.values()].toSorted((a, b) => compareText(keyOf(a), keyOf(b)));
}

/** The entries as `name=weight`, whichever of the two forms the text has; null where it begins as JSON and is none. */
function listWeights(value: string): readonly string[] | null {
  if (!value.trimStart().startsWith('{')) {
    return value.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  }
  try {
    const object = JSON.parse(value) as Readonly<Record<string, unknown>>;
    // What is no number must not become one by being written down: a text is shown with its quotes.
    return Object.entries(object).map(([name, weight]) => `${name}=${JSON.stringify(weight)}`);
  } catch {
    return null;
  }
}

function parseWeight(text: string): EndpointWeight | null {
  const [, zone, name = '', digits = ''] = /^(zone:)?([^=:]+)=(\d{1,5})$/.exec(text) ?? [];
  const weight = Number(digits);
  if (!isName(name) || weight > maxWeight) return null;
  return { kind: zone === undefined ? 'node' : 'zone', name: shareString(name), weight };
}

function keyOf({ kind, name }: EndpointWeight): string {
  return `${kind}/${name}`;
}

/** Two annotations for one thing: {@link drainSecondsAnnotation} is what ingress calls it. */
function readDrain(findings: Findings, annotations: Readonly<Record<string, unknown>>): number | null {
  const time = readDrainTime(findings, annotations[drainAnnotation]);
  const value = annotations[drainSecondsAnnotation];
  if (value === undefined || value === null || value === '') return time;
  if (time !== null) {
    noteAnnotation(findings, drainSecondsAnnotation, value, `${drainAnnotation} says ${time}s, it is ignored`);
    return time;
  }
  const seconds = typeof value === 'string' && /^\d{1,4}$/.test(value.trim()) ? Number(value) : Number.NaN;
  if (seconds <= maxIngressDrainSeconds) return seconds;
  const needed = `a whole number from 0 to ${maxIngressDrainSeconds} is needed, it is ignored`;
  noteAnnotation(findings, drainSecondsAnnotation, value, needed);
  return null;
}

/** A Go duration, or a number of seconds; a part of a second that was asked for counts as a whole one. */
function readDrainTime(findings: Findings, value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null;
  const text = typeof value === 'string' ? value.trim() : '';
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((parseDuration(text) ?? Number.NaN) / 1000);
  if (seconds >= 0 && seconds <= maxDrainSeconds) return Math.abs(seconds);
  noteAnnotation(findings, drainAnnotation, value, 'a time from 0s to 24h like 90s, 5m or 90 is needed, it is ignored');
  return null;
}
