import { styleText } from 'node:util';

/** A step's heading; bold where the output is a terminal. */
export function sayHeading(text: string): void {
  process.stdout.write(`\n${styleText('bold', text, { stream: process.stdout })}\n`);
}

export function say(text: string): void {
  process.stdout.write(`  ${text}\n`);
}

/** Lines that belong together, such as a table. */
export function sayLines(text: string): void {
  process.stdout.write(text.replaceAll(/^(?=.)/gm, '  '));
}

/** Something did not happen as it should have; the message is the sentence the reader gets. */
export class DemoFailure extends Error {}

export function check(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new DemoFailure(sentence);
}
