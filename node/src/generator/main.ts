import { GeneratorProcess } from './process.ts';
import type { ToGenerator } from './protocol.ts';

/**
 * The generator child process: what an agent spawns (through `nice`, with an IPC channel in `advanced` serialization). It says
 * `fault` and exits with 1 on an error of its own; it exits with 0, at once, when the channel closes, whatever is under way.
 */
const send = process.send?.bind(process);
if (send === undefined) {
  process.stderr.write('a generator is started by a tutti node, not by hand: it needs an IPC channel\n');
  process.exit(1);
}

const generator = new GeneratorProcess((message) => send(message));

function fault(thrown: unknown): void {
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  // The exit waits for the message to be written, not for longer: a full pipe must not keep a broken generator alive.
  setTimeout(() => process.exit(1), 500);
  send!({ kind: 'fault', message }, () => process.exit(1));
}

process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', fault);
process.on('unhandledRejection', fault);
process.on('message', (message: ToGenerator) => generator.receive(message));
// Ctrl-C reaches the whole process group; the agent decides when its generators end.
process.on('SIGINT', () => undefined);
