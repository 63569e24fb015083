import { recordType } from './constants.ts';
import { isWithin, lowerName } from './name.ts';
import type { Name } from './name.ts';
import { latin1, octetsOf, readName } from './read-name.ts';
import type { Answer, ResourceRecord } from './record.ts';

/** What is done to an answer before the asker sees it. */
export type AnswerChange = (answer: Answer) => Answer;

/** Octets of RDATA before its one name, for the types that hold one (RFC 1035, 2782, 6672). */
const namesAt: ReadonlyMap<number, number> = new Map([
  [recordType.NS, 0],
  [recordType.CNAME, 0],
  [recordType.PTR, 0],
  [recordType.DNAME, 0],
  [recordType.MX, 2],
  [recordType.SRV, 6],
]);

/** Changes each record of an answer. */
function mapRecords(answer: Answer, change: (record: ResourceRecord) => ResourceRecord): Answer {
  return {
    ...answer,
    answer: answer.answer.map(change),
    authority: answer.authority.map(change),
    additional: answer.additional.map(change),
  };
}

/** Records of this owner get the other one. `from` in lower case. */
export function renameOwner(from: Name, to: Name): AnswerChange {
  return (answer) => mapRecords(answer, (record) => (lowerName(record.name) === from ? { ...record, name: to } : record));
}

/** Owners below a suffix move below the other one. Both in lower case. */
export function moveOwners(from: Name, to: Name): AnswerChange {
  const move = (name: Name): Name => (isWithin(lowerName(name), from) ? name.slice(0, name.length - from.length) + to : name);
  return (answer) => mapRecords(answer, (record) => ({ ...record, name: move(record.name) }));
}

/** Owners are put through a change; what it does not know stays. */
export function changeOwners(change: (name: Name) => Name | null): AnswerChange {
  return (answer) => mapRecords(answer, (record) => ({ ...record, name: change(lowerName(record.name)) ?? record.name }));
}

/** Names in RDATA are put through a change; what it does not know stays. */
export function changeValues(change: (name: Name) => Name | null): AnswerChange {
  return (answer) =>
    mapRecords(answer, (record) => {
      const at = namesAt.get(record.type);
      const target = at === undefined ? null : readName(record.data, 0, record.data.length, at);
      const changed = target === null ? null : change(lowerName(target.name));
      if (at === undefined || changed === null) return record;
      return { ...record, data: octetsOf(latin1(record.data, 0, at) + changed) };
    });
}

/** Times to live are brought between two bounds, in seconds. */
export function boundTtl(min: number, max: number): AnswerChange {
  return (answer) => mapRecords(answer, (record) => ({ ...record, ttl: Math.min(max, Math.max(min, record.ttl)) }));
}

/** One response code becomes another. */
export function changeRcode(from: number, to: number): AnswerChange {
  return (answer) => (answer.rcode === from ? { ...answer, rcode: to } : answer);
}
