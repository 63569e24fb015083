import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatType, rcode, recordType } from './constants.ts';
import { formatName, isWithin, parentOf } from './name.ts';
import type { Name } from './name.ts';
import type { ZoneAnswer, Zone } from './zone-contract.ts';
import type { ForwardOptions } from './zone-forward.ts';
import type { ZoneChange } from './zone-input.ts';
import {
  anyChange,
  anySettings,
  makeChange,
  plainOptions,
  showZoneAnswer,
  someNames,
  toName,
  worldTypes,
} from './zone.fixture.ts';
import { createZone } from './zone.ts';

interface Question {
  readonly name: Name;
  readonly type: number;
}

const someQuestions = someNames.map((names): readonly Question[] =>
  names.flatMap((name) => worldTypes.map((type) => ({ name, type }))),
);
const someChanges = fc.array(anyChange, { minLength: 1, maxLength: 10, size: 'max' });
const anyOptions: fc.Arbitrary<ForwardOptions> = fc.record({
  nodeZone: fc.constantFrom(null, 'a'),
  serverAddresses: fc.constant(plainOptions.serverAddresses),
  selfService: fc.constantFrom(null, { namespace: 'shop', name: 'web' }),
});
const cluster = toName('cluster.local.');
const walk = { numRuns: 100 };

describe('a random walk through changes', () => {
  it('[DNS-118] an answer whose lease is live is the answer of now', () => {
    fc.assert(
      fc.property(anySettings, anyOptions, someChanges, someQuestions, (settings, options, changes, questions) => {
        const zone = createZone(settings, options);
        const kept = new Map<Question, ZoneAnswer>();
        const wrong: string[] = [];
        for (const change of changes) {
          zone.apply(change);
          for (const question of questions) {
            const before = kept.get(question);
            const now = zone.lookup(question.name, question.type);
            if (now?.lease.live === false) wrong.push(`${show(question)}: over before it was given`);
            if (before?.lease.live === true) wrong.push(...compare(question, before, now, { serial: true }));
            else if (now !== null) kept.set(question, now);
          }
        }
        expect(wrong).toEqual([]);
      }),
      walk,
    );
  });

  it('[DNS-117][DNS-118] any history ends in the zone that its end alone makes, the serial apart', () => {
    fc.assert(
      fc.property(anySettings, anyOptions, someChanges, someQuestions, (settings, options, changes, questions) => {
        const zone = createZone(settings, options);
        for (const change of changes) zone.apply(change);
        const fresh = createZone(settings, options);
        fresh.apply(endOf(changes));
        const wrong = questions.flatMap((question) => {
          const [one, other] = [zone, fresh].map((either) => either.lookup(question.name, question.type));
          return compare(question, one ?? null, other ?? null, { serial: false });
        });
        expect(wrong).toEqual([]);
      }),
      walk,
    );
  });

  it('[DNS-30] where an answer changed the serial has risen, and it never falls', () => {
    fc.assert(
      fc.property(anySettings, someChanges, someQuestions, (settings, changes, questions) => {
        const zone = createZone({ ...settings, fallthrough: [] }, plainOptions);
        zone.apply(makeChange());
        const answers = () =>
          questions.map(({ name, type }) => showZoneAnswer(zone.lookup(name, type), { serial: false })).join('\n');
        let before = { serial: serialOf(zone), answers: answers() };
        const serials = changes.map((change) => {
          zone.apply(change);
          const after = { serial: serialOf(zone), answers: answers() };
          const step = { by: after.serial - before.serial, changed: after.answers !== before.answers };
          before = after;
          return step;
        });
        expect(serials.filter(({ by, changed }) => by < (changed ? 1 : 0))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('[DNS-25] a name exists for all types or for none, and so do the names above it', () => {
    fc.assert(
      fc.property(anySettings, someChanges, someNames, (settings, changes, names) => {
        const zone = createZone({ ...settings, fallthrough: [] }, plainOptions);
        for (const change of [...changes, makeChange()]) zone.apply(change);
        const wrong = names
          .filter((name) => isWithin(name, cluster))
          .flatMap((name) => {
            const exists = existsFor(zone, name, recordType.CNAME);
            const parent = name === cluster ? null : parentOf(name);
            const isLost = exists && parent !== null && !existsFor(zone, parent, recordType.CNAME);
            return [
              ...(isLost ? [`${formatName(parent)} is missing above ${formatName(name)}`] : []),
              // A chain of aliases says whether its end exists.
              ...worldTypes
                .filter((type) => zone.lookup(name, type)?.answer[0]?.type !== recordType.CNAME)
                .filter((type) => existsFor(zone, name, type) !== exists)
                .map((type) => show({ name, type })),
            ];
          });
        expect(wrong).toEqual([]);
      }),
      walk,
    );
  });

  it('[DNS-47][DNS-66] no record comes twice, and every denial carries one SOA', () => {
    fc.assert(
      fc.property(anySettings, someChanges, someQuestions, (settings, changes, questions) => {
        const zone = createZone(settings, plainOptions);
        for (const change of [...changes, makeChange()]) zone.apply(change);
        const wrong = questions.filter(({ name, type }) => {
          const answer = zone.lookup(name, type);
          if (answer === null) return false;
          const isDenial = answer.chase === null && answer.rcode !== rcode.SERVFAIL && !hasData(answer, type);
          const authority = answer.authority.map((record) => record.type).join(',');
          return repeats(answer) || authority !== (isDenial ? String(recordType.SOA) : '');
        });
        expect(wrong.map(show)).toEqual([]);
      }),
      walk,
    );
  });
});

/** What is left after all changes, as one change. */
function endOf(changes: readonly ZoneChange[]): ZoneChange {
  const services = new Map<string, ZoneChange['services'][number]>();
  const namespaces = new Map<string, ZoneChange['namespaces'][number]>();
  const pods = new Map<string, ZoneChange['pods'][number]>();
  for (const change of changes) {
    for (const key of change.removedServices) services.delete(key);
    for (const service of change.services) services.set(service.key, service);
    for (const name of change.removedNamespaces) namespaces.delete(name);
    for (const namespace of change.namespaces) namespaces.set(namespace.name, namespace);
    for (const key of change.removedPods) pods.delete(key);
    for (const pod of change.pods) pods.set(pod.key, pod);
  }
  return makeChange({
    services: [...services.values()],
    namespaces: [...namespaces.values()],
    pods: [...pods.values()],
    synced: changes.some(({ synced }) => synced),
  });
}

function compare(
  question: Question,
  one: ZoneAnswer | null,
  other: ZoneAnswer | null,
  options: { readonly serial: boolean },
): readonly string[] {
  const [a, b] = [showZoneAnswer(one, options), showZoneAnswer(other, options)];
  return a === b ? [] : [`${show(question)}: ${a} and ${b}`];
}

function show({ name, type }: Question): string {
  return `${formatName(name)} ${formatType(type)}`;
}

function existsFor(zone: Zone, name: Name, type: number): boolean {
  return zone.lookup(name, type)?.rcode === rcode.NOERROR;
}

function hasData(answer: ZoneAnswer, type: number): boolean {
  return answer.answer.some((record) => record.type === type);
}

function repeats({ answer, authority, additional }: ZoneAnswer): boolean {
  return [answer, authority, additional].some((section) => {
    const shown = new Set(section.map((record) => `${record.name} ${record.type} ${String(record.data)}`));
    return shown.size < section.length;
  });
}

function serialOf(zone: Zone): number {
  const data = zone.lookup(cluster, recordType.SOA)?.answer[0]?.data ?? new Uint8Array(20);
  return new DataView(data.buffer, data.byteOffset).getUint32(data.length - 20);
}
