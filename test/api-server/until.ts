import { setTimeout as wait } from 'node:timers/promises';

/** Resolves when the condition holds; fails with its name after `deadlineMs` of real time. */
export async function until(name: string, holds: () => boolean, deadlineMs = 10_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${name}`);
    await wait(2);
  }
}
