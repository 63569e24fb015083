import type { FoundCodes } from './collect-codes.ts';
import type { Room } from './rooms.ts';

/** What is wrong between the source and the tables, in sentences; empty: nothing. */
export function findCodeGaps({ codes, built }: FoundCodes, rooms: readonly Room[]): readonly string[] {
  const listed = new Set<string>(rooms.flatMap((room) => Object.keys(room.codes)));
  const gaps = built.map((text) => `${text} puts a code together: write each code out, so that it can be found`);
  for (const code of codes) if (!listed.has(code)) gaps.push(`${code} has no entry in scripts/codes`);
  for (const room of rooms) {
    for (const [code, [, meaning, action]] of Object.entries(room.codes)) {
      if (!codes.includes(code)) gaps.push(`${code} has an entry in scripts/codes, and src has no such code`);
      if (roomOf(code, rooms) !== room) gaps.push(`${code} stands under "${room.title}", where it does not belong`);
      if ([meaning, action].some((text) => text === '' || /[.|\n]$|\|/.test(text)))
        gaps.push(`${code} has a text that is empty, ends with a full stop or has a bar`);
    }
  }
  return gaps;
}

function roomOf(code: string, rooms: readonly Room[]): Room | undefined {
  return rooms.filter(({ prefix }) => code.startsWith(prefix)).toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
}
