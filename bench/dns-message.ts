/** Messages of the DNS benchmark, made and read by hand: its instruments share no code with what they measure. */

const types: Readonly<Record<string, number>> = { A: 1, TXT: 16, AAAA: 28, SRV: 33 };

/** Questions one behind the other; question n lies between `ends[n]` and `ends[n + 1]`. */
export interface PackedQuestions {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** A query with recursion desired, without EDNS, as the resolver of the C library sends it. The id is zero. */
export function makeQuestion(line: string): Buffer {
  const [name = '', type = ''] = line.split(' ');
  const labels = name.split('.').filter(Boolean);
  const parts = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...parts, Buffer.from([0, 0, types[type] ?? 0, 0, 1])]);
}

export function packQuestions(lines: readonly string[]): PackedQuestions {
  const questions = lines.map(makeQuestion);
  const ends = new Uint32Array(questions.length + 1);
  for (const [index, question] of questions.entries()) ends[index + 1] = (ends[index] ?? 0) + question.length;
  return { bytes: new Uint8Array(Buffer.concat(questions)), ends };
}

/** The answer of the stand-in for an upstream: one address, whatever the name; an OPT record is left out. */
export function answerWith(query: Buffer, address: string): Buffer {
  let end = 12;
  while (end < query.length && query[end] !== 0) end += (query[end] ?? 0) + 1;
  const question = Buffer.from(query.subarray(0, end + 5));
  const isA = question.readUInt16BE(end + 1) === 1;
  question.writeUInt16BE(0x8180, 2);
  question.fill(0, 4, 12);
  question.writeUInt16BE(1, 4);
  if (!isA) return question;
  question.writeUInt16BE(1, 6);
  return Buffer.concat([question, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, ...address.split('.').map(Number)])]);
}
