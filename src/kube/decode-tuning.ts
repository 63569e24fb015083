import { compareText, noTuning, parseDuration, schedulerNames } from '../model/mod.ts';
import type { EndpointWeight, ServiceTuning } from '../model/mod.ts';
import { isObject, noteAnnotation } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';
import { isName, shareString } from './decode-names.ts';

const schedulerAnnotation = 'waypost.dev/scheduler';
const weightsAnnotation = 'waypost.dev/weights';
const drainAnnotation = 'waypost.dev/drain-time';

/** As in our other interfaces to weights; the kernel's own bound is higher. */
const maxWeight = 65_535;
const maxDrainSeconds = 86_400;

/**
 * A Service's annotations of ours. What is malformed is left out and noted, and what is good beside it counts. Services
 * without any share one value.
 */
export function readTuning(findings: Findings, annotations: unknown): ServiceTuning {
  if (!isObject(annotations)) return noTuning;
  const scheduler = readScheduler(findings, annotations[schedulerAnnotation]);
  const weights = readWeights(findings, annotations[weightsAnnotation]);
  const drainSeconds = readDrainTime(findings, annotations[drainAnnotation]);
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

/** `node-1=3,zone:zone-a=2`; of two entries for one node or zone the first counts. */
function readWeights(findings: Findings, value: unknown): readonly EndpointWeight[] {
  if (value === undefined || value === null || value === '') return noTuning.weights;
  if (typeof value !== 'string') {
    noteAnnotation(findings, weightsAnnotation, value, 'text like node-1=3,zone:zone-a=2 is needed, it is ignored');
    return noTuning.weights;
  }
  const found = new Map<string, EndpointWeight>();
  for (const text of value.split(',').map((part) => part.trim())) {
    if (text === '') continue;
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

function parseWeight(text: string): EndpointWeight | null {
  const [, zone, name = '', digits = ''] = /^(zone:)?([^=:]+)=(\d{1,5})$/.exec(text) ?? [];
  const weight = Number(digits);
  if (!isName(name) || weight > maxWeight) return null;
  return { kind: zone === undefined ? 'node' : 'zone', name: shareString(name), weight };
}

function keyOf({ kind, name }: EndpointWeight): string {
  return `${kind}/${name}`;
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
