import { waitForSignal } from './signals.ts';

// Says when it is ready, then what ends it, and never ends by itself afterwards: only a second signal can.
setInterval(() => {}, 1000);
const signal = waitForSignal();
process.stdout.write('ready\n');
process.stdout.write(`${await signal}\n`);
