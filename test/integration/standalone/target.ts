import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';

/** A server that answers at once and counts what it is asked. */
export async function openTarget(): Promise<{ readonly port: number; requests(): number; close(): Promise<void> }> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end('{"ok":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function planFor(
  port: number,
  of: { seconds?: number; load?: string; workers?: number } = {},
): { text: string; plan: Plan } {
  const text = `version: "1.0"
config:
  baseUrl: http://127.0.0.1:${port}
  timeout: 2s
  duration: ${of.seconds ?? 2}s
${of.workers === undefined ? '' : `  workers: ${of.workers}\n`}load: ${of.load ?? '{ model: rps, target: 50 }'}
scenarios:
  - name: only
    steps:
      - name: one
        request: { method: GET, path: / }
`;
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { text, plan: parsed.plan };
}

export function recordingLog(): {
  readonly lines: { level: string; message: string; fields: object }[];
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
} {
  const lines: { level: string; message: string; fields: object }[] = [];
  const line =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, message, fields });
  return { lines, debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
