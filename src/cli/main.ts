import { runProgram } from './program.ts';
import { flushOutput, openTerminal } from './terminal.ts';

const code = await runProgram(process.argv.slice(2), openTerminal());
await flushOutput();
// Timers and sockets that are still open must not hold up the end of a command.
process.exit(code);
